from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from argent_core.link import KERNEL, link_file
from argent_core.local import CallFailed, LocalCommandContext, NotRunning
from argent_core.paths import Home
from argent_hookspecs import SCORER, Connection, PluginContext, PluginError, Service, ServiceKey
from argent_testing import Argent, MadePlugin, hang
from argent_testing.kernels import write_config

from .demo import Demo

pytestmark = pytest.mark.anyio

Serve = Callable[[Connection], Awaitable[None]]


async def echo(connection: Connection) -> None:
    async for message in connection:
        await connection.send({"echo": message})


def serving(handler: Serve, *, name: str = "demo") -> Demo:
    """Make a plugin that serves local connections."""

    def make(ctx: PluginContext) -> list[Service[Any]]:
        return [Service(key=ServiceKey(f"serve {name}", object), open=lambda: opened(ctx))]

    @asynccontextmanager
    async def opened(ctx: PluginContext) -> AsyncIterator[object]:
        async with ctx.serve_local(handler):
            yield object()

    return Demo(name=name, make=make)


@pytest.fixture
def command(argent: Argent) -> Callable[[], LocalCommandContext]:
    return lambda: LocalCommandContext(argent.home)


Command = Callable[[], LocalCommandContext]


async def ask(line: Any, message: Mapping[str, Any]) -> Any:
    await line.send(message)
    return await line.receive()


def link(argent: Argent) -> Path:
    return argent.home.run / "link.json"


def read_link(argent: Argent) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(link(argent).read_text())
    return found


async def raw(argent: Argent, said: bytes) -> bytes:
    """Say something on the kernel's port; return all that it says before it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", read_link(argent)["port"])
    try:
        heard = await reader.readline()
        writer.write(said)
        writer.write_eof()
        with contextlib.suppress(ConnectionResetError):  # it hung up before it had read all
            async with asyncio.timeout(10):
                heard += await reader.read()
        return heard
    finally:
        writer.close()


class TestSafety:
    async def test_only_the_owner_may_read_how_to_reach_it(self, argent: Argent) -> None:
        async with argent():
            assert stat.S_IMODE(link(argent).stat().st_mode) == 0o600
            assert len(read_link(argent)["token"]) >= 40
        assert not link(argent).exists()

    async def test_every_run_has_its_own_token(self, argent: Argent) -> None:
        async with argent():
            first = read_link(argent)["token"]
        async with argent.restart():
            assert read_link(argent)["token"] != first

    @pytest.mark.skipif(sys.platform != "linux", reason="needs a second loopback address")
    async def test_it_listens_on_this_machine_only(self, argent: Argent) -> None:
        async with argent():
            port = read_link(argent)["port"]
            with socket.socket() as probe:
                # Another address of the same machine: taken, if the kernel listened on all.
                probe.bind(("127.0.0.2", port))

    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"\n",
            b"hello\n",
            b'"token"\n',
            b'{"to": "kernel"}\n',
            b'{"token": "wrong", "to": "kernel"}\n',
            b'{"token": null, "to": "kernel"}\n',
            b'{"token": "\\ud800", "to": "kernel"}\n',
            b"[" * 100_000 + b"\n",
            b'{"token": "' + b"x" * 1_000_000 + b'"}\n',
            b"\xff\xfe\n",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        ],
    )
    async def test_without_the_token_there_is_a_challenge_and_no_word_more(
        self, argent: Argent, said: bytes
    ) -> None:
        async with argent(plugins=[serving(echo)]):
            (line,) = (await raw(argent, said + b'{"call": "status"}\n')).splitlines()
            assert list(json.loads(line)) == ["challenge"]

    async def test_the_token_is_not_shown_to_whoever_took_the_port(
        self, argent: Argent, command: Command
    ) -> None:
        heard, gone = bytearray(), asyncio.Event()

        async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b'{"challenge": "x"}\n{"proof": "y"}\n{"ready": true}\n{"result": 1}\n')
            heard.extend(await reader.read())
            gone.set()
            writer.close()

        async with argent():
            link = read_link(argent)
        async with await asyncio.start_server(pretend, host="127.0.0.1", port=0) as server:
            port = server.sockets[0].getsockname()[1]
            link_file(argent.home).write_text(json.dumps({**link, "port": port}))
            with pytest.raises(NotRunning, match="is not this Argent"):
                await command().call("status")
            await gone.wait()

        assert b"proof" in heard
        assert link["token"].encode() not in heard


class TestKernelOfACommand:
    async def test_it_ends_when_it_is_told_to(self, tmp_path: Path) -> None:
        context = LocalCommandContext(Home(tmp_path / "home"))
        write_config(context.place, {"agent": {"plugins": []}})

        with pytest.raises(NotRunning, match="was stopped"):
            async with context.running_kernel():
                await context.call("shutdown")
                await hang()

        assert not await context.is_running()


class TestTalking:
    async def test_a_plugins_command_reaches_its_plugin(
        self, argent: Argent, command: Command
    ) -> None:
        async with argent(plugins=[serving(echo)]), command().connect("demo") as line:
            assert await ask(line, {"say": "Zoë ☕\n"}) == {"echo": {"say": "Zoë ☕\n"}}

    async def test_messages_may_be_big(self, argent: Argent, command: Command) -> None:
        text = "x" * 10_000_000

        async with argent(plugins=[serving(echo)]), command().connect("demo") as line:
            sent = asyncio.create_task(line.send({"say": text}))
            assert await line.receive() == {"echo": {"say": text}}
            await sent

    async def test_commands_do_not_wait_for_each_other(
        self, argent: Argent, command: Command
    ) -> None:
        async with (
            argent(plugins=[serving(echo)]),
            command().connect("demo") as first,
            command().connect("demo") as second,
        ):
            assert await ask(second, {"n": 2}) == {"echo": {"n": 2}}
            assert await ask(first, {"n": 1}) == {"echo": {"n": 1}}

    async def test_many_at_once_get_each_their_own_answer(
        self, argent: Argent, command: Command
    ) -> None:
        async def talk(n: int) -> Any:
            async with command().connect("demo") as line:
                return [await ask(line, {"n": n, "i": i}) for i in range(5)]

        async with argent(plugins=[serving(echo)]):
            answers = await asyncio.gather(*(talk(n) for n in range(50)))

        assert answers == [[{"echo": {"n": n, "i": i}} for i in range(5)] for n in range(50)]

    async def test_the_kernel_does_what_it_is_asked(self, argent: Argent, command: Command) -> None:
        async with argent():
            status = await command().call("status")

        assert status["state"] == "idle"

    async def test_what_it_cannot_do_is_said(self, argent: Argent, command: Command) -> None:
        async with argent():
            with pytest.raises(CallFailed, match="there is no operation 'fly'"):
                await command().call("fly")

    @pytest.mark.parametrize("name", ["nobody", "", "memory"])
    async def test_one_who_serves_nothing_is_said_to_be_so(
        self, argent: Argent, command: Command, name: str
    ) -> None:
        async with argent():
            with pytest.raises(CallFailed, match="does not run"):
                async with command().connect(name):
                    pass

    async def test_why_one_does_not_run_is_said(self, argent: Argent, command: Command) -> None:
        broken = MadePlugin("broken", requires=[SCORER])
        async with argent([broken], allow_faults=True):
            with pytest.raises(CallFailed, match=r"does not run \(blocked: .* 'scorer'"):
                async with command().connect("broken"):
                    pass


class TestServing:
    async def test_a_command_that_goes_away_ends_the_stream(
        self, argent: Argent, command: Command
    ) -> None:
        ended = asyncio.Event()

        async def until_gone(connection: Connection) -> None:
            async for _ in connection:
                pass
            ended.set()

        async with argent(plugins=[serving(until_gone)]):
            async with command().connect("demo"):
                pass
            async with asyncio.timeout(10):
                await ended.wait()

    async def test_speaking_to_one_who_is_gone_is_an_error_that_blames_nobody(
        self, argent: Argent, command: Command
    ) -> None:
        gone, refused = asyncio.Event(), asyncio.Event()

        async def talkative(connection: Connection) -> None:
            await gone.wait()
            try:
                while True:
                    await connection.send({"text": "x" * 100_000})
            except ConnectionError:
                refused.set()
                raise

        async with argent(plugins=[serving(talkative)]) as kernel:
            async with command().connect("demo"):
                pass
            gone.set()
            async with asyncio.timeout(10):
                await refused.wait()
            assert kernel.host.plugins["demo"].faults == 0

    @pytest.mark.parametrize("error", [LookupError("oh"), SystemExit(1)])
    async def test_one_that_fails_is_named_and_hangs_up(
        self, argent: Argent, command: Command, error: BaseException
    ) -> None:
        async def fails(connection: Connection) -> None:
            raise error

        async with argent(plugins=[serving(fails)], allow_faults=True) as kernel:
            async with command().connect("demo") as line:
                assert await line.receive() is None
            assert "a local connection failed" in kernel.host.plugins["demo"].reason
            assert (await command().call("status"))["state"] == "idle"

    async def test_one_that_hangs_does_not_keep_the_kernel_from_stopping(
        self, argent: Argent, command: Command
    ) -> None:
        async def stuck(connection: Connection) -> None:
            await hang()

        kernel_context = argent(plugins=[serving(stuck)])
        await kernel_context.__aenter__()
        async with command().connect("demo") as line:
            async with asyncio.timeout(5):
                await kernel_context.__aexit__(None, None, None)
            assert await line.receive() is None

    async def test_nobody_serves_twice(self, argent: Argent, command: Command) -> None:
        async with argent(plugins=[serving(echo)]) as kernel:
            with pytest.raises(PluginError, match="already"):
                async with kernel.local.serve("demo", echo):
                    pass
            async with command().connect("demo") as line:
                assert await ask(line, {}) == {"echo": {}}

    async def test_no_plugin_serves_in_the_kernels_name(
        self, argent: Argent, command: Command
    ) -> None:
        async with argent(plugins=[serving(echo, name=KERNEL)], allow_faults=True) as kernel:
            assert kernel.host.plugins[KERNEL].state == "failed"
            assert (await command().call("status"))["state"] == "idle"

    async def test_after_a_restart_of_the_plugin_it_serves_again(
        self, argent: Argent, command: Command
    ) -> None:
        async with argent(plugins=[serving(echo)]) as kernel:
            await kernel.host.disable("demo")
            with pytest.raises(CallFailed, match="does not run"):
                async with command().connect("demo"):
                    pass
            await kernel.host.enable("demo")
            async with command().connect("demo") as line:
                assert await ask(line, {}) == {"echo": {}}


class TestNoKernel:
    @pytest.fixture
    def command(self, argent: Argent, tmp_path: Path) -> LocalCommandContext:
        argent.home = Home(tmp_path / "quiet")
        write_config(argent.home, {"agent": {"plugins": []}})
        return LocalCommandContext(argent.home, patience=0.2)

    def leave_link(self, argent: Argent, **facts: Any) -> None:
        link(argent).write_text(json.dumps({"port": 1, "token": "t", **facts}))

    async def test_it_is_said_and_how_to_start_one(self, command: LocalCommandContext) -> None:
        assert not await command.is_running()
        with pytest.raises(NotRunning, match="argent start"):
            await command.call("status")

    @pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"port": "x", "token": 1}'])
    async def test_a_link_that_says_nothing_is_none(
        self, argent: Argent, command: LocalCommandContext, text: str
    ) -> None:
        link(argent).write_text(text)

        assert not await command.is_running()

    async def test_a_link_that_was_left_behind_is_none(
        self, argent: Argent, command: LocalCommandContext
    ) -> None:
        self.leave_link(argent)

        assert not await command.is_running()

    @pytest.mark.parametrize("answer", [None, b"", b"220 mail ready\r\n", b'["ready"]\n'])
    async def test_another_program_on_its_port_is_none(
        self, argent: Argent, command: LocalCommandContext, answer: bytes | None
    ) -> None:
        release = asyncio.Event()

        async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if answer is None:
                await release.wait()
            else:
                writer.write(answer)
            writer.close()

        server = await asyncio.start_server(other, "127.0.0.1", 0)
        self.leave_link(argent, port=server.sockets[0].getsockname()[1])
        try:
            with pytest.raises(NotRunning, match="not this Argent"):
                await command.call("status")
        finally:
            release.set()
            server.close()

    async def test_a_kernel_is_started_for_the_while(self, command: LocalCommandContext) -> None:
        async with command.running_kernel():
            assert (await command.call("status"))["state"] == "idle"

        assert not await command.is_running()

    async def test_one_that_runs_already_is_used(
        self, argent: Argent, command: LocalCommandContext
    ) -> None:
        async with argent(home=argent.home):
            async with command.running_kernel():
                assert (await command.call("status"))["state"] == "idle"
            assert await command.is_running()

    async def test_one_that_is_just_starting_is_waited_for(
        self, argent: Argent, command: LocalCommandContext
    ) -> None:
        write_config(argent.home, {"agent": {"plugins": ["demo", "memory"]}})
        opening, go_on = asyncio.Event(), asyncio.Event()

        @asynccontextmanager
        async def slow() -> AsyncIterator[object]:
            opening.set()
            await go_on.wait()
            yield object()

        plugin = Demo(Service(key=ServiceKey("slow", object), open=slow))
        starting = asyncio.create_task(run(argent, plugin, until=(done := asyncio.Event())))
        await opening.wait()
        waiting = asyncio.create_task(status_of(command))
        go_on.set()

        assert (await waiting)["state"] == "idle"
        done.set()
        await starting

    async def test_a_question_needs_no_running_kernel(self, command: LocalCommandContext) -> None:
        events, running = await command.operate("events.list")

        assert (events, running) == ([], False)

    async def test_but_asks_the_one_that_runs(
        self, argent: Argent, command: LocalCommandContext
    ) -> None:
        async with argent(home=argent.home):
            _, running = await command.operate("events.list")

        assert running


async def run(argent: Argent, plugin: Demo, *, until: asyncio.Event) -> None:
    async with argent(plugins=[plugin], home=argent.home):
        await until.wait()


async def status_of(command: LocalCommandContext) -> Any:
    async with command.running_kernel():
        return await command.call("status")
