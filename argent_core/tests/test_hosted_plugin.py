from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest
from attrs import frozen

from argent_core.plugins import InstalledPlugin
from argent_hookspecs import (
    CONTRACT,
    Channel,
    Event,
    Filter,
    Observer,
    PluginContext,
    Service,
    setting,
)
from argent_testing import Argent, Canary, hang

from .demo import A, B, Demo, Diary, raising, reason, states, tool

pytestmark = pytest.mark.anyio


class TestStates:
    async def test_a_sound_one_runs(self, argent: Argent) -> None:
        async with argent(plugins=[Demo(summary="It is sound.")]) as kernel:
            (plugin,) = [p for p in kernel.agent.plugins() if p["name"] == "demo"]

        assert (plugin["state"], plugin["reason"], plugin["faults"]) == ("running", "", 0)
        assert plugin["summary"] == "It is sound."

    async def test_one_that_may_not_load_is_not_imported(self, argent: Argent) -> None:
        imported: list[str] = []
        demo = InstalledPlugin("demo", lambda: imported.append("demo"))
        config = {"agent": {"plugins": ["memory"]}}

        async with argent(plugins=[demo], config=config) as kernel:
            assert states(kernel) == {"demo": "not approved", "memory": "running"}
            assert "agent.plugins names the plugins that may load" in reason(kernel, "demo")

        assert imported == []

    async def test_one_that_is_disabled_is_not_imported(self, argent: Argent) -> None:
        imported: list[str] = []
        demo = InstalledPlugin("demo", lambda: imported.append("demo"))
        config = {"plugins": {"demo": {"enabled": False}}}

        async with argent(plugins=[demo], config=config) as kernel:
            assert states(kernel)["demo"] == "disabled"
            assert "argent plugins enable demo" in reason(kernel, "demo")

        assert imported == []

    async def test_one_for_another_contract_is_incompatible(self, argent: Argent) -> None:
        old = Demo(tool("old"), contract=CONTRACT + 1)

        async with argent(plugins=[old], allow_faults=True) as kernel:
            assert states(kernel)["demo"] == "incompatible"
            assert f"written for contract {CONTRACT + 1}" in reason(kernel, "demo")
            assert old.ctx is None

    async def test_one_with_invalid_settings_says_which(self, argent: Argent) -> None:
        config = {"plugins": {"demo": {"port": "many"}}}

        async with argent(
            plugins=[Demo(settings=Port)], config=config, allow_faults=True
        ) as kernel:
            assert states(kernel)["demo"] == "invalid settings"
            assert "port" in reason(kernel, "demo") and '"many"' in reason(kernel, "demo")

    async def test_one_whose_settings_class_breaks_has_failed(self, argent: Argent) -> None:
        plugins = [Demo(settings=Breaking)]

        async with argent(plugins=plugins, allow_faults=True) as kernel:
            assert states(kernel)["demo"] in ("failed", "invalid settings")
            assert "no such luck" in reason(kernel, "demo")

    @pytest.mark.parametrize(
        ("load", "why"),
        [
            (lambda: 1 / 0, "import raised ZeroDivisionError: division by zero"),
            (lambda: exit_now(), "import tried to exit the process"),
            (lambda: object(), "has no argent_plugin hook"),
        ],
    )
    async def test_one_that_cannot_be_imported_has_failed(
        self, argent: Argent, load: Callable[[], object], why: str
    ) -> None:
        plugins = [InstalledPlugin("demo", load), Demo(tool("fine"), name="fine")]

        async with argent(plugins=plugins, model=["hi"], allow_faults=True) as kernel:
            assert states(kernel)["demo"] == "failed"
            assert why in reason(kernel, "demo")
            assert states(kernel)["fine"] == "running"
            assert await argent.channel.ask("hello") == "hi"

    async def test_one_whose_hook_breaks_has_failed(self, argent: Argent) -> None:
        def make(ctx: PluginContext) -> list[Any]:
            raise KeyError("nothing there")

        async with argent(plugins=[Demo(make=make)], allow_faults=True) as kernel:
            assert states(kernel)["demo"] == "failed"
            assert "hooks raised KeyError" in reason(kernel, "demo")

    @pytest.mark.parametrize(
        ("open_it", "why"),
        [
            (lambda: 1 / 0, "Service a: ZeroDivisionError('division by zero')"),
            (lambda: None, "Service a: "),
            (lambda: hanging(), "Service a: did not open in time"),
            (lambda: raising(), "Service a: RuntimeError('no power')"),
        ],
    )
    async def test_one_that_cannot_be_opened_has_failed(
        self, argent: Argent, open_it: Callable[[], Any], why: str
    ) -> None:
        diary = Diary()
        first = Service(key=B, open=diary.opens("b"), order=-1)
        plugins = [Demo(first, Service(key=A, open=open_it, timeout=0.05))]

        async with argent(plugins=plugins, allow_faults=True) as kernel:
            assert states(kernel)["demo"] == "failed"
            assert why in reason(kernel, "demo")
            assert diary == ["+b", "-b"]

    async def test_what_open_yields_must_do_what_it_promises(self, argent: Argent) -> None:
        channel = Channel(id="mute", open=lambda: nullcontext("no channel"))

        async with argent(plugins=[Demo(channel)], allow_faults=True) as kernel:
            assert states(kernel)["demo"] == "failed"
            why = "Channel mute: open yielded a str, which lacks methods"
            assert reason(kernel, "demo") == why

    async def test_records_that_cannot_be_used_degrade_it(self, argent: Argent) -> None:
        odd: Any = "many"

        async def notify(notice: Any) -> None: ...

        plugins = [Demo(Observer(id="odd", notify=notify, mailbox=odd))]

        async with argent(plugins=plugins, model=["hi"], allow_faults=True) as kernel:
            assert states(kernel)["demo"] == "degraded"
            assert "observer odd is left out" in reason(kernel, "demo")
            assert await argent.channel.ask("hello") == "hi"


@frozen
class Port:
    """Settings."""

    port: int = setting(8080, doc="Port.", ge=1)


@frozen
class Breaking:
    """Settings that cannot be made."""

    port: int = setting(8080, doc="Port.")

    def __attrs_post_init__(self) -> None:
        raise RuntimeError("no such luck")


def exit_now() -> object:
    raise SystemExit("bye")


@asynccontextmanager
async def hanging() -> AsyncIterator[None]:
    await hang()
    yield


async def test_a_part_of_the_kernel_that_cannot_take_its_records_degrades_it(
    argent: Argent,
) -> None:
    class Picky:
        def plugin_started(self, plugin: str, records: Any) -> None:
            raise TypeError("not my size")

        async def plugin_stopping(self, plugin: str) -> None: ...

    async with argent(plugins=[Demo()], model=["hi"], allow_faults=True) as kernel:
        await kernel.host.disable("demo")
        kernel.host.followers.append(Picky())
        await kernel.host.enable("demo")
        assert states(kernel)["demo"] == "degraded"
        assert "brought records that cannot be used" in reason(kernel, "demo")
        kernel.host.followers.pop()
        assert await argent.channel.ask("hello") == "hi"


async def test_secrets_are_taken_out_of_the_reasons(argent: Argent, canary: Canary) -> None:
    async def leak(_: Event) -> Any:
        raise RuntimeError(f"the key {canary.value} is wrong")

    leaky = Demo(Filter(id="leaky", event=leak))
    config = {"loop": {"maxAttempts": 1}}

    async with argent(plugins=[leaky], model=[], config=config, allow_faults=True) as kernel:
        kernel.redactor.add(canary.value)
        assert "the key [secret] is wrong" in await argent.channel.ask("hello")
        assert "the key [secret] is wrong" in reason(kernel, "demo")
