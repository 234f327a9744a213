"""Every hook is documented by one template, and its example runs and keeps the hook's promise."""

from __future__ import annotations

import inspect
import random
import re
import textwrap
import typing
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest
from attrs import frozen

import argent_hookspecs
from argent_hookspecs import specs


@frozen
class WeatherSettings:
    place: str = argent_hookspecs.setting("here", doc="Where.")


class LengthScorer:
    async def score(self, signals: argent_hookspecs.RouteSignals) -> argent_hookspecs.Score:
        return argent_hookspecs.Score(value=min(signals.tokens / 8000, 1.0))


async def tidy() -> None:
    return None


LEFT_OUT_OF_THE_EXAMPLES: dict[str, Any] = {
    "WeatherSettings": WeatherSettings,
    "LengthScorer": LengthScorer,
    "tidy": tidy,
    "connect": lambda settings: nullcontext(settings),
    "nullcontext": nullcontext,
    "random": random,
    "timedelta": timedelta,
}

HOOKS: dict[str, Callable[..., Any]] = {
    name: value
    for name, value in vars(specs).items()
    if name.startswith("argent_") and inspect.isfunction(value)
}

LIFE_CYCLE = [
    "argent_plugin",
    "argent_services",
    "argent_event_sources",
    "argent_channels",
    "argent_filters",
    "argent_context_providers",
    "argent_model_providers",
    "argent_model_tiers",
    "argent_tools",
    "argent_output_handlers",
    "argent_observers",
    "argent_jobs",
    "argent_health_checks",
]

every_hook = pytest.mark.parametrize("name", HOOKS)


def documentation(name: str) -> str:
    return inspect.cleandoc(HOOKS[name].__doc__ or "")


def example(name: str) -> str:
    found = re.search(r"^Example::\n\n((?: {4}.*\n|\n)+)", documentation(name), re.MULTILINE)
    assert found, f"{name} shows no example"
    return textwrap.dedent(found[1])


def run_example(name: str) -> dict[str, Any]:
    exported = {public: getattr(argent_hookspecs, public) for public in argent_hookspecs.__all__}
    namespace = exported | LEFT_OUT_OF_THE_EXAMPLES
    exec(compile(example(name), f"<example of {name}>", "exec"), namespace)
    return namespace


def test_the_hooks_stand_in_the_order_in_which_a_message_meets_them() -> None:
    assert list(HOOKS) == LIFE_CYCLE


@every_hook
def test_a_hook_says_what_it_is_for_when_it_is_called_and_since_when(name: str) -> None:
    parts = documentation(name).split("\n\n")

    assert re.fullmatch(r"[A-Z][^\n]*\.", parts[0]), "one sentence that says what it is for"
    assert parts[1].startswith("Called "), "when it is called"
    assert parts[2] == "Example::"
    assert re.fullmatch(r"Since \d+\.\d+\.", parts[-1])


@every_hook
def test_a_hook_takes_ctx_at_most(name: str) -> None:
    expected = [] if name == "argent_plugin" else ["ctx"]

    assert list(inspect.signature(HOOKS[name]).parameters) == expected


@every_hook
def test_an_example_is_an_implementation_that_pluggy_accepts(name: str) -> None:
    plugin = SimpleNamespace(**{name: run_example(name)[name]})
    host = pluggy.PluginManager("argent")
    host.add_hookspecs(specs)

    host.register(plugin, name="example")

    host.check_pending()
    assert [found.plugin_name for found in getattr(host.hook, name).get_hookimpls()] == ["example"]


@every_hook
def test_an_example_returns_what_its_hook_promises(name: str) -> None:
    implementation = run_example(name)[name]
    ctx = SimpleNamespace(settings=WeatherSettings())

    answer = implementation(*[ctx for _ in inspect.signature(implementation).parameters])

    promised = typing.get_type_hints(HOOKS[name])["return"]
    if typing.get_origin(promised) is None:
        assert isinstance(answer, promised)
        return
    assert typing.get_origin(promised) is Iterable
    (record,) = typing.get_args(promised)
    records = list(answer)
    assert records
    assert {type(one) for one in records} == {typing.get_origin(record) or record}
