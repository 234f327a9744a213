"""The contracts of model providers and tiers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from argent_core.guard import attempt_async
from argent_hookspecs import (
    Finish,
    Message,
    ModelClient,
    ModelError,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRequest,
    ModelTier,
    Role,
    TextDelta,
    Thinking,
    ToolCall,
)
from argent_testing.answers import collect
from argent_testing.contracts.base import OpenedContract, RecordContract
from argent_testing.specimen import Specimen

_PARTS = (TextDelta, Thinking, ToolCall, Finish)


class ModelProviderContract(OpenedContract):
    """Tries out a plugin's model providers, with real answers.

    Attributes:
        models: The providers' own names of models; those of the plugin's tiers, if empty.
        prompt: What the models are asked.
        patience: Seconds that one answer may take, loading included.
    """

    kind = ModelProvider
    yields = ModelClient
    models: ClassVar[Sequence[str]] = ()
    prompt: ClassVar[str] = "Count from one to twenty, in words."
    patience: ClassVar[float] = 60.0

    async def test_describes_its_models(self, specimen: Specimen) -> None:
        """Each model has a window."""
        for client, model in self._offered(specimen):
            info = await self.soon(client.describe(model), what=f"description of {model}")
            assert isinstance(info, ModelInfo), f"describe returned {info!r:.100}"
            assert info.id == model, f"asked about {model}, it describes {info.id}"
            assert info.context_window > 0, f"{model} has no context window"

    async def test_a_stream_ends_with_one_finish(self, specimen: Specimen) -> None:
        """An answer has parts of the contract's classes; the last and only the last is Finish."""
        for client, model in self._offered(specimen):
            parts: list[Any] = await self._answer(client, self.request(model))
            strange = [part for part in parts if not isinstance(part, _PARTS)]
            assert not strange, f"{model} streamed {strange[0]!r:.100}"
            ends = [i for i, part in enumerate(parts) if isinstance(part, Finish)]
            assert ends == [len(parts) - 1], f"{model}: Finish must come once, last"
            assert len(parts) > 1, f"{model} said nothing"

    async def test_usage_is_counted(self, specimen: Specimen) -> None:
        """Tokens are whole numbers, and neither question nor answer is free of them."""
        for client, model in self._offered(specimen):
            usage = await self._usage(client, self.request(model))
            for name in ("input_tokens", "output_tokens"):
                count = getattr(usage, name)
                assert type(count) is int, f"{model}: {name} is {count!r}, not a whole number"
                assert count > 0, f"{model}: {name} was not counted"

    async def test_an_answer_keeps_to_its_limit(self, specimen: Specimen) -> None:
        """No more tokens are written than were asked for."""
        for client, model in self._offered(specimen):
            usage = await self._usage(client, self.request(model, max_output_tokens=4))
            assert usage.output_tokens <= 4, f"{model} wrote {usage.output_tokens} tokens, not 4"

    async def test_closing_the_stream_stops_it(self, specimen: Specimen) -> None:
        """Closed after the first part, it stops at once, and the next request is answered."""
        for client, model in self._offered(specimen):
            stream: Any = client.stream(self.request(model))
            await self.soon(anext(stream), what=f"first words of {model}")
            await self.soon(stream.aclose(), what=f"closing {model}", seconds=self.stop_seconds)
            assert await self._answer(client, self.request(model))

    async def test_an_answer_can_be_cancelled(self, specimen: Specimen) -> None:
        """A request that is cancelled ends, and the next one is answered."""
        for client, model in self._offered(specimen):
            await self._answer(client, self.request(model))
            task = asyncio.create_task(self._answer(client, self.request(model)))
            await self.assert_stops(task, what=f"an answer of {model}")
            assert await self._answer(client, self.request(model))

    async def test_answers_side_by_side(self, specimen: Specimen) -> None:
        """Two requests at the same time are both answered."""
        for client, model in self._offered(specimen):
            both = (self._answer(client, self.request(model)) for _ in range(2))
            for parts in await asyncio.gather(*both):
                assert isinstance(parts[-1], Finish), f"{model}: an answer broke off"

    async def test_an_unknown_model_is_refused(self, specimen: Specimen) -> None:
        """A model that does not exist raises ``ModelError``, and nothing else."""
        for record in self.records(specimen):
            client = specimen.live(record)
            request = self.request("no-such-model-of-anybody")
            outcome = await attempt_async(partial(self._answer, client, request))
            assert isinstance(outcome.error, ModelError), (
                f"{record.id}: an unknown model should raise a ModelError, not "
                f"{outcome.error or outcome.value!r:.200}"
            )

    def request(self, model: str, *, max_output_tokens: int = 64) -> ModelRequest:
        """Return what a model is asked."""
        return ModelRequest(
            model=model,
            messages=(Message(Role.USER, self.prompt),),
            max_output_tokens=max_output_tokens,
            key="contract",
        )

    def _offered(self, specimen: Specimen) -> list[tuple[ModelClient, str]]:
        found = [
            (specimen.live(record), model)
            for record in self.records(specimen)
            for model in self.models or _models(specimen, record.id)
        ]
        assert found, "name the models to try in models; no tier of the plugin does"
        return found

    async def _answer(self, client: ModelClient, request: ModelRequest) -> list[ModelPart]:
        return await self.soon(collect(client, request), what=f"an answer of {request.model}")

    async def _usage(self, client: ModelClient, request: ModelRequest) -> Any:
        last = (await self._answer(client, request))[-1]
        assert isinstance(last, Finish), f"{request.model}: the last part is not Finish"
        return last.usage


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


def _models(specimen: Specimen, provider: str) -> list[str]:
    tiers = specimen.of(ModelTier)
    return list(dict.fromkeys(tier.model for tier in tiers if tier.provider == provider))
