"""Meaning: what search needs of vectors, whoever makes and keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from argent_hookspecs import Transaction


class Near(Protocol):
    """A question in a space of meanings.

    Args:
        known: The share of it that is in a script known there; what is not should not be compared.
    """

    @property
    def known(self) -> float:
        """From 0 to 1."""
        ...

    def nearest(self, tx: Transaction, k: int) -> Sequence[int]:
        """Return the items nearest to it, the nearest first."""
        ...

    def cosines(self, tx: Transaction, ids: Sequence[int]) -> Mapping[int, float]:
        """Return how near these items are; those without a vector are left out."""
        ...


class Meaning(Protocol):
    """Compares texts by what they mean."""

    async def near(self, text: str, *, private: bool = False) -> Near | None:
        """Return a question to compare items with; None where that cannot be done now.

        Args:
            private: Whether the question may not leave this machine.
        """
        ...
