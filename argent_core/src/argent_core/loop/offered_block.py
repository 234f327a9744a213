"""Blocks of context on their way to a model."""

from __future__ import annotations

from attrs import field, frozen

from argent_core.loop.labels import labelled
from argent_core.loop.tokens import estimate
from argent_hookspecs import ContextBlock


@frozen(kw_only=True)
class OfferedBlock:
    """A block that a provider offered, and what became of it.

    Args:
        provider: ``plugin/id`` of the provider.
        left_out: Why it is not in the request; empty if it is.
        tokens: Estimate of its size.
    """

    provider: str
    block: ContextBlock
    left_out: str = ""
    tokens: int = field()

    @tokens.default
    def _weigh(self) -> int:
        return estimate(labelled(self.block.trust, self.block.text, source=self.block.source))
