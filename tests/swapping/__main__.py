"""Holds a conversation with one provider and one tier at a time."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import click
from attrs import evolve, field, frozen

from benchmarks.model_server import WORDS, replaying
from tests.builds import Build
from tests.minimal_builds import weights

_LEAST = ("argent_hookspecs", "argent_core", "argent_terminal")
_SAID = ("Hello! Who are you?", "And what can you do?")


@frozen
class Pair:
    """A provider and a tier that it serves.

    Args:
        settings: Of the provider's plugin, with the address of the server in place of ``{url}``.
        model: What the tier asks for.
        asks: Whether it asks the server; otherwise the model is in the process.
        lacks: What it says if it cannot answer, since what it needs is not installed with it.
    """

    provider: str
    tier: str
    settings: Mapping[str, str | None] = field(factory=dict)
    model: str = "m"
    asks: bool = True
    lacks: str = ""


_TOKENS = 64
_AT_ONCE = 2
_ANTHROPIC = {"baseUrl": "{url}", "apiKey": None}


def _pairs() -> list[Pair]:
    """Return pairs in which every provider is, and every tier."""
    return [
        Pair("llama", "local", model=weights(), asks=False),
        Pair("ollama", "local", {"baseUrl": "{url}"}),
        Pair("anthropic", "fast", _ANTHROPIC),
        Pair("anthropic", "powerful", _ANTHROPIC),
        Pair("openai", "balanced", {"baseUrl": "{url}/v1"}),
        Pair("litellm", "balanced", model="openai/m", lacks="LiteLLM is not installed"),
    ]


@click.command()
@click.argument("wheels", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(wheels: Path) -> None:
    """Hold a conversation in an empty environment for a provider and a tier at a time.

    It is of two messages, each said to a process of its own: the second tells the first. Only
    LiteLLM, which is never installed by the way, starts and says that it is missing.

    \b
    Example:
      uv build --all-packages --wheel --out-dir wheels
      python -m tests.swapping wheels
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(_AT_ONCE) as pool:
        # Found here, once: what it looks up is not ready for threads.
        build = Build(Path(folder))
        for line in pool.map(partial(_try, wheels, build), _pairs()):
            click.echo(line)


def _try(wheels: Path, builds: Build, pair: Pair) -> str:
    """Install a pair, talk with it, and say what it said."""
    build = evolve(builds, folder=builds.folder / f"{pair.provider}-{pair.tier}")
    build.install(wheels, *_LEAST, f"argent_{pair.provider}", f"argent_tier_{pair.tier}")
    with replaying() as url:
        settings = json.loads(json.dumps(pair.settings).replace("{url}", url))
        tier = {
            "provider": pair.provider,
            "model": pair.model,
            "maxOutputTokens": _TOKENS,
        }
        build.settle({"plugins": {pair.provider: settings, f"tier-{pair.tier}": tier}})
        said = _refused(build, pair) if pair.lacks else _converse(build, pair, url)
    return f"argent-{pair.provider}, argent-tier-{pair.tier}: {said:.60}"


def _converse(build: Build, pair: Pair, url: str) -> str:
    """Say two things and return the last answer. Raises ``SystemExit`` if one was forgotten."""
    for words in _SAID:
        answer = build.argent("chat", "--message", words)
    if pair.asks:
        with urllib.request.urlopen(f"{url}/last", timeout=10) as last:
            told = last.read().decode()
        missing = [words for words in (*_SAID, f"word{WORDS - 1}") if words not in told]
        if missing:
            raise SystemExit(f"argent-{pair.provider} did not tell {missing}: {told}")
    return answer


def _refused(build: Build, pair: Pair) -> str:
    """Say something to a model that cannot answer. Raises ``SystemExit`` if it says not why."""
    said = build.argent("chat", "--message", _SAID[0], status=1)
    if pair.lacks not in said:
        raise SystemExit(f"argent-{pair.provider} does not say what it lacks: {said}")
    return pair.lacks


if __name__ == "__main__":
    main()
