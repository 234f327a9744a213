"""What models cost, by a table that comes with Argent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from importlib import resources
from typing import Any

from attrs import define, frozen

from argent_hookspecs import FREE, ModelInfo, ModelProvider, Price, Usage

_MOST = 2**53
"""Picodollars, about $9,000: as if no call cost more, so that sums fit 64 bits."""
_DEAREST = 1e9


@frozen
class KnownPrice:
    """A price, and whether it is known to be the model's own."""

    price: Price
    known: bool


@define(eq=False, slots=False)
class Prices:
    """The price table, read when it is first needed."""

    def of(self, provider: ModelProvider, info: ModelInfo) -> KnownPrice:
        """Return what a model costs; the dearest known price if that is unknown."""
        if info.price is not None:
            return KnownPrice(info.price, known=True)
        if provider.local:
            return KnownPrice(FREE, known=True)
        found = self.table.get(f"{provider.id}/{info.id}") or self.table.get(info.id)
        return KnownPrice(found or self.dearest, known=found is not None)

    @cached_property
    def table(self) -> Mapping[str, Price]:
        """Prices by model, or by provider and model."""
        return {name: _price(row) for name, row in self._file["prices"].items()}

    @cached_property
    def dearest(self) -> Price:
        """The dearest price of each kind."""
        prices = [one for price in self.table.values() for one in (price, price.long) if one]
        return Price(input=max(p.input for p in prices), output=max(p.output for p in prices))

    @property
    def date(self) -> str:
        """When the table was made."""
        return str(self._file["date"])

    @cached_property
    def _file(self) -> Mapping[str, Any]:
        text = resources.files("argent_core").joinpath("data/prices.json").read_text("utf-8")
        found: Mapping[str, Any] = json.loads(text)
        return found


@frozen(kw_only=True)
class WorstCase:
    """The most that a call may cost.

    Args:
        input_tokens: Those of what is told, at most.
        most_output: Tokens that the answer may have.
        known: Whether it is the model's own price.
        worthwhile: Tokens without which an answer is not worth the call.
    """

    price: Price
    input_tokens: int
    most_output: int
    known: bool = True
    worthwhile: int = 256

    @property
    def least_output(self) -> int:
        """Tokens of the shortest answer that is worth the call."""
        return min(self.most_output, self.worthwhile)

    def amount(self, output_tokens: int) -> int:
        """Return it for an answer of so many tokens, in picodollars."""
        return min(_MOST, self._input + _pico(self._price.output, output_tokens))

    def output_within(self, room: int) -> int:
        """Return the tokens that an answer may have for an amount, below 0 if for none at all."""
        left, each = room - self._input, _pico(self._price.output, 1)
        if left < 0:
            return -1
        return left // each if each else self.most_output

    @property
    def _price(self) -> Price:
        return self.price.of(self.input_tokens)

    @property
    def _input(self) -> int:
        # What is put into a cache, or found there, may be dearer than what is merely read.
        price = self._price
        dearest = max(price.input, price.cache_write or 0.0, price.cache_read or 0.0)
        return _pico(dearest, self.input_tokens)


def cost(price: Price, usage: Usage) -> int:
    """Return what a call cost, in picodollars."""
    price = price.of(usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens)
    cache_read = price.input if price.cache_read is None else price.cache_read
    cache_write = price.input if price.cache_write is None else price.cache_write
    return min(
        _MOST,
        _pico(price.input, usage.input_tokens)
        + _pico(price.output, usage.output_tokens)
        + _pico(cache_read, usage.cache_read_tokens)
        + _pico(cache_write, usage.cache_write_tokens),
    )


def _price(row: Mapping[str, Any]) -> Price:
    long = row.get("long")
    return Price(**{**row, "long": None if long is None else Price(**long)})


def _pico(dollars_a_million: float, tokens: int) -> int:
    # Prices have few places: a millionth of a dollar a million tokens is exact.
    return round(min(dollars_a_million, _DEAREST) * 1e6) * tokens
