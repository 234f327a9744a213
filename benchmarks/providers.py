"""What our side of a model call costs: CPU through each provider, beside the bare request.

A server in a process of its own replays an answer of 32 words, each in a chunk of its own, in the
form of the path that is asked. The control posts the same bytes that the provider has posted, with
a bare httpx2 client, and reads what comes back without looking at it. Both keep their connections.

argent-litellm is measured where LiteLLM is installed. argent-llama is left out: it asks no server,
so that there is no bare request beside which it could be set.

CPU is that of this process, all threads, in milliseconds a call: the median over the rounds, in
which the provider and the control take turns. A ratio is the provider's over the control's.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import httpx2
from attrs import define, frozen

from argent_hookspecs import (
    ContextBlock,
    Finish,
    Message,
    ModelClient,
    ModelProvider,
    ModelRequest,
    Role,
    ToolSpec,
)
from argent_testing.specimen import load_plugin
from benchmarks.model_server import WORDS, replaying

HISTORY = (2, 200, 1000)
"""Messages that were exchanged before the one that is answered."""
_KEY = "ARGENT_BENCHMARK_KEY"
_SAID = "What is on for today, and did the plumber write back about Thursday afternoon? ({n})"
_TOOLS = tuple(
    ToolSpec(
        name,
        "Do what its name says, and tell how it went.",
        {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    )
    for name in ("remember", "recall", "search", "send")
)


@frozen
class Candidate:
    """A provider that is measured.

    Args:
        name: Of the plugin, and of the provider.
        settings: The plugin's, with the address of the server in place of ``{url}``.
        model: What it is asked for.
        needs: What must be installed besides the plugin.
    """

    name: str
    settings: dict[str, Any]
    model: str
    needs: str = "argent_testing"

    @property
    def missing(self) -> list[str]:
        """What is not installed."""
        return [name for name in (f"argent_{self.name}", self.needs) if find_spec(name) is None]


CANDIDATES = (
    Candidate("openai", {"endpoints": {"openai": {"baseUrl": "{url}/v1"}}}, "m"),
    Candidate("anthropic", {"baseUrl": "{url}", "apiKey": f"env:{_KEY}"}, "claude-m"),
    Candidate("ollama", {"baseUrl": "{url}"}, "m"),
    Candidate(
        "litellm",
        {
            "addresses": {"openai": "{url}/v1"},
            "keys": {"openai": f"env:{_KEY}"},
        },
        "openai/m",
        needs="litellm",
    ),
)


@click.command()
@click.option("--rounds", default=60, show_default=True, help="Rounds of each measurement.")
@click.option("--calls", default=3, show_default=True, help="Calls of each side in a round.")
@click.option("--json", "as_json", is_flag=True, help="Print one object with the figures last.")
def main(rounds: int, calls: int, *, as_json: bool) -> None:
    """Measure what a model call costs through each provider.

    \b
    Examples:
      python -m benchmarks.providers
      python -m benchmarks.providers --rounds 200 --json
    """
    figures: dict[str, float] = {}
    os.environ.setdefault(_KEY, "any")
    with replaying() as url:
        for candidate in CANDIDATES:
            if missing := candidate.missing:
                _tell(f"{candidate.name} is left out: {missing[0]} is not installed")
                continue
            figures |= asyncio.run(_measure(candidate, url, rounds=rounds, calls=calls))
    for name, value in figures.items():
        click.echo(f"{name:28} {value:10.3f}")
    if as_json:
        click.echo(json.dumps(figures))


async def _measure(candidate: Candidate, url: str, *, rounds: int, calls: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    settings = json.loads(json.dumps(candidate.settings).replace("{url}", url))
    with tempfile.TemporaryDirectory() as folder:
        async with (
            load_plugin(
                f"argent_{candidate.name}", folder=Path(folder, "home"), settings=settings
            ) as plugin,
            httpx2.AsyncClient(timeout=60) as http,
        ):
            records = {record.id: record for record in plugin.of(ModelProvider)}
            client = plugin.live(records[candidate.name])
            for messages in HISTORY:
                _tell(f"{candidate.name}, {messages} messages")
                pair = await _Pair.make(client, http, url, _request(candidate.model, messages))
                bare, ours = await pair.take_turns(rounds, calls)
                name = f"{candidate.name}_{messages}"
                figures[f"{name}_bare_cpu_ms"] = bare
                figures[f"{name}_cpu_ms"] = ours
                figures[f"{name}_ratio"] = ours / bare
    return figures


@define(eq=False)
class _Pair:
    """A call through a provider, and the same by hand."""

    client: ModelClient
    http: httpx2.AsyncClient
    request: ModelRequest
    url: str
    body: bytes
    media: str

    @classmethod
    async def make(
        cls, client: ModelClient, http: httpx2.AsyncClient, url: str, request: ModelRequest
    ) -> _Pair:
        """Make a call through the provider and ask the server what it was."""
        pair = cls(client, http, request, "", b"", "")
        await pair.ours()
        last = await http.get(f"{url}/last")
        pair.url, pair.body = f"{url}{last.headers['x-path']}", last.content
        pair.media = last.headers["x-media"]
        return pair

    async def take_turns(self, rounds: int, calls: int) -> tuple[float, float]:
        """Return the medians of both: by hand, and through the provider."""
        await _cpu(self.bare, 10)
        await _cpu(self.ours, 10)
        bare, ours = [], []
        for _ in range(rounds):
            gc.collect()
            bare.append(await _cpu(self.bare, calls))
            gc.collect()
            ours.append(await _cpu(self.ours, calls))
        return statistics.median(bare), statistics.median(ours)

    async def ours(self) -> None:
        """Call through the provider."""
        said = [part async for part in self.client.stream(self.request)]
        assert isinstance(said[-1], Finish)
        assert len(said) > WORDS

    async def bare(self) -> None:
        """Post the bytes and read the answer."""
        headers = {"Content-Type": self.media}
        async with self.http.stream("POST", self.url, content=self.body, headers=headers) as answer:
            size = 0
            async for piece in answer.aiter_raw():
                size += len(piece)
            assert answer.status_code == 200
            assert size > WORDS


async def _cpu(call: Callable[[], Awaitable[None]], calls: int) -> float:
    began = time.process_time()
    for _ in range(calls):
        await call()
    return (time.process_time() - began) / calls * 1000


def _request(model: str, messages: int) -> ModelRequest:
    said = [
        Message(Role.ASSISTANT if n % 2 else Role.USER, f"{_SAID.format(n=n)} " * 2)
        for n in range(messages + 1)
    ]
    system = ContextBlock(text="You are kind and brief. " * 100, source="SOUL.md", stable=True)
    return ModelRequest(
        model=model, system=(system,), messages=tuple(said), tools=_TOOLS, stable=messages
    )


def _tell(words: str) -> None:
    click.echo(words, err=True)


if __name__ == "__main__":
    main()
