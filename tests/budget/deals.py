"""What is drawn at random: settings, prices, calls and what becomes of them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random

from attrs import frozen

from argent_core.config.settings import BudgetSettings
from argent_core.loop.budget import ModelCall
from argent_core.loop.prices import WorstCase
from argent_hookspecs import (
    ModelError,
    ModelRejected,
    ModelUnavailable,
    PluginError,
    Price,
    Usage,
)

SOURCES = ("terminal", "telegram", "cron")
TIERS = ("local", "fast", "powerful")
CONVERSATIONS = tuple("abcdefgh")
_PRICES = (0.0, 0.000001, 0.05, 0.1, 0.3, 1.1, 3.0, 15.0, 74.999999)
_CAPS = (0.000123, 0.5, 1.0, 3.3, 10.0, 25.0, 50.0)


class Fate(enum.Enum):
    """What becomes of a call once it is made."""

    ANSWERED = "answered"
    ANSWERED_TWICE = "what it cost is put down twice"
    BUSY = "its provider has no time for it"
    REJECTED = "its provider does not want it"
    LOST = "its answer is lost on its way"
    CUT = "its answer is cut off"
    FAULT = "its provider has a fault"


@frozen(kw_only=True)
class Failure:
    """How a call fails.

    Args:
        heard: Whether some of the answer had come.
        charged: Whether the vendor wants money for it all the same.
    """

    error: ModelError | PluginError
    heard: bool = False
    charged: bool = True


FAILURES: Mapping[Fate, Failure] = {
    Fate.BUSY: Failure(error=ModelUnavailable("no time", retry_after=1.0), charged=False),
    Fate.REJECTED: Failure(error=ModelRejected("not this"), charged=False),
    Fate.LOST: Failure(error=ModelUnavailable("it fell silent", may_cost=True)),
    Fate.CUT: Failure(error=ModelUnavailable("it broke off"), heard=True),
    Fate.FAULT: Failure(error=PluginError("any", "it raised")),
}


@frozen(kw_only=True)
class Deal:
    """A call that a worker wants to make.

    Args:
        allowed: Whether a person has allowed it, fit or not.
        share: How much of what it may use it does use, from 0 to 1.
        pauses: Turns of the event loop before it, and between its parts.
    """

    call: ModelCall
    worst: WorstCase
    allowed: bool
    fate: Fate
    share: float
    pauses: tuple[int, int]

    def usage(self, granted: int) -> Usage:
        """Return what it uses, given the tokens that its answer may have."""
        read = int(self.worst.input_tokens * self.share)
        cached, written = int(read * self.share / 2), int(read * (1 - self.share) / 2)
        return Usage(
            input_tokens=read - cached - written,
            output_tokens=int(granted * self.share),
            cache_read_tokens=cached,
            cache_write_tokens=written,
        )


def settings(chance: Random) -> BudgetSettings:
    """Draw the caps: some are missing, and some have room for next to nothing."""

    def cap() -> float | None:
        return chance.choice(_CAPS) if chance.random() < 0.3 else None

    def caps(names: tuple[str, ...]) -> dict[str, float]:
        drawn = {name: cap() for name in names}
        return {name: limit for name, limit in drawn.items() if limit is not None}

    return BudgetSettings(
        per_day=cap(),
        per_month=cap(),
        per_conversation=cap(),
        sources=caps(SOURCES),
        tiers=caps(TIERS),
    )


def deal(chance: Random, key: str) -> Deal:
    """Draw a call."""
    call = ModelCall(
        key=key,
        turn=key,
        conversation=chance.choice(CONVERSATIONS),
        source=chance.choice(SOURCES),
        tier=chance.choice(TIERS),
        provider="any",
        model="any",
    )
    return Deal(
        call=call,
        worst=WorstCase(
            price=_price(chance),
            input_tokens=chance.choice((0, 17, 1_000, 30_000)),
            most_output=chance.choice((1, 300, 4_096)),
        ),
        allowed=chance.random() < 0.05,
        fate=chance.choice(tuple(Fate)),
        share=chance.choice((0.0, 1.0, chance.random())),
        pauses=(chance.randrange(8), chance.randrange(8)),
    )


def start(chance: Random) -> datetime:
    """Draw when it begins: shortly before a midnight, of some time zones the end of a month."""
    midnight = datetime(2026, chance.randint(1, 12), 1, tzinfo=UTC)
    here = midnight - (midnight.astimezone().utcoffset() or timedelta())
    return here - timedelta(days=chance.choice((0, 0, 7)), seconds=chance.randrange(600))


def _price(chance: Random) -> Price:
    cached = (None, *_PRICES)
    return Price(
        input=chance.choice(_PRICES),
        output=chance.choice(_PRICES),
        cache_read=chance.choice(cached),
        cache_write=chance.choice(cached),
    )
