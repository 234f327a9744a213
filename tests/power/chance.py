"""How a power cut falls out, as a seed has it."""

from __future__ import annotations

import random
from enum import Enum


class Fate(Enum):
    """What becomes of a change that is not safe."""

    KEPT = "kept"
    LOST = "lost"
    TORN = "torn"


class Chance:
    """How one power cut falls out.

    Args:
        random: Decides.
        oldest: Number of the oldest change that is not safe.
        cut: Number of the first change that was not made.
    """

    def __init__(self, random: random.Random, *, oldest: int, cut: int) -> None:
        self.random = random
        self.way = random.choices(["nothing", "everything", "in order", "any"], [2, 1, 3, 6])[0]
        self._reached = random.randint(oldest, cut)
        self._likely = random.choice([0.1, 0.5, 0.9])
        self.rubbish = random.random() < 0.5

    def of(self, number: int) -> Fate:
        """Decide about a change."""
        if self.way == "nothing":
            return Fate.LOST
        if self.way == "everything":
            return Fate.KEPT
        if self.way == "in order":
            if number == self._reached:
                return Fate.TORN
            return Fate.KEPT if number < self._reached else Fate.LOST
        if self.random.random() < 0.25:
            return Fate.TORN
        return Fate.KEPT if self.random.random() < self._likely else Fate.LOST

    def filling(self, length: int) -> bytes:
        """Return what stands where nothing was written yet."""
        return self.random.randbytes(length) if self.rubbish else bytes(length)
