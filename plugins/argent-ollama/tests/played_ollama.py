"""A server that speaks as Ollama does: https://docs.ollama.com/api."""

from __future__ import annotations

import asyncio
from typing import Any

from attrs import define, field

from argent_testing import Asked, ModelServer, PlayedReply, json_reply
from argent_testing.wire.ollama import answer, lines

WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SMALL = "llama3.2:latest"


def stream(*pieces: bytes | asyncio.Event, **more: Any) -> PlayedReply:
    """Return a stream of documents."""
    return PlayedReply(pieces=pieces, media="application/x-ndjson", **more)


def refusal(status: int, error: str, **headers: str) -> PlayedReply:
    """Return an error."""
    return json_reply({"error": error}, status=status, **headers)


def shown(*able: str, trained: int = 131072, parameters: str = "", **more: Any) -> dict[str, Any]:
    """Return what ``/api/show`` says."""
    return {
        "modelfile": "# generated",
        "parameters": parameters,
        "details": {"family": "llama", "parameter_size": "3.2B"},
        "model_info": {"general.architecture": "llama", "llama.context_length": trained},
        "capabilities": ["completion", *able],
        **more,
    }


def pulled(*, known: bool) -> PlayedReply:
    """Return what ``/api/pull`` says."""
    if not known:
        error = {"error": "pull model manifest: file does not exist"}
        return stream(*lines({"status": "pulling manifest"}, error))
    layer = {"status": "pulling a80c4f17acd5", "digest": "sha256:a80c4f17acd5", "total": 10}
    counts = ({**layer, "completed": done} for done in (0, 4, 10))
    return stream(*lines({"status": "pulling manifest"}, *counts, {"status": "success"}))


def counted(text: str) -> list[float]:
    """Return a vector of a text: how often it has each of some letters."""
    return [1.0, *(float(text.count(letter)) for letter in "aeiou tsü")]


@define(eq=False, kw_only=True)
class PlayedOllama(ModelServer):
    """The server; it has models that count, as long as they may.

    Args:
        models: What ``/api/show`` says of each model.
    """

    path: str = "/api/chat"
    models: dict[str, dict[str, Any]] = field(factory=lambda: {SMALL: shown("tools")})

    def answers(self, *documents: Any, path: str = "/api/chat", **more: Any) -> None:
        """Have it answer once with these documents."""
        self.play(stream(*lines(*documents), **more), path=path)

    def by_itself(self, asked: Asked) -> PlayedReply:
        """Answer as Ollama does; the models count."""
        if asked.path == "/api/version":
            return json_reply({"version": "0.40.12"})
        if asked.path == "/api/tags":
            listed = [{"name": name, "model": name, "size": 2019393189} for name in self.models]
            details = {"details": {"parameter_size": "3.2B", "quantization_level": "Q4_K_M"}}
            return json_reply({"models": [{**one, **details} for one in listed]})
        model = asked.body["model"]
        if asked.path == "/api/pull":
            return pulled(known=model in self.models)
        if model not in self.models:
            return refusal(404, f"model '{model}' not found")
        if asked.path == "/api/show":
            return json_reply(self.models[model])
        if asked.path == "/api/embed":
            vectors = [counted(text) for text in asked.body["input"]]
            return json_reply({"model": model, "embeddings": vectors})
        most = asked.body["options"]["num_predict"]
        told = answer(*(f"{word} " for word in (WORDS * 7)[:most]), prompt=len(asked.raw) // 4)
        return stream(*told)
