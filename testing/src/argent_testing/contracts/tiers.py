"""The contract of model tiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from argent_hookspecs import ModelProvider, ModelTier
from argent_testing.contracts.base import RecordContract
from argent_testing.specimen import Specimen


class ModelTierContract(RecordContract):
    """Tries out a plugin's model tiers.

    A plugin with one tier of its own, whose provider and model can be set, says what it is::

        class TestTier(ModelTierContract):
            plugin = "argent_tier_swift"
            providers = ("oracle",)
            says = {"name": "fast", "model": "oracle-1", "max_output_tokens": 4096}
            settable = ("provider", "model")

    Attributes:
        providers: Ids of model providers of other plugins that the tiers may refer to.
        says: What stands in each tier, by field, as long as nothing is set.
        settable: Fields of the tier that the plugin's settings of the same name set.
    """

    kind = ModelTier
    providers: ClassVar[Sequence[str]] = ()
    says: ClassVar[Mapping[str, Any]] = {}
    settable: ClassVar[Sequence[str]] = ()

    async def test_tiers_make_sense(self, specimen: Specimen) -> None:
        """Each has a name, a band of scores, a model and room for an answer."""
        for tier in self.records(specimen):
            assert tier.name.strip(), f"{tier.id} has no name"
            assert tier.below > 0, f"{tier.id} serves no score at all: below is {tier.below}"
            assert tier.model.strip(), f"{tier.id} names no model"
            assert tier.max_output_tokens > 0, f"{tier.id} leaves no room for an answer"

    async def test_tiers_are_what_they_say(self, specimen: Specimen) -> None:
        """Each has the fields that were foretold."""
        for tier in self.records(specimen):
            found = {name: getattr(tier, name) for name in self.says}
            assert found == self.says, f"{tier.id} is {found}, not {self.says}"

    async def test_the_settings_go_before(self, tmp_path: Path) -> None:
        """What a person sets stands in the tier."""
        mine = {name: 77 if name == "max_output_tokens" else f"my {name}" for name in self.settable}
        settings = {**self.settings, **{_in_config(name): value for name, value in mine.items()}}
        async with self.loaded(tmp_path / "set", settings) as specimen:
            for tier in self.records(specimen):
                found = {name: getattr(tier, name) for name in mine}
                assert found == mine, f"{tier.id} does not heed its settings: it is {found}"

    async def test_the_provider_is_there(self, specimen: Specimen) -> None:
        """Its provider is the plugin's own, or one of those that are named."""
        own = {record.id for record in specimen.of(ModelProvider)}
        for tier in self.records(specimen):
            assert tier.provider in own | set(self.providers), (
                f"{tier.id}: there is no provider {tier.provider!r}"
            )

    async def test_the_provider_knows_the_model(self, specimen: Specimen) -> None:
        """A provider of the same plugin describes the model."""
        own = {record.id: specimen.live(record) for record in specimen.of(ModelProvider)}
        for tier in self.records(specimen):
            if tier.provider in own:
                describe = own[tier.provider].describe(tier.model)
                info = await self.soon(describe, what=f"description of {tier.model}")
                assert info.context_window > 0, f"{tier.model} has no context window"


def _in_config(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
