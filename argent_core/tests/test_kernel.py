from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from argent_core.home_lock import HomeInUse
from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_core.plugins import InstalledPlugin
from argent_core.schema import MIGRATIONS
from argent_hookspecs import (
    Channel,
    ConfigError,
    EventSource,
    Feed,
    Job,
    ModelTier,
    ModelUnavailable,
    Observer,
    Service,
    StorageError,
    Tool,
    ToolCall,
    setting,
)
from argent_testing import Argent, MemoryChannel, hang

from .demo import A, B, Demo, Diary, states, tool

pytestmark = pytest.mark.anyio


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def kernel_of(home: Home, *plugins: Any, **options: Any) -> Kernel:
    installed = [InstalledPlugin(plugin.name, lambda p=plugin: p) for plugin in plugins]
    return Kernel(home, plugins=installed, **options)


def configure(home: Home, **config: Any) -> None:
    home.create()
    home.config_file.write_text(json.dumps({"version": 1, **config}))


class TestHome:
    async def test_it_is_made_for_its_owner_only(self, home: Home) -> None:
        async with kernel_of(home):
            pass

        paths = [home.root, home.data, home.logs, home.run, home.kernel_database, home.config_file]
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) & 0o077 for path in paths}
        assert set(modes.values()) == {0}

    async def test_it_belongs_to_one_kernel_at_a_time(self, home: Home) -> None:
        async with kernel_of(home, channel := MemoryChannel()) as kernel:
            with pytest.raises(HomeInUse, match=r"already runs on .*; stop it with: argent stop"):
                await kernel_of(home).start()
            assert states(kernel) == {"memory": "running"}
            assert await channel.say("hello") is not None

        async with kernel_of(home):
            pass

    @pytest.mark.parametrize(
        "damage",
        [
            lambda home: home.config_file.write_text("{"),
            lambda home: home.config_file.write_text('{"version": 1, "loop": {"maxSteps": 0}}'),
        ],
    )
    async def test_wrong_settings_refuse_the_start_and_nothing_stays(
        self, home: Home, damage: Any
    ) -> None:
        home.create()
        damage(home)
        with pytest.raises(ConfigError, match=r"argent\.json"):
            await kernel_of(home).start()

        home.config_file.unlink()
        async with kernel_of(home):
            pass

    async def test_a_database_of_a_newer_version_is_refused_and_left_alone(
        self, home: Home
    ) -> None:
        async with kernel_of(home):
            pass
        set_version(home, 999)

        with pytest.raises(StorageError, match="newer version"):
            await kernel_of(home).start()

        set_version(home, len(MIGRATIONS))
        async with kernel_of(home):
            pass

    async def test_a_database_that_is_none_is_refused_with_what_to_do(self, home: Home) -> None:
        home.create()
        home.kernel_database.write_bytes(b"once upon a time " * 500)

        with pytest.raises(StorageError, match=r"kernel\.db"):
            await kernel_of(home).start()

        assert home.kernel_database.read_bytes().startswith(b"once upon a time")


def set_version(home: Home, version: int) -> None:
    connection = sqlite3.connect(home.kernel_database)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


class TestLookingOnly:
    async def test_it_takes_no_events_and_makes_no_turns(self, argent: Argent) -> None:
        async with argent(model=[hang]):
            id = str(await argent.channel.say("hello?"))
            await argent.model.asked(1)
        lived: list[str] = []

        async def live(*_: Any) -> None:
            lived.append("alive")

        class Source:
            async def listen(self, feed: Feed) -> None:
                await live()

        demo = Demo(
            EventSource(id="source", open=lambda: nullcontext(Source())),
            Channel(id="channel", open=lambda: nullcontext("if it is opened, this is wrong")),
            Job(id="job", run=live, every=timedelta(microseconds=1)),
            Observer(id="observer", notify=live),
        )

        async with kernel_of(argent.home, demo, argent.model, listening=False) as kernel:
            event = await kernel.agent.events.show(id)
            assert states(kernel) == {"demo": "running", "scripted": "running"}
            assert not kernel.loop.running
            assert not (argent.home.run / "link.json").exists()

        assert (event["state"], lived) == ("ready", [])
        assert len(argent.model.requests) == 1

    async def test_services_and_models_are_open(self, home: Home) -> None:
        diary = Diary()

        async with kernel_of(home, diary.offers(A), listening=False):
            assert diary == ["+a"]

        assert diary == ["+a", "-a"]


@frozen
class Port:
    """Settings."""

    port: int = setting(8080, doc="Port.", ge=1)


class TestReload:
    async def test_plugins_whose_settings_changed_are_restarted(self, home: Home) -> None:
        diary = Diary()
        changing = diary.offers(A, name="changing", settings=Port)
        staying = diary.offers(B, name="staying", settings=Port)
        configure(home, plugins={"staying": {"port": 1}})

        async with kernel_of(home, changing, staying) as kernel:
            diary.clear()
            configure(home, plugins={"staying": {"port": 1}, "changing": {"port": 7}})
            assert await kernel.reload() == ["changing"]
            assert diary == ["-changing", "+changing"]
            assert changing.ctx is not None and changing.ctx.settings == Port(port=7)
            assert await kernel.reload() == []

    async def test_a_plugin_is_switched_off_and_on(self, home: Home) -> None:
        configure(home)

        async with kernel_of(home, Demo()) as kernel:
            configure(home, plugins={"demo": {"enabled": False}})
            assert await kernel.reload() == ["demo"]
            assert states(kernel) == {"demo": "disabled"}
            configure(home, agent={"plugins": ["other"]})
            assert await kernel.reload() == ["demo"]
            assert states(kernel) == {"demo": "not approved"}
            configure(home)
            assert await kernel.reload() == ["demo"]
            assert states(kernel) == {"demo": "running"}

    async def test_wrong_settings_of_a_plugin_stop_it_and_no_other(self, home: Home) -> None:
        configure(home)

        async with kernel_of(home, Demo(settings=Port), Demo(name="other")) as kernel:
            configure(home, plugins={"demo": {"port": 0}})
            assert await kernel.reload() == ["demo"]
            assert states(kernel) == {"demo": "invalid settings", "other": "running"}
            configure(home, plugins={"demo": {"port": 1}})
            await kernel.reload()
            assert states(kernel)["demo"] == "running"

    async def test_a_wrong_file_changes_nothing(self, home: Home) -> None:
        configure(home)

        async with kernel_of(home, Demo()) as kernel:
            home.config_file.write_text("{")
            with pytest.raises(ConfigError):
                await kernel.reload()
            assert states(kernel) == {"demo": "running"}
            assert kernel.config.agent.id == "argent-main"

    async def test_policy_limits_and_tiers_hold_at_once(self, argent: Argent) -> None:
        async def send() -> str:
            return "sent"

        other = ModelTier(id="o", name="fast", below=0.5, provider="scripted", model="other")
        plugins = [Demo(Tool(id="send", description="", run=send), other)]
        busy = ModelUnavailable("busy")
        script: list[Any] = [ToolCall("1", "send"), "sent", busy, busy]

        async with argent(plugins=plugins, model=script) as kernel:
            await argent.channel.ask("send")
            configure(
                argent.home,
                tools={"policy": {"send": "deny"}},
                models={"default": "fast", "routing": {"enabled": False}},
                loop={"maxAttempts": 1},
            )
            await kernel.reload()
            assert "busy" in await argent.channel.ask("send")

        offered = [bool(request.tools) for request in argent.model.requests]
        assert offered == [True, True, False, False]
        assert [request.model for request in argent.model.requests] == [
            "scripted",
            "scripted",
            "other",
            "scripted",
        ]

    async def test_the_limit_of_steps_holds_at_once(self, argent: Argent) -> None:
        script = [
            ToolCall("1", "count"),
            ToolCall("2", "count"),
            "two",
            ToolCall("3", "count"),
            "3",
        ]

        async with argent(plugins=[Demo(tool("count"))], model=script) as kernel:
            await argent.channel.ask("count twice")
            configure(argent.home, loop={"maxSteps": 1})
            await kernel.reload()
            await argent.channel.ask("count")

        assert [request.may_call for request in argent.model.requests] == [True] * 4 + [False]

    async def test_a_switch_takes_up_whatever_else_was_written(self, home: Home) -> None:
        configure(home, plugins={"aaa": {"port": 1}})
        aaa, bbb = Demo(name="aaa", settings=Port), Demo(name="bbb")

        async with kernel_of(home, aaa, bbb) as kernel:
            configure(home, plugins={"aaa": {"port": 2}}, tools={"policy": {"*": "deny"}})
            await kernel.control.run("plugins.disable", {"name": "bbb"})
            assert aaa.ctx is not None and aaa.ctx.settings == Port(port=2)
            assert [str(one) for one in kernel.tools.settings.policy.values()] == ["deny"]
            assert states(kernel) == {"aaa": "running", "bbb": "disabled"}
            assert await kernel.reload() == []


class TestEnd:
    async def test_who_waits_for_it_is_let_go(self, home: Home) -> None:
        async with kernel_of(home) as kernel:
            waiting = asyncio.create_task(kernel.wait())
            kernel.request_stop()
            await asyncio.wait_for(waiting, timeout=5)

    async def test_to_stop_twice_is_once(self, home: Home) -> None:
        diary = Diary()
        kernel = kernel_of(home, diary.offers(A))

        await kernel.start()
        await kernel.stop()
        await kernel.stop()

        assert diary == ["+a", "-a"]

    async def test_a_plugin_that_hangs_while_it_closes_does_not_hold_the_rest(
        self, home: Home
    ) -> None:
        @asynccontextmanager
        async def sticky() -> AsyncIterator[None]:
            yield
            raise RuntimeError("broke while closing")

        diary, before = Diary(), asyncio.all_tasks()

        async with kernel_of(home, Demo(Service(key=B, open=sticky)), diary.offers(A)):
            pass

        assert diary == ["+a", "-a"]
        assert asyncio.all_tasks() == before
