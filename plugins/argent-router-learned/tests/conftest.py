from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from argent_router_learned.outcomes import Outcome

WEEK = ("today", "tomorrow", "on monday", "in the morning", "at noon", "this week", "next friday")
EASY = ("what is the weather", "remind me to call mum", "is the shop open", "how are you")
HARD = ("prove the lemma about", "derive the integral of", "refactor the parser of")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def lived() -> Callable[..., list[Outcome]]:
    """Outcomes of a made-up life.

    ``tells`` is how much what is asked has to do with what is gained: 1 all, 0 nothing. ``table``
    says how the table scores: ``chance`` or ``right``.
    """

    def live(count: int, *, tells: float, table: str = "chance", seed: int = 0) -> list[Outcome]:
        chance = random.Random(seed)
        return [_outcome(i, chance, tells, table=table) for i in range(count)]

    return live


def _outcome(i: int, chance: random.Random, tells: float, *, table: str) -> Outcome:
    hard = chance.random() < 0.4
    gained = (hard if chance.random() < tells else chance.random() < 0.4) and chance.random() < 0.9
    text = f"{chance.choice(HARD if hard else EASY)} {chance.choice(WEEK)}, number {i % 7}"
    return Outcome(
        turn=f"turn-{i}",
        at=float(i),
        conversation="home",
        text=text,
        tier="local",
        table_score=float(gained) if table == "right" else round(chance.random(), 2),
        gain=float(gained),
        said_by="escalated" if gained else "answered",
    )
