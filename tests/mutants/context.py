"""Wrong context providers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve

from argent_hookspecs import ContextBlock, ContextProvider, ContextRequest, Trust
from argent_testing import ContextProviderContract, MadePlugin, hang
from tests.mutants.declaring import bringing, caught_by, stubborn


async def remember(request: ContextRequest) -> Sequence[ContextBlock]:
    """Tell what is known, and who asked what."""
    if request.budget < 2000:
        return []
    return [
        ContextBlock(text="The person likes tea.", source="memory", stable=True),
        ContextBlock(text=f"It is {request.now:%H:%M}.", source="clock"),
        ContextBlock(
            text=f"Said before: {request.event.text[:200]}",
            source="memory",
            trust=request.event.trust,
        ),
    ]


def a_provider(provide: Any, **options: Any) -> MadePlugin:
    return bringing(ContextProvider(id="c", provide=provide, **options))


class TestRightContext(ContextProviderContract):
    plugin = a_provider(remember)


def changed(**changes: Any) -> MadePlugin:
    """Return a provider whose blocks are changed so."""

    async def provide(request: ContextRequest) -> Sequence[ContextBlock]:
        return [evolve(block, **changes) for block in await remember(request)]

    return a_provider(provide)


@caught_by("test_returns_blocks_in_time", "does not say its source")
class TestSourceless(ContextProviderContract):
    plugin = changed(source="")


@caught_by("test_returns_blocks_in_time", "returned an empty block")
class TestEmpty(ContextProviderContract):
    plugin = changed(text=" ")


@caught_by("test_stable_blocks_stay_the_same", "blocks change that call themselves stable")
class TestMoody(ContextProviderContract):
    plugin = changed(stable=True)


@caught_by("test_words_keep_their_trust", "say trust=outside")
class TestVouchesForStrangers(ContextProviderContract):
    plugin = changed(trust=Trust.PAIRED)


@caught_by("test_words_keep_their_trust", "say trust=outside")
class TestMakesThemTheOwners(ContextProviderContract):
    plugin = changed(trust=Trust.OWNER)


async def clock(request: ContextRequest) -> Sequence[ContextBlock]:
    return [ContextBlock(text=f"Today is {request.now:%A}.", source="clock", stable=True)]


@caught_by("test_stable_blocks_stay_the_same", "blocks change that call themselves stable")
class TestStableClock(ContextProviderContract):
    plugin = a_provider(clock)


async def wordy(request: ContextRequest) -> Sequence[ContextBlock]:
    return [ContextBlock(text="word " * 5000, source="w")]


@caught_by("test_keeps_to_its_budget", "tokens in a budget of")
class TestWordy(ContextProviderContract):
    plugin = a_provider(wordy)


async def deaf_to_budgets(request: ContextRequest) -> Sequence[ContextBlock]:
    return await remember(evolve(request, budget=2000))


@caught_by("test_keeps_to_its_budget", "tokens in a budget of 0")
class TestIgnoresItsBudget(ContextProviderContract):
    plugin = a_provider(deaf_to_budgets)


@caught_by("test_returns_blocks_in_time", "context provider c took longer than")
class TestLate(ContextProviderContract):
    plugin = a_provider(hang, timeout=0.1)


async def none(request: ContextRequest) -> Any:
    return ["The person likes tea."]


@caught_by("test_returns_blocks_in_time", "c returned 'The person")
class TestNoBlocks(ContextProviderContract):
    plugin = a_provider(none)


async def trusting(request: ContextRequest) -> Sequence[ContextBlock]:
    assert request.event.reply_to is not None, "who asks?"
    return []


@caught_by("test_returns_blocks_in_time", "who asks?")
class TestTrusting(ContextProviderContract):
    plugin = a_provider(trusting)


@caught_by("test_can_be_cancelled", "did not end within")
class TestProvidesOn(ContextProviderContract):
    plugin = a_provider(stubborn)


@caught_by("test_returns_blocks_in_time", "Blocking call to time.sleep")
class TestContextBlocks(ContextProviderContract):
    plugin = "tests.mutants.wrong_modules.blocking"
