from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

import pytest
from attrs import evolve

from argent_core.plugins import InstalledPlugin
from argent_hookspecs import (
    ContextProvider,
    Filter,
    ModelProvider,
    ModelTier,
    OutputHandler,
    PluginContext,
    Service,
    ServiceKey,
    Tool,
)
from argent_testing import Argent, ScriptedModel, eventually

from .demo import A, B, C, Demo, Diary, raising, reason, states, tool

pytestmark = pytest.mark.anyio

DEMO_OFF = {"plugins": {"demo": {"enabled": False}}}


class TestRequirements:
    async def test_they_start_before_and_stop_after_those_who_require_them(
        self, argent: Argent
    ) -> None:
        diary = Diary()
        plugins = [
            diary.offers(A, name="one", requires=(B,)),
            diary.offers(B, name="two", requires=(C,)),
            diary.offers(C, name="three"),
        ]

        async with argent(plugins=plugins):
            pass

        assert diary == ["+three", "+two", "+one", "-one", "-two", "-three"]

    async def test_what_is_merely_used_starts_before_where_it_is_there(
        self, argent: Argent
    ) -> None:
        diary = Diary()
        plugins = [
            diary.offers(A, name="one", uses=(B, ServiceKey("absent", object))),
            diary.offers(B, name="two"),
        ]

        async with argent(plugins=plugins) as kernel:
            assert states(kernel)["one"] == "running"

        assert diary[:2] == ["+two", "+one"]

    async def test_a_service_that_nobody_offers_blocks(self, argent: Argent) -> None:
        plugins = [Demo(requires=(A,)), Demo(requires=(B,), name="other")]

        async with argent(plugins=plugins, allow_faults=True) as kernel:
            assert states(kernel) == {"demo": "blocked", "other": "blocked", "memory": "running"}
            why = "requires the service 'a'; install or enable a plugin that offers it"
            assert reason(kernel, "demo") == why

    async def test_whoever_requires_a_plugin_that_failed_is_blocked(self, argent: Argent) -> None:
        broken = Demo(Service(key=A, open=raising), name="broken")
        plugins = [Demo(requires=(A,)), broken]

        async with argent(plugins=plugins, allow_faults=True) as kernel:
            assert states(kernel)["demo"] == "blocked"
            assert states(kernel)["broken"] == "failed"

    async def test_a_circle_blocks_and_names_its_members(self, argent: Argent) -> None:
        diary = Diary()
        plugins = [
            diary.offers(A, name="one", requires=(B,)),
            diary.offers(B, name="two", requires=(C,)),
            diary.offers(C, name="three", requires=(A,)),
            diary.offers(ServiceKey("d", object), name="four"),
        ]

        async with argent(plugins=plugins, allow_faults=True) as kernel:
            found = states(kernel)
            assert [found[name] for name in ("one", "two", "three")] == ["blocked"] * 3
            assert found["four"] == "running"
            for name in ("one", "two", "three"):
                assert all(member in reason(kernel, name) for member in ("one", "two", "three"))
                assert "in a circle" in reason(kernel, name)

    async def test_plugins_may_use_each_other(self, argent: Argent) -> None:
        diary = Diary()
        plugins = [
            diary.offers(A, name="one", uses=(B,)),
            diary.offers(B, name="two", uses=(A,), requires=(C,)),
            diary.offers(C, name="zero"),
        ]

        async with argent(plugins=plugins) as kernel:
            assert set(states(kernel).values()) == {"running"}

        assert diary.index("+zero") < diary.index("+two")

    async def test_a_service_is_met_by_its_key(self, argent: Argent) -> None:
        diary, user = Diary(), Demo(requires=(A,))

        async with argent(plugins=[diary.offers(A), user]):
            assert user.ctx is not None
            assert user.ctx.services.get(A) is diary
            assert user.ctx.services.find(B) is None


class TestSwitching:
    async def test_off_and_on_again_while_running(self, argent: Argent) -> None:
        diary = Diary()
        demo = Demo(Service(key=A, open=diary.opens("a")), tool("count"))

        async with argent(plugins=[demo], model=["a", "b", "c"]) as kernel:
            await argent.channel.ask("one")
            off = await kernel.control.run("plugins.disable", {"name": "demo"})
            await argent.channel.ask("two")
            on = await kernel.control.run("plugins.enable", {"name": "demo"})
            await argent.channel.ask("three")

        assert (off["state"], on["state"]) == ("disabled", "running")
        assert diary == ["+a", "-a", "+a", "-a"]
        assert [bool(request.tools) for request in argent.model.requests] == [True, False, True]

    async def test_it_is_remembered(self, argent: Argent) -> None:
        async with argent(plugins=[Demo()]) as kernel:
            await kernel.control.run("plugins.disable", {"name": "demo"})

        async with argent.restart() as kernel:
            assert states(kernel)["demo"] == "disabled"

    async def test_those_who_require_it_stop_first_and_come_back(self, argent: Argent) -> None:
        diary = Diary()
        plugins = [
            diary.offers(A, name="one", requires=(B,)),
            diary.offers(B, name="two", requires=(C,)),
            diary.offers(C, name="three"),
        ]

        async with argent(plugins=plugins) as kernel:
            diary.clear()
            await kernel.host.disable("three")
            assert states(kernel)["one"] == states(kernel)["two"] == "blocked"
            assert reason(kernel, "two") == "requires three, which is disabled"
            assert diary == ["-one", "-two", "-three"]
            diary.clear()
            await kernel.host.enable("three")
            assert set(states(kernel).values()) == {"running"}
            assert diary == ["+three", "+two", "+one"]

    async def test_whoever_requires_what_another_offers_too_goes_on_with_that(
        self, argent: Argent
    ) -> None:
        diary, user = Diary(), Demo(requires=(A, B))
        plugins = [
            user,
            diary.offers(B, name="offers b", requires=(A,)),
            Demo(Service(key=A, open=diary.opens("one")), name="one"),
            Demo(Service(key=A, open=diary.opens("two"), order=1), name="two"),
        ]

        async with argent(plugins=plugins) as kernel:
            await kernel.host.disable("one")
            assert states(kernel)["demo"] == states(kernel)["offers b"] == "running"
            assert user.ctx is not None
            assert user.ctx.services.get(A) is diary
            await kernel.host.disable("two")
            assert states(kernel)["demo"] == "blocked"
            assert reason(kernel, "demo") == "requires two, which is disabled"

    async def test_one_that_failed_is_tried_again(self, argent: Argent) -> None:
        tries: list[int] = []

        def load() -> object:
            tries.append(1)
            return 1 / 0 if len(tries) == 1 else Demo()

        async with argent(plugins=[InstalledPlugin("demo", load)], allow_faults=True) as kernel:
            assert states(kernel)["demo"] == "failed"
            await kernel.host.restart("demo")
            assert states(kernel)["demo"] == "running"

    async def test_switching_on_what_runs_changes_nothing(self, argent: Argent) -> None:
        diary = Diary()

        async with argent(plugins=[diary.offers(A)]) as kernel:
            await kernel.host.enable("a")
            assert diary == ["+a"]

    async def test_one_that_does_not_close_is_left_behind_in_time(self, argent: Argent) -> None:
        @asynccontextmanager
        async def sticky() -> AsyncIterator[None]:
            yield
            raise RuntimeError("stuck")

        async with argent(plugins=[Demo(Service(key=A, open=sticky))], allow_faults=True) as kernel:
            await kernel.host.disable("demo")
            assert states(kernel)["demo"] == "disabled"
            assert kernel.host.plugins["demo"].faults == 1

    async def test_an_unknown_name_is_an_error_with_the_known_ones(self, argent: Argent) -> None:
        from argent_hookspecs import ConfigError

        async with argent() as kernel:
            with pytest.raises(ConfigError, match="no plugin 'demo'; there are: memory"):
                await kernel.control.run("plugins.enable", {"name": "demo"})

    async def test_switches_are_made_one_at_a_time(self, argent: Argent) -> None:
        diary = Diary()

        async with argent(plugins=[diary.offers(A)]) as kernel:
            host = kernel.host
            words = [host.restart, host.disable, host.enable, host.enable, host.restart]
            await asyncio.gather(*(word("a") for word in words * 4))
            assert states(kernel)["a"] == "running"

        assert diary == ["+a", "-a"] * (len(diary) // 2)

    async def test_a_switch_that_nobody_waits_for_is_made_nevertheless(
        self, argent: Argent
    ) -> None:
        entered, go_on = asyncio.Event(), asyncio.Event()

        @asynccontextmanager
        async def slow() -> AsyncIterator[str]:
            entered.set()
            await go_on.wait()
            yield "open"

        config = {"plugins": {"demo": {"enabled": False}}}

        async with argent(plugins=[Demo(Service(key=A, open=slow))], config=config) as kernel:
            kernel.config = evolve(kernel.config, plugins={})
            waiting = asyncio.create_task(kernel.host.enable("demo"))
            await entered.wait()
            waiting.cancel()
            go_on.set()
            await eventually(lambda: states(kernel)["demo"] == "running", what="it runs")

    @pytest.mark.parametrize("word", ["disable", "restart", "enable"])
    async def test_one_that_is_still_starting(self, argent: Argent, word: str) -> None:
        diary = Diary()
        entered, go_on = asyncio.Event(), asyncio.Event()

        @asynccontextmanager
        async def slow() -> AsyncIterator[str]:
            diary.append("opening")
            entered.set()
            await go_on.wait()
            diary.append("+")
            yield "open"
            diary.append("-")

        async with argent(plugins=[Demo(Service(key=A, open=slow))], config=DEMO_OFF) as kernel:
            kernel.config, kernel.host.patience = evolve(kernel.config, plugins={}), 0.01
            await kernel.host.enable("demo")
            await entered.wait()
            assert states(kernel)["demo"] == "starting"
            await getattr(kernel.host, word)("demo")
            go_on.set()
            await eventually(lambda: not kernel.host.starting, what="nothing is under way")
            end = states(kernel)["demo"]

        again = {"disable": [], "restart": ["opening", "+", "-"], "enable": ["+", "-"]}
        assert diary == ["opening", *again[word]]
        assert end == ("disabled" if word == "disable" else "running")

    async def test_one_that_is_still_loading_stays_off(self, argent: Argent) -> None:
        go_on, loads = threading.Event(), list[int]()

        def load() -> Demo:
            loads.append(1)
            go_on.wait(10)
            return Demo()

        plugins = [InstalledPlugin("demo", load)]
        async with argent(plugins=plugins, config=DEMO_OFF) as kernel:
            kernel.config, kernel.host.patience = evolve(kernel.config, plugins={}), 0.01
            await kernel.host.enable("demo")
            await kernel.host.disable("demo")
            go_on.set()
            await eventually(lambda: not kernel.host.starting, what="nothing is under way")
            assert states(kernel)["demo"] == "disabled"

        assert loads == [1]

    async def test_those_who_require_it_and_are_still_starting_are_stopped(
        self, argent: Argent
    ) -> None:
        diary, entered = Diary(), asyncio.Event()

        @asynccontextmanager
        async def never() -> AsyncIterator[str]:
            entered.set()
            await asyncio.Event().wait()
            yield "open"

        plugins = [diary.offers(A), Demo(Service(key=B, open=never), requires=(A,))]

        async with argent(plugins=plugins, config=DEMO_OFF) as kernel:
            kernel.config, kernel.host.patience = evolve(kernel.config, plugins={}), 0.01
            await kernel.host.enable("demo")
            await entered.wait()
            await kernel.host.disable("a")
            assert states(kernel)["demo"] == "blocked"
            assert not kernel.host.starting


class TestConflicts:
    async def test_two_distributions_with_one_name(self, argent: Argent) -> None:
        both = InstalledPlugin("demo", Demo, distribution="mine", conflict="theirs")

        async with argent(plugins=[both], allow_faults=True) as kernel:
            assert states(kernel)["demo"] == "failed"
            assert reason(kernel, "demo") == "mine and theirs both bring it; uninstall one of them"

    @pytest.mark.parametrize(
        ("records", "what"),
        [
            ([tool("x"), tool("x")], "tool 'x'"),
            ([Service(key=A, open=nullcontext), Service(key=A, open=nullcontext)], "service 'a'"),
            (
                [
                    ModelTier(id="x", name="local", below=0.3, provider="p", model="m"),
                    ModelTier(id="x", name="fast", below=0.5, provider="p", model="m"),
                ],
                "model tier 'x'",
            ),
        ],
    )
    async def test_one_id_in_two_plugins_switches_the_later_off(
        self, argent: Argent, records: list[Any], what: str
    ) -> None:
        one, two = (
            evolve_distribution(Demo(record, name=name), f"argent-{name}")
            for name, record in zip(("one", "two"), records, strict=True)
        )

        async with argent(plugins=[two, one], allow_faults=True) as kernel:
            assert (states(kernel)["one"], states(kernel)["two"]) == ("running", "failed")
            why = f"argent-two and argent-one both bring the {what}; disable one"
            assert reason(kernel, "two") == why

    async def test_of_two_that_offer_a_service_in_order_the_first_that_runs_is_found(
        self, argent: Argent
    ) -> None:
        def offers(name: str, order: int) -> Demo:
            return Demo(Service(key=A, open=lambda: nullcontext(name), order=order), name=name)

        user = Demo(name="user")
        async with argent(plugins=[offers("small", 100), offers("large", 0), user]) as kernel:
            assert user.ctx is not None
            found = [user.ctx.services.get(A)]
            await kernel.host.disable("large")
            found.append(user.ctx.services.get(A))

        assert found == ["large", "small"]

    async def test_a_channel_is_also_a_way_out(self, argent: Argent) -> None:
        way_out = OutputHandler(id="memory", open=lambda: nullcontext(object()))

        async with argent(plugins=[Demo(way_out, name="printer")], allow_faults=True) as kernel:
            assert "both bring the channel 'memory'" in reason(kernel, "printer")

    async def test_the_other_may_have_it_once_the_first_is_disabled(self, argent: Argent) -> None:
        plugins = [Demo(tool("x"), name="one"), Demo(tool("x"), name="two")]

        async with argent(plugins=plugins, allow_faults=True) as kernel:
            await kernel.host.enable("two")
            assert states(kernel)["two"] == "failed"
            await kernel.host.disable("one")
            await kernel.host.enable("two")
            assert states(kernel)["two"] == "running"

    async def test_kinds_that_are_not_shared_may_have_one_id(self, argent: Argent) -> None:
        async def look(_: Any) -> Any: ...

        provider, model = ContextProvider(id="x", provide=look), ScriptedModel(id="x")
        plugins = [Demo(provider, tool("x"), name="one"), Demo(provider, name="two"), model]

        async with argent(plugins=plugins) as kernel:
            assert set(states(kernel).values()) == {"running"}


def evolve_distribution(demo: Demo, distribution: str) -> InstalledPlugin:
    installed = InstalledPlugin(demo.name, lambda: demo)
    return evolve(installed, distribution=distribution)


async def test_records_are_sorted_by_order_then_plugin_then_id(argent: Argent) -> None:
    async def look(event: Any) -> Any:
        return event

    def made(*ids: str, order: int = 0) -> list[Filter]:
        return [Filter(id=id, event=look, order=order) for id in ids]

    plugins = [
        Demo(*made("z", "a"), name="two"),
        Demo(*made("m"), *made("last", order=9), *made("first", order=-9), name="one"),
    ]

    async with argent(plugins=plugins) as kernel:
        found = [(r.plugin, r.record.id) for r in kernel.host.registered(Filter)]

    expected = [("one", "first"), ("one", "m"), ("two", "a"), ("two", "z"), ("one", "last")]
    assert found == expected


async def test_a_fault_degrades_and_the_neighbours_go_on(argent: Argent) -> None:
    def make(ctx: PluginContext) -> list[Any]:
        async def fail() -> None:
            raise RuntimeError("out of ink")

        async def write() -> str:
            ctx.spawn(fail(), name="printing")
            return "written"

        return [Tool(id="write", description="", run=write)]

    from argent_hookspecs import ToolCall

    script = [ToolCall("1", "write"), "ok"]

    async with argent(plugins=[Demo(make=make)], model=script, allow_faults=True) as kernel:
        assert await argent.channel.ask("write") == "ok"
        await eventually(lambda: states(kernel)["demo"] == "degraded", what="the fault is noted")
        assert "task printing failed: RuntimeError('out of ink')" in reason(kernel, "demo")


async def test_slow_plugins_start_side_by_side(argent: Argent) -> None:
    opened: list[str] = []
    both = asyncio.Event()

    def meeting(name: str) -> Callable[[], AbstractAsyncContextManager[Any]]:
        @asynccontextmanager
        async def open_it() -> AsyncIterator[Any]:
            opened.append(name)
            if len(opened) == 2:
                both.set()
            await both.wait()
            yield name

        return open_it

    plugins = [
        Demo(Service(key=A, open=meeting("one")), name="one"),
        Demo(Service(key=B, open=meeting("two")), name="two"),
    ]

    async with argent(plugins=plugins) as kernel:
        assert set(states(kernel).values()) == {"running"}


async def test_a_model_of_a_plugin_that_is_gone_does_not_answer(argent: Argent) -> None:
    async with argent(model=["hi"]) as kernel:
        await argent.channel.ask("hello")
        await kernel.host.disable("scripted")
        reply = await argent.channel.ask("hello?")
        assert not kernel.host.registered(ModelProvider)

    assert "no model is there to answer" in reply
