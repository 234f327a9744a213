"""Meaning: what search needs of vectors, whoever makes and keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from argent_hookspecs import Transaction


class Nearest(Protocol):
    """A question in a space of meanings.

    Args:
        ids: Items that are nearest to it, the nearest first.
        known: The share of it that is in a script known there; what is not should not be compared.
    """

    @property
    def ids(self) -> Sequence[int]:
        """The nearest first."""
        ...

    @property
    def known(self) -> float:
        """From 0 to 1."""
        ...

    def cosines(self, tx: Transaction, ids: Sequence[int]) -> Mapping[int, float]:
        """Return how near these items are; those without a vector are left out."""
        ...


class Meaning(Protocol):
    """Compares texts by what they mean."""

    async def nearest(self, text: str, k: int, *, private: bool = False) -> Nearest | None:
        """Return a question with the items nearest to it; None where that cannot be had now.

        Args:
            private: Whether the question may not leave this machine.
        """
        ...
