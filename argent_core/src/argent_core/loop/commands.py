"""What a person can tell the agent itself: which model is to answer.

``/model`` says which tiers there are, ``/model powerful`` chooses one for the conversation and
``/model auto`` leaves the choice to the router again. ``@powerful …`` chooses for one message.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, evolve

from argent_core.database import Database
from argent_core.loop.model_router import ModelRouter
from argent_hookspecs import Event, Text, Transaction, Trust

_AUTO = "auto"


@define(eq=False, repr=False)
class Commands:
    """Understands what is meant for the agent itself; of its owner only."""

    database: Database
    router: ModelRouter
    _choices: dict[str, str] | None = None

    def is_one(self, event: Event) -> bool:
        """Tell whether an event is meant for the agent itself."""
        words = event.text.split()
        return _is_owners(event) and words[:1] == ["/model"] and len(words) <= 2

    async def answer(self, event: Event) -> str | None:
        """Carry out a command and return what to say, or None if the event is none."""
        if not self.is_one(event):
            return None
        names, chosen = self._names(), await self._chosen()
        _, *named = event.text.lower().split()
        if not named:
            now = chosen.get(event.conversation, _AUTO)
            return f"Now: {now}. There are: {', '.join([_AUTO, *names])}."
        (wish,) = named
        if wish not in (_AUTO, *names):
            return f"There is no {wish}. There are: {', '.join([_AUTO, *names])}."
        await self._choose(event.conversation, wish)
        if wish == _AUTO:
            return "From now on the router chooses the model here."
        return f"From now on {wish} answers here. Undo it with /model {_AUTO}."

    async def wish(self, event: Event) -> tuple[Event, str]:
        """Find out which tier the person wants.

        Returns:
            The event without the words that say so, and the tier's name; empty for the router's
            choice.
        """
        if not _is_owners(event):
            return event, ""
        first, _, rest = event.text.partition(" ")
        if first.startswith("@") and first[1:].lower() in self._names() and rest.strip():
            return evolve(event, content=_without(event.content, first)), first[1:].lower()
        return event, (await self._chosen()).get(event.conversation, "")

    def _names(self) -> list[str]:
        """Return the names of the tiers, the least able first."""
        ranked = sorted(self.router.tiers(), key=lambda tier: tier.below)
        return list(dict.fromkeys(tier.name for tier in ranked))

    async def _chosen(self) -> dict[str, str]:
        """Return the tiers that were chosen, by conversation; read once."""
        if self._choices is None:
            sql = "SELECT conversation, tier FROM conversations"
            rows = await self.database.read(lambda tx: tx.execute(sql).fetchall())
            self._choices = dict(rows)
        return self._choices

    async def _choose(self, conversation: str, wish: str) -> None:
        def work(tx: Transaction) -> None:
            tx.execute("DELETE FROM conversations WHERE conversation = ?", (conversation,))
            if wish != _AUTO:
                tx.execute("INSERT INTO conversations VALUES (?, ?)", (conversation, wish))

        await self.database.write(work, durable=True)
        self._choices = None


def _is_owners(event: Event) -> bool:
    return event.from_person and event.trust is Trust.OWNER


def _without(content: Sequence[Text], first: str) -> tuple[Text, ...]:
    head, *rest = content
    return (Text(head.text.removeprefix(first).lstrip()), *rest)
