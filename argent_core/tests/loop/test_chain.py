from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from argent_core.loop.chain import Chain
from argent_core.loop.provider_health import ProviderHealth
from argent_hookspecs import ModelTier
from argent_testing import FakeClock


@pytest.fixture
def health() -> ProviderHealth:
    return ProviderHealth(FakeClock())


def tiers(*providers: str) -> Iterator[ModelTier]:
    for name in providers:
        yield ModelTier(id=name, name="fast", below=0.5, provider=name, model="m")


class TestProviderHealth:
    async def pass_time(self, health: ProviderHealth, seconds: float) -> None:
        assert isinstance(health.clock, FakeClock)
        await health.clock.advance(seconds)

    @pytest.mark.anyio
    async def test_it_is_left_alone_for_longer_each_time(self, health: ProviderHealth) -> None:
        for seconds in (0, 0, 30, 60, 120, 240, 480, 600, 600):
            health.failed("a")
            assert health.is_well("a") is (seconds == 0)
            await self.pass_time(health, max(0, seconds - 1))
            assert health.is_well("a") is (seconds == 0)
            await self.pass_time(health, 1)
            assert health.is_well("a")

    def test_a_success_makes_it_well(self, health: ProviderHealth) -> None:
        for _ in range(3):
            health.failed("a")
        health.succeeded("a")

        assert health.is_well("a")

    @pytest.mark.anyio
    async def test_neither_a_later_failure_nor_a_late_success_takes_a_wish_back(
        self, health: ProviderHealth
    ) -> None:
        health.failed("a", retry_after=60)
        health.failed("a", retry_after=5)
        health.succeeded("a")

        assert health.wait("a") == 60
        await self.pass_time(health, 61)
        assert health.wait("a") == 0

    @pytest.mark.parametrize("wish", [float("inf"), float("nan"), -5, "soon", None])
    def test_a_wish_that_is_none_is_none(self, health: ProviderHealth, wish: Any) -> None:
        health.failed("a", retry_after=wish)

        assert health.wait("a") == 0

    def test_one_call_at_a_time_tries_out_who_was_left_alone(self, health: ProviderHealth) -> None:
        for _ in range(3):
            health.failed("a")
        health.try_out("a")
        assert not health.is_well("a")
        health.succeeded("a")

        health.try_out("a")
        assert health.is_well("a")


class TestChain:
    def asked(self, chain: Chain) -> list[str]:
        return [tier.id for tier in iter(chain.next, None)]

    def test_who_is_ill_comes_last(self, health: ProviderHealth) -> None:
        for _ in range(3):
            health.failed("a")

        assert self.asked(Chain(list(tiers("a", "b")), health, set())) == ["b", "a"]

    def test_so_does_who_has_failed_in_this_turn(self, health: ProviderHealth) -> None:
        assert self.asked(Chain(list(tiers("a", "b")), health, {"a"})) == ["b", "a"]

    def test_who_wants_to_be_left_alone_is_not_asked(self, health: ProviderHealth) -> None:
        health.failed("a", retry_after=60)

        assert self.asked(Chain(list(tiers("a", "b")), health, set())) == ["b"]

    def test_who_had_no_room_is_asked_again_for_a_short_answer(
        self, health: ProviderHealth
    ) -> None:
        chain = Chain(list(tiers("a", "b")), health, set())
        first = chain.next()
        assert first is not None
        chain.put_off(first)

        assert [(tier.id, chain.short) for tier in iter(chain.next, None)] == [
            ("b", False),
            ("a", True),
        ]

    def test_if_all_want_to_be_left_alone_it_says_for_how_long(
        self, health: ProviderHealth
    ) -> None:
        health.failed("a", retry_after=60)
        health.failed("b", retry_after=20)
        chain = Chain(list(tiers("a", "b")), health, set())

        assert chain.next() is None
        assert "b wants to be left alone for 20 s" in str(chain.refusal())
        assert chain.refusal().retry_after == 20

    def test_the_time_is_shared_among_providers(self, health: ProviderHealth) -> None:
        chain = Chain(list(tiers("a", "b", "c")), health, set())
        shares = [chain.share(90) for _ in iter(chain.next, None)]

        assert shares == [30, 45, math.inf]
