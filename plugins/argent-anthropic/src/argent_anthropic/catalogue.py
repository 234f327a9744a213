"""What is known about models: from the server, and from a table where it does not say.

See https://platform.claude.com/docs/en/api/models/retrieve.
"""

from __future__ import annotations

import asyncio
import importlib.resources
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from attrs import define, frozen

from argent_anthropic.connection import Connection
from argent_anthropic.encoding import decode
from argent_anthropic.failures import NotThere
from argent_anthropic.settings import ANTHROPIC
from argent_hookspecs import FREE, Clock, ModelError, ModelInfo

_PATIENCE = 3.0
_ASK_AGAIN = 300.0
_PAGE = 1000
_MOST_PAGES = 20
_WINDOWS = ("max_input_tokens", "n_ctx", "context_length", "max_model_len", "n_ctx_train")
_OUTPUTS = ("max_tokens", "max_output_tokens")

Table = Mapping[str, Mapping[str, Any]]
"""Facts by the names of models."""


@frozen(kw_only=True)
class ModelFacts:
    """What is known about a model.

    Args:
        window: Tokens of input and output together; None if unknown.
        max_output: Tokens of the longest answer; None if unknown.
        images: Whether it looks at pictures.
        thinking: Values of ``thinking.type`` that it accepts.
        efforts: Values of ``output_config.effort`` that it accepts.
        title: Its name for people.
        is_claude: Whether it is one of Anthropic's.
    """

    id: str
    window: int | None = None
    max_output: int | None = None
    images: bool = False
    thinking: frozenset[str] = frozenset()
    efforts: frozenset[str] = frozenset()
    title: str = ""
    is_claude: bool = False

    @property
    def thinks_by_budget(self) -> bool:
        """Whether it is of the older kind that thinks so many tokens and no more."""
        return "enabled" in self.thinking and "adaptive" not in self.thinking


@define(eq=False)
class _Known:
    """What is known of a model so far.

    Args:
        facts: From the table, until the server has told.
        asked: When it was asked about, in seconds; None once the server has told.
        asking: Does so.
        is_urgent: Whether an answer is worth waiting for.
    """

    facts: ModelFacts
    asked: float | None
    asking: asyncio.Task[None] | None = None
    is_urgent: bool = False


class Catalogue:
    """The models of a server; each is asked about in the background until the server tells.

    Args:
        connection: To the server.
        clock: Tells when to ask again about what could not be learnt.
        table: What is known of models besides, by name.
    """

    def __init__(self, connection: Connection, *, clock: Clock, table: Table) -> None:
        self._connection = connection
        self._clock = clock
        self._table = table
        self._known: dict[str, _Known] = {}

    async def facts(self, model: str) -> ModelFacts:
        """Return what is known about a model.

        It is waited for only where the table knows nothing, and only the first time.
        """
        now = self._clock.monotonic()
        known = self._known.get(model)
        if known is None:
            guess = _from_table(model, self._table)
            known = self._known[model] = _Known(guess, asked=now, is_urgent=not guess.is_claude)
            known.asking = asyncio.create_task(self._ask(known))
        elif known.asking is None and known.asked is not None and now - known.asked >= _ASK_AGAIN:
            known.asked = now
            known.asking = asyncio.create_task(self._ask(known))
        if known.is_urgent and known.asking is not None:
            await asyncio.wait({known.asking}, timeout=_PATIENCE)
            known.is_urgent = False
        return known.facts

    async def close(self) -> None:
        """Ask no more."""
        tasks = [known.asking for known in self._known.values() if known.asking is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, known: _Known) -> None:
        model = known.facts.id
        try:
            entry = await self._entry(model)
        except ModelError as error:
            self._connection.log.debug("model not described", extra={"reason": str(error)})
            entry = None
        finally:
            known.asking = None
        if entry is not None:
            known.facts, known.asked = _from_entry(model, entry, self._table), None

    async def _entry(self, model: str) -> Mapping[str, Any] | None:
        """Ask for one model; servers that imitate the API often have only the list."""
        try:
            return await self._connection.get(
                f"/v1/models/{quote(model, safe='')}", patience=_PATIENCE
            )
        except NotThere:
            if self._connection.settings.root == ANTHROPIC:
                raise
        listed = [entry async for entry in self._entries()]
        named = [entry for entry in listed if entry.get("id") == model]
        return next(iter(named or (listed if len(listed) == 1 else [])), None)

    async def models(self) -> list[ModelInfo]:
        """Return the models that the server lists and still runs. Raises ``ModelError``."""
        return [
            self.info(_from_entry(str(entry["id"]), entry, self._table))
            async for entry in self._entries()
            if entry.get("lifecycle") != "retired"
        ]

    async def _entries(self) -> AsyncIterator[Mapping[str, Any]]:
        after = ""
        for _ in range(_MOST_PAGES):
            more = f"&after_id={quote(after, safe='')}" if after else ""
            path = f"/v1/models?limit={_PAGE}{more}"
            page = await self._connection.get(path, patience=_PATIENCE)
            entries = page.get("data")
            for entry in entries if isinstance(entries, list) else ():
                if isinstance(entry, dict) and isinstance(entry.get("id"), str):
                    yield entry
            last = page.get("last_id")
            if not page.get("has_more") or not isinstance(last, str) or last == after:
                return
            after = last

    def info(self, facts: ModelFacts) -> ModelInfo:
        """Return the same as the contract has it.

        A model of another maker on this machine costs nothing; all other prices are kept elsewhere.
        """
        free = self._connection.settings.is_local and not facts.is_claude
        return ModelInfo(
            id=facts.id,
            context_window=facts.window or self._connection.settings.context_window,
            price=FREE if free else None,
            good_for=facts.title,
            max_output=facts.max_output,
            takes_images=facts.images,
        )


def _from_entry(model: str, entry: Mapping[str, Any], table: Table) -> ModelFacts:
    """Read what a server says of a model, and fill up from the table."""
    known, meta = _from_table(model, table), entry.get("meta")
    said = {**(meta if isinstance(meta, dict) else {}), **entry}
    capabilities = entry.get("capabilities")
    if not isinstance(capabilities, dict):
        capabilities = {}
    thinking = capabilities.get("thinking")
    types = thinking.get("types") if isinstance(thinking, dict) else None
    return ModelFacts(
        id=model,
        window=_number(said, _WINDOWS) or known.window,
        max_output=_number(said, _OUTPUTS) or known.max_output,
        images=_supported(capabilities)["image_input"]
        if "image_input" in capabilities
        else known.images,
        thinking=_those(types) if isinstance(types, dict) else known.thinking,
        efforts=_those(capabilities["effort"])
        if isinstance(capabilities.get("effort"), dict)
        else known.efforts,
        title=str(entry.get("display_name") or ""),
        is_claude=known.is_claude,
    )


def _supported(capabilities: Mapping[str, Any]) -> dict[str, bool]:
    return {
        name: isinstance(value, dict) and value.get("supported") is True
        for name, value in capabilities.items()
    }


def _those(capabilities: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for name, there in _supported(capabilities).items() if there)


def _number(said: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    values = (said.get(name) for name in names)
    return next((value for value in values if type(value) is int and value > 0), None)


def _from_table(model: str, table: Table) -> ModelFacts:
    """Find a model in the table, also by the names that clouds and gateways give it."""
    plain = model.lower().replace(".", "-")
    names = [name for name in table if re.search(rf"(^|[-/:@]){name}(?!-?\d{{1,2}}(\D|$))", plain)]
    if not names:
        return ModelFacts(id=model)
    found = table[max(names, key=len)]
    return ModelFacts(
        id=model,
        window=found["window"],
        max_output=found["output"],
        images=True,
        thinking=frozenset(found["thinking"]),
        efforts=frozenset(found["effort"]),
        is_claude=True,
    )


def read_table() -> Table:
    """Read the table that comes with the plugin."""
    text = importlib.resources.files(__package__).joinpath("models.json").read_bytes()
    table: Table = decode(text)["models"]
    return table
