"""The platform: all bots, what they have sent, and what people did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field, frozen

from bot_api.accounts import Account, FileStore, Message
from bot_api.arguments import Arguments
from bot_api.faults import Faults
from bot_api.limits import FloodGate, Limits
from bot_api.updates import Updates


@frozen
class Call:
    """A call that a bot has made.

    Args:
        method: Its name, in lower case.
        outcome: ``ok``, the code of a refusal, or ``cut``; empty while it is under way.
    """

    number: int
    bot: str
    method: str
    arguments: Arguments
    outcome: str = ""


@define(eq=False)
class Platform:
    """Everything that outlives a bot.

    Args:
        changed: Told whenever something has happened.
        sent: Messages of bots, in order.
        edits: Messages of bots as they were after each edit, in order.
        actions: Chats and what was shown there, as typing.
        answers: Answers to presses of buttons, by the id of the query.
        calls: What bots have asked for.
    """

    limits: Limits
    changed: Callable[[], None]
    accounts: dict[str, Account] = field(factory=dict)
    files: FileStore = field(factory=FileStore)
    faults: Faults = field(factory=Faults)
    sent: list[Message] = field(factory=list)
    edits: list[Message] = field(factory=list)
    actions: list[tuple[int, str]] = field(factory=list)
    answers: dict[str, str] = field(factory=dict)
    calls: list[Call] = field(factory=list)
    _gates: dict[int, FloodGate] = field(factory=dict)

    def add_bot(self, username: str, *, reads_groups: bool) -> Account:
        """Make a bot, as BotFather does."""
        id = 7_000_000_001 + len(self.accounts)
        token = f"{id}:AAF{str(id)[::-1]:x<32}"
        bot = Account(id, token, username, reads_groups, Updates(self.changed))
        self.accounts[token] = bot
        return bot

    def gate(self, bot: Account) -> FloodGate:
        """Return what counts the messages of a bot."""
        return self._gates.setdefault(bot.id, FloodGate(self.limits))

    @property
    def floods(self) -> int:
        """How many messages were refused because they came too fast."""
        return sum(gate.refused for gate in self._gates.values())

    def begin_call(self, bot: Account, method: str, arguments: Arguments) -> int:
        """Note a call; return its number."""
        self.calls.append(Call(len(self.calls), bot.username, method, arguments))
        return len(self.calls) - 1

    def end_call(self, number: int, outcome: Any) -> None:
        """Note what became of a call."""
        self.calls[number] = evolve(self.calls[number], outcome=str(outcome))
        self.changed()
