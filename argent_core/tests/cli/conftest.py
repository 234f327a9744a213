"""How the tests of commands call them: as functions where that is enough, as a person elsewhere."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path

import pytest
from attrs import frozen
from click.testing import CliRunner, Result

from argent_core.cli import main
from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_hookspecs import Permission, Plugin, Tool, hookimpl
from argent_testing import Argent as Agent
from argent_testing import ScriptedModel, ScriptStep

ARGENT = (sys.executable, "-c", "from argent_core.cli import main; main()")

NO_PLUGINS = '{"version": 1, "agent": {"plugins": []}}'

Run = Callable[..., Result]


@frozen
class Installation:
    """A folder on the import path into which distributions can be put."""

    site: Path
    cache: Path
    home: Path

    def add(
        self,
        distribution: str,
        *,
        commands: str = "",
        plugins: str = "",
        set_ups: str = "",
        **code: str,
    ) -> None:
        """Install a distribution with these entry points and modules."""
        for module, source in code.items():
            (self.site / f"{module}.py").write_text(source)
        info = self.site / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        groups = f"[argent.commands]\n{commands}\n[argent]\n{plugins}\n[argent.init]\n{set_ups}\n"
        (info / "entry_points.txt").write_text(groups)

    @property
    def environ(self) -> dict[str, str]:
        own = {"PYTHONPATH": str(self.site), "ARGENT_CACHE": str(self.cache)}
        return {**os.environ, **own, "ARGENT_HOME": str(self.home), "COLUMNS": "100"}

    def run(self, *words: str, python: Sequence[str] = ARGENT) -> subprocess.CompletedProcess[str]:
        """Run the command as a person would."""
        return subprocess.run(
            [*python, *words],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def talk(self, *words: str, answers: Sequence[tuple[str, str]] = ()) -> str:
        """Run the command at a terminal, answer its questions, and return all that was seen."""
        person, terminal = pty.openpty()
        process = subprocess.Popen(
            [*ARGENT, *words], env=self.environ, stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        try:
            with os.fdopen(person, "r+b", buffering=0) as screen:
                seen = _converse(screen, answers)
            assert process.wait(timeout=60) == 0, seen
        finally:
            process.kill()
            process.wait()
        return seen


def _converse(screen: RawIOBase, answers: Sequence[tuple[str, str]]) -> str:
    """Type each answer once its question is there; return what is on the screen in the end."""
    seen, waiting, read_until = b"", list(answers), 0
    while part := _read(screen):
        seen += part
        if waiting and waiting[0][0].encode() in seen[read_until:]:
            read_until = len(seen)
            screen.write(f"{waiting.pop(0)[1]}\n".encode())
    assert not waiting, f"never asked: {waiting}"
    return seen.decode().replace("\r\n", "\n")


def _read(screen: RawIOBase) -> bytes:
    ready, _, _ = select.select([screen], [], [], 60)
    assert ready, "nothing is shown for a minute"
    try:
        return screen.read(4096) or b""
    except OSError:  # how Linux says that nobody has the terminal open any more
        return b""


@frozen
class RunningAgent:
    """A command in a process of its own: ``argent start``, mostly."""

    process: subprocess.Popen[str]

    def wait_for(self, words: str) -> str:
        """Read what it and its plugin print, until a line begins like this; return the rest."""
        assert self.process.stdout is not None
        seen = []
        for line in self.process.stdout:
            seen.append(line)
            if line.startswith(words):
                return line.removeprefix(words).strip()
        raise AssertionError(f"{words!r} was never printed, but {''.join(seen)}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Wait until it has ended; return the exit code and the rest of what it printed."""
        printed, _ = self.process.communicate(timeout=30)
        return self.process.returncode, printed


@frozen
class Agents:
    """Runs agents on the home of an installation."""

    installation: Installation

    @contextmanager
    def __call__(self, *said: str, conversation: str = "home") -> Iterator[RunningAgent]:
        """Run one for the block; its plugin says some messages first."""
        self._say(said, conversation)
        with self.running("start") as agent:
            agent.wait_for("Argent runs, with play.")
            yield agent

    @contextmanager
    def running(self, *words: str) -> Iterator[RunningAgent]:
        """Run a command beside the block; it is killed at the end if it still runs."""
        process = subprocess.Popen(
            [*ARGENT, *words],
            env=self.installation.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield RunningAgent(process)
        finally:
            process.kill()
            process.communicate()

    def _say(self, said: Sequence[str], conversation: str) -> None:
        data = Home(self.installation.home).plugin_data("play")
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = [json.dumps([text, conversation]) for text in said]
        (data / "say.jsonl").write_text("\n".join(lines))


@pytest.fixture
def agents(installation: Installation, home: Home) -> Agents:
    """Run ``argent start`` with a plugin whose person and model a test commands."""
    source = (Path(__file__).parent / "play_plugin.py").read_text()
    installation.add("argent-play", plugins="play = play_plugin", play_plugin=source)
    home.create()
    home.config_file.write_text('{"version": 1, "agent": {"plugins": ["play"]}}')
    home.config_file.chmod(0o600)
    return Agents(installation)


@pytest.fixture
def alone(home: Home) -> Home:
    """A home on which no plugin may load, so that commands are quick."""
    home.create()
    home.config_file.write_text(NO_PLUGINS)
    home.config_file.chmod(0o600)
    return home


Remember = Callable[..., list[str]]


@pytest.fixture
def remember(tmp_path: Path, alone: Home) -> Remember:
    """Have an agent deal with messages, and end, so that commands find what it left."""

    async def run(script: Mapping[str, ScriptStep]) -> list[str]:
        agent = Agent(tmp_path)
        model = ScriptedModel(script.values())
        async with agent(plugins=[Letters()], model=model, home=alone) as kernel:
            ids = []
            for text in script:
                id = str(await agent.channel.say(text))
                async with asyncio.timeout(10):
                    while not await _settled(kernel, id):
                        pass
                await agent.clock.advance(1)
                ids.append(id)
        return ids

    def remember(**script: ScriptStep) -> list[str]:
        alone.config_file.unlink()
        ids = asyncio.run(run(script))
        alone.config_file.write_text(NO_PLUGINS)
        return ids

    return remember


async def _settled(kernel: Kernel, id: str) -> bool:
    """Tell whether an event is dealt with as far as it can be, and its reply is sent."""
    event = await kernel.agent.events.show(id)
    replies = (await kernel.agent.status())["replies"]
    under_way = kernel.loop.running or replies["pending"] or replies.get("sending")
    return event["state"] in ("waiting", "done", "dead") and not under_way


class Letters:
    """A plugin with a tool that needs a person's word."""

    @hookimpl
    def argent_plugin(self) -> Plugin:
        return Plugin(summary="Letters.")

    @hookimpl
    def argent_tools(self) -> list[Tool]:
        async def send(text: str) -> str:
            return f"sent {text}"

        tool = Tool(id="send", description="Send.", run=send, permission=Permission.ASK)
        return [tool]


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    (tmp_path / "site").mkdir()
    return Installation(tmp_path / "site", tmp_path / "cache", tmp_path / "home")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def argent(home: Home, tmp_path: Path) -> Run:
    """Run a command of the kernel on a home of its own."""
    environ = {"ARGENT_HOME": str(home.root), "ARGENT_CACHE": str(tmp_path / "cache")}

    def run(*words: str, given: str = "") -> Result:
        return CliRunner(env=environ).invoke(main, words, input=given, prog_name="argent")

    return run
