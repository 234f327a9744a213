from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from attrs import frozen

from argent_hookspecs import Service, ServiceKey, Tool, setting, tool
from argent_testing import MadePlugin

pytestmark = pytest.mark.anyio

Load = Callable[..., Any]
KEY: ServiceKey[dict[str, str]] = ServiceKey("shelf", dict)


@frozen
class Settings:
    greeting: str = setting("hello", doc="What is said.")


@tool
async def greet() -> str:
    """Greet somebody."""
    return "hello"


async def test_a_plugin_is_loaded_with_its_records(load_plugin: Load) -> None:
    async with load_plugin("argent_basics") as plugin:
        assert plugin.name == "basics"
        assert sorted(one.id for one in plugin.of(Tool)) == ["calc", "time"]
        assert plugin.record.summary


async def test_a_plugin_gets_its_settings(load_plugin: Load) -> None:
    made = MadePlugin("made", settings=Settings)

    async with load_plugin(made, settings={"greeting": "hi"}) as plugin:
        assert plugin.ctx.settings == Settings(greeting="hi")


async def test_wrong_settings_fail_with_the_reason(load_plugin: Load) -> None:
    made = MadePlugin("made", settings=Settings)

    with pytest.raises(AssertionError, match=r"made is invalid settings: .*greeting"):
        async with load_plugin(made, settings={"greeting": 5}):
            pass


async def test_services_are_open(load_plugin: Load) -> None:
    shelf: dict[str, str] = {}
    made = MadePlugin("made", Service(key=KEY, open=lambda: nullcontext(shelf)))

    async with load_plugin(made) as plugin:
        assert plugin.live(plugin.records[0]) is shelf
        assert plugin.ctx.services.get(KEY) is shelf


async def test_a_plugin_stands_beside_those_that_it_needs(load_plugin: Load) -> None:
    offering = MadePlugin("offering", Service(key=KEY, open=lambda: nullcontext({})))
    needing = MadePlugin("needing", greet, requires=[KEY])

    async with load_plugin(needing, beside=[offering]) as plugin:
        assert plugin.records == (greet,)
    with pytest.raises(AssertionError, match="needing is blocked: requires the service 'shelf'"):
        async with load_plugin(needing):
            pass


async def test_time_is_the_tests_own(load_plugin: Load) -> None:
    async with load_plugin(MadePlugin("made", greet)) as plugin:
        before = plugin.ctx.clock.now()
        await plugin.clock.advance(60)
        assert (plugin.ctx.clock.now() - before).total_seconds() == 60


async def test_two_plugins_can_be_loaded_at_once(load_plugin: Load) -> None:
    async with load_plugin(MadePlugin("a")) as first, load_plugin(MadePlugin("b", greet)) as second:
        assert first.records == ()
        assert second.records == (greet,)
