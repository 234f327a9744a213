"""What models cost, by a table that comes with Argent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from importlib import resources

from attrs import define, frozen

from argent_hookspecs import FREE, ModelInfo, ModelProvider, Price


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
        rows = self._file["prices"]
        return {name: Price(**row) for name, row in rows.items()}

    @cached_property
    def dearest(self) -> Price:
        """The dearest price of each kind."""
        prices = self.table.values()
        return Price(input=max(p.input for p in prices), output=max(p.output for p in prices))

    @property
    def date(self) -> str:
        """When the table was made."""
        return str(self._file["date"])

    @cached_property
    def _file(self) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
        text = resources.files("argent_core").joinpath("data/prices.json").read_text("utf-8")
        found: Mapping[str, Mapping[str, Mapping[str, float]]] = json.loads(text)
        return found
