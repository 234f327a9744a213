"""Builds from nothing to all: what each is made of, how it is talked with, and what it lacks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import field, frozen

from benchmarks.model_server import WORDS, replaying
from tests.builds import Build

_BOT_API = Path(__file__).resolve().parent.parent / "plugins" / "argent-telegram" / "tests"
_WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
_KERNEL = ("argent_hookspecs", "argent_core")
_TERMINAL = (*_KERNEL, "argent_terminal", "argent_llama")
_PERSON = 1
_PATIENCE = 60.0
_SAID = "Hello! Who are you?"


@frozen
class MinimalBuild:
    """A build.

    Args:
        packages: Members that are installed, by the names of their packages.
        talk: Says something to it, and returns what it answers; with a kernel alone nobody can.
        lacks: Commands, and what each must say of something that is not installed.
    """

    packages: tuple[str, ...]
    talk: Callable[[Build], str]
    lacks: Mapping[tuple[str, ...], str] = field(factory=dict)


def is_there(build: Build) -> str:
    """Start the agent, ask how it is, and stop it. Raises ``SystemExit`` if it does not run."""
    with _running(build):
        status = json.loads(build.argent("status", "--json"))
    if not status["running"]:
        raise SystemExit("it does not run")
    return "it starts and stops"


def talk_in_terminal(build: Build) -> str:
    """Say something in a terminal, to the embedded model, and return its answer."""
    build.argent("config", "set", "plugins.llama.model", weights())
    return build.argent("chat", "--message", _SAID)


def talk_in_telegram(build: Build) -> str:
    """Say something in Telegram, to an Ollama server that is played, and return its answer."""
    with replaying() as model:
        return asyncio.run(_telegram(build, model))


async def _telegram(build: Build, model: str) -> str:
    sys.path.insert(0, str(_BOT_API))
    from bot_api import BotApi

    async with BotApi() as api:
        token = build.home / "token"
        token.touch(mode=0o600)
        token.write_text(api.token)
        tier = {"name": "local", "provider": "ollama", "model": "m"}
        settings = {
            "people": {"owners": {"telegram": [str(_PERSON)]}},
            "plugins": {
                "ollama": {"baseUrl": model},
                "telegram": {"token": f"file:{token}", "baseUrl": api.url},
            },
        }
        (build.home / "models.json").write_text(json.dumps({"tiers": [tier]}))
        (build.home / "argent.json").write_text(json.dumps(settings))
        with _running(build):
            await api.polled(timeout=_PATIENCE)
            await api.say(_SAID, chat=_PERSON)
            await api.until(lambda: _is_whole(api.texts(_PERSON)), timeout=_PATIENCE)
            return "\n".join(api.texts(_PERSON))


def _is_whole(texts: list[str]) -> bool:
    return any(f"word{WORDS - 1}" in text for text in texts)


BUILDS: Mapping[str, MinimalBuild] = {
    "core": MinimalBuild(
        _KERNEL,
        is_there,
        {
            ("status",): "pip install argent-llama",
            ("doctor",): "pip install argent-terminal",
            ("chat",): "pip install argent-terminal",
            ("router",): "pip install argent-router-learned",
            ("models", "list"): "There is no tier",
            ("plugins", "list"): "No plugin is installed",
        },
    ),
    "terminal": MinimalBuild(_TERMINAL, talk_in_terminal),
    "telegram": MinimalBuild(
        (*_KERNEL, "argent_telegram", "argent_ollama"),
        talk_in_telegram,
        {
            ("status",): "ollama can run models, but no tier says which one answers",
            ("doctor",): "argent init telegram",
            ("chat",): "pip install argent-terminal",
        },
    ),
    "full": MinimalBuild(("argent", "argent_basics", *_TERMINAL), talk_in_terminal),
}


def said_of_absences(build: Build, minimal: MinimalBuild) -> dict[str, str]:
    """Run the commands of a build in a new home; return what those say that do not say enough."""
    build.home.mkdir(mode=0o700)
    build.argent("init", "--yes")
    silent = {}
    for words, expected in minimal.lacks.items():
        said = complaint(build, *words)
        if expected not in said:
            silent[" ".join(words)] = said
    return silent


def complaint(build: Build, *words: str) -> str:
    """Run a command that may fail; return all that it says."""
    done = subprocess.run(
        [build.program("argent"), *words],
        env=build.variables,
        cwd=build.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
    )
    if "Traceback" in done.stderr:
        raise SystemExit(done.stderr)
    return done.stdout + done.stderr


def weights() -> str:
    """Return the small model's file where tests keep it, or else its name; then it is fetched."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = os.environ.get("ARGENT_TEST_MODELS") or Path(caches, "argent-test-models")
    path = Path(folder, "models", _WEIGHTS)
    return str(path) if path.is_file() else "smollm2-135m"


@contextmanager
def _running(build: Build) -> Iterator[subprocess.Popen[str]]:
    """Run the agent for the block, from when it says so; it must stop cleanly."""
    process = subprocess.Popen(
        [build.program("argent"), "start", "--quiet"],
        env=build.variables,
        cwd=build.folder,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        first: Any = process.stderr.readline()
        if not first.startswith("Argent runs"):
            raise SystemExit(f"it does not start: {first}{process.stderr.read()}")
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=_PATIENCE)
    if process.returncode != 0:
        raise SystemExit(f"it ends with {process.returncode}: {rest}")
