"""What a person can tell the agent itself: which model is to answer, and a few words more.

``/new`` begins a new conversation, ``/status`` says how the agent is, ``/help`` lists all of this,
as does ``/start``, with which apps begin, whatever code follows it;
``/stop`` is obeyed at the door (``inbound/gate.py``), as it must not wait for what it is to stop.
``/model`` says which tiers there are, ``/model powerful`` chooses one for the conversation and
``/model auto`` leaves the choice to the router again. ``@powerful …`` chooses for one message.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, evolve, frozen

from argent_core.database import Database
from argent_core.loop.history import start_afresh
from argent_core.loop.model_router import ModelRouter
from argent_core.money import in_dollars, of_limit
from argent_hookspecs import Event, EventPart, Text, Transaction, Trust

_AUTO = "auto"
_WISH = re.compile(r"\s*@([\w-]+)(?:[:,]\s*|\s+)(?=\S)")
_ALIKE = 0.75
_SIMPLE = re.compile(r"\s*/([a-z]+)(?:@\w+)?\s*")
_START = re.compile(r"\s*/start(?:@\w+)?(?!\S)")
_AILING = ("failed", "degraded", "blocked", "incompatible", "invalid settings")
_LISTS = {"approvals": "approvals", "pairings": "pair"}
_HELP_FOR_OTHERS = """\
- `/new` begins a new conversation
- `/stop` stops the answer
- `/help` says this"""
_HELP = f"""\
{_HELP_FOR_OTHERS}
- `/status` says how the agent is
- `/model` says which models there are; `/model NAME` chooses one here, `/model auto` none
- `@NAME …` chooses one for a message"""


@frozen
class Told:
    """What the agent itself says.

    Args:
        refused: Whether what the person wanted was not done.
    """

    text: str
    refused: bool = False


@define(eq=False, repr=False)
class Commands:
    """Understands what is meant for the agent itself.

    Args:
        status: Says how the agent is.
    """

    database: Database
    router: ModelRouter
    status: Callable[[], Awaitable[Mapping[str, Any]]]
    _choices: dict[str, str] | None = None

    def needs_own_turn(self, event: Event) -> bool:
        """Tell whether an event cannot be dealt with in a turn that is under way."""
        if event.from_person and _simple(event):
            return True
        return _is_owners(event) and (_is_model_command(event) or _named(event) is not None)

    async def answer(self, event: Event) -> Told | None:
        """Carry out a command and return what to say, or None if the event is none."""
        if event.from_person and (command := _simple(event)):
            return await self._obey(command, event)
        if not _is_owners(event):
            return None
        if not _is_model_command(event):
            return self._correction(event)
        names, chosen = self._names(), await self._chosen()
        _, *named = event.text.lower().split()
        if not named:
            now = chosen.get(event.conversation, _AUTO)
            return Told(f"Now: {now}. There are: {', '.join([_AUTO, *names])}.")
        (wish,) = named
        if wish not in (_AUTO, *names):
            waiting = self.router.held_back(wish)
            hint = f" {waiting}" if waiting else ""
            there = f"There are: {', '.join([_AUTO, *names])}.{hint}"
            return Told(f"There is no {wish}. {there}", refused=True)
        await self._choose(event.conversation, wish)
        if wish == _AUTO:
            return Told("From now on the router chooses the model here.")
        undo = f"Undo it with /model {_AUTO}."
        if self.router.is_private(wish):
            words = "Models elsewhere are not told what is said meanwhile, later neither."
            return Told(f"From now on {wish} answers here. {words} {undo}")
        return Told(f"From now on {wish} answers here. {undo}")

    async def _obey(self, command: str, event: Event) -> Told:
        """Carry out a command that consists of one word."""
        if command == "new":
            where = event.conversation
            await self.database.write(lambda tx: start_afresh(tx, where), durable=True)
            return Told("From here on a new conversation begins; what was said before is not told.")
        if command == "help":
            return Told(_HELP if _is_owners(event) else _HELP_FOR_OTHERS)
        if command != "status":
            return Told(f"There is no /{command} here. /help lists what there is.", refused=True)
        if not _is_owners(event):
            return Told("Only the owner may ask for that.", refused=True)
        return Told("\n".join(_summary(await self.status())))

    async def wish(self, event: Event) -> tuple[Event, str]:
        """Find out which tier the person wants.

        Returns:
            The event without the words that say so, and the tier's name; empty for the router's
            choice.
        """
        if not _is_owners(event):
            return event, ""
        name = _named(event)
        if name == "local" or name in self._names():
            return evolve(event, content=_without_wish(event.content)), name
        return event, (await self._chosen()).get(event.conversation, "")

    def _correction(self, event: Event) -> Told | None:
        """Return what to say to a tier's name that is misspelt: no other model is to be told."""
        name, names = _named(event), self._names()
        if name is None or name in names:
            return None
        meant = difflib.get_close_matches(name, names, n=1, cutoff=_ALIKE)
        if not meant:
            return None
        words = f"There is no @{name}. Did you mean @{meant[0]}? Nobody was asked; say it again."
        return Told(words, refused=True)

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


def _simple(event: Event) -> str:
    """Return the command that a message is and nothing else, without the slash; or nothing.

    What follows ``/start`` is a code, and the business of nobody else.
    """
    if _START.match(event.text):
        return "help"
    found = _SIMPLE.fullmatch(event.text) if len(event.text) < 100 else None
    return found[1] if found and found[1] != "model" else ""


def _summary(status: Mapping[str, Any]) -> Iterator[str]:
    """Say in a few lines how the agent is."""
    events, spending = status["events"], status["spending"]
    yield f"{status['agent']} runs."
    if status["refusing"]:
        yield f"- {status['refusing']}"
    models = ", ".join(f"{model['tier']} ({model['model']})" for model in status["models"])
    yield f"- Models: {models or 'none'}"
    waiting = events["ready"] + events["waiting"]
    others = events["leased"] - 1  # the question itself is one
    yield f"- Events: {waiting} waiting, {others} under way, {events['dead']} dead"
    for what, words in (
        ("approvals", "waiting for your word"),
        ("pairings", "asking to be let in"),
    ):
        if status[what]:
            yield f"- {status[what]} {words}: `argent {_LISTS[what]} list`"
    spent, limit = spending["spent"], spending["limit"]
    used = in_dollars(spent) if limit is None else of_limit(spent, limit)
    yield f"- Spent today: {used}"
    for plugin in status["plugins"]:
        if plugin["state"] in _AILING:
            yield f"- The plugin {plugin['name']} is {plugin['state']}: {plugin['reason']}"


def _is_owners(event: Event) -> bool:
    return event.from_person and event.trust is Trust.OWNER


def _is_model_command(event: Event) -> bool:
    words = event.text.split()
    return words[:1] == ["/model"] and len(words) <= 2


def _named(event: Event) -> str | None:
    """Return the name with which an event begins, as ``@name …``."""
    found = _WISH.match(event.text)
    return None if found is None else found[1].lower()


def _without_wish(content: Sequence[EventPart]) -> tuple[EventPart, ...]:
    first = next(n for n, part in enumerate(content) if isinstance(part, Text))
    return tuple(
        Text(_WISH.sub("", part.text, count=1)) if n == first and isinstance(part, Text) else part
        for n, part in enumerate(content)
    )
