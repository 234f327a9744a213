"""The outside world: it sends messages, thinks, does what tools ask, takes replies, and remembers.

What it does depends on the names of the messages and its seed alone, so that a repeated question
has the same answer.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from attrs import define, field, frozen

_NAME = re.compile(r"\bm\d+\b")
_ROUNDS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (),
    (),
    (("blind",),),
    (("asking",),),
    (("idempotent",),),
    (("queryable",), ("queryable",)),
    (("queryable", "idempotent"),),
    (("idempotent", "queryable", "blind"),),
    (("blind",), ("blind",)),
    (("queryable", "blind"), ("idempotent",)),
    (("idempotent", "asking", "blind"),),
)
_NOT_DONE = ("it did not happen", "the person did not allow it")
_TASK = 0.2
_STEERING = 0.3
_BUSY = 0.1
_ABSENT = 0.15
_NO = 0.2
_AGAIN_SECONDS = 0.01


@frozen
class ChannelKind:
    """A channel of the world.

    Args:
        idempotent: Whether it drops a second reply with the same key.
        keeps_cursor: Whether a life asks for what comes after the kernel's cursor. Otherwise it is
            handed all that was not acknowledged, again and again.
        chats: Where messages are sent.
    """

    name: str
    idempotent: bool
    keeps_cursor: bool
    chats: tuple[str, ...] = ("ann", "bob")


CHANNELS = (
    ChannelKind("letters", idempotent=True, keeps_cursor=True),
    ChannelKind("matrix", idempotent=True, keeps_cursor=False),
    ChannelKind("mail", idempotent=False, keeps_cursor=True),
    ChannelKind("phone", idempotent=False, keeps_cursor=False),
)
TELEGRAM = ChannelKind(
    "telegram",
    idempotent=False,
    keeps_cursor=True,
    chats=("ann", "bob", "club", "kitchen", "cellar"),
)
KINDS = {kind.name: kind for kind in (*CHANNELS, TELEGRAM)}


@frozen
class Sent:
    """A message that was sent to the kernel."""

    name: str
    channel: str
    chat: str
    n: int


@frozen
class Thought:
    """A model call, as anybody outside can tell it from others.

    Args:
        message: The message that its turn began with.
        round: How often the model had asked for tools before in this turn.
    """

    message: str
    round: int


@frozen
class Delivered:
    """A reply that a channel took, or dropped because it had one with this key."""

    life: int
    channel: str
    key: str
    text: str
    turn: str
    dropped: bool = False


@define(eq=False)
class Ledger:
    """What the world knows for certain.

    Args:
        delivered: Replies, in the order in which they were taken.
        ran: The keys with which each tool call was run.
        finished: Model calls that were finished, and how that shows.
        thoughts: Model calls by the key that the kernel gave them.
        told_unknown: Tool calls of which the model was told that their outcome is unknown.
        steered: Messages that were taken into a turn under way.
        repeated: Messages that were put to the model twice in one turn.
        absent: Messages whose sender was away when the answer first came.
        broken: What was wrong at once, by figure.
    """

    messages: dict[str, Sent] = field(factory=dict)
    acknowledged: dict[str, int] = field(factory=lambda: dict.fromkeys(KINDS, 0))
    delivered: list[Delivered] = field(factory=list)
    ran: dict[str, list[str]] = field(factory=lambda: defaultdict(list))
    calls: Counter[Thought] = field(factory=Counter)
    finished: dict[Thought, str] = field(factory=dict)
    thoughts: dict[str, Thought] = field(factory=dict)
    told_unknown: set[str] = field(factory=set)
    steered: set[str] = field(factory=set)
    repeated: set[str] = field(factory=set)
    absent: set[str] = field(factory=set)
    broken: list[tuple[str, str]] = field(factory=list)

    def finish(self, thought: Thought, proof: str) -> None:
        """Note that a model call was finished, and how that shows."""
        self.finished.setdefault(thought, proof)

    def names(self, channel: str) -> list[Sent]:
        """Return the messages of a channel, in order."""
        return [sent for sent in self.messages.values() if sent.channel == channel]


@define(eq=False)
class World:
    """One world, for one home.

    Args:
        seed: What it does is drawn from it.
        calm: Whether the model is never busy, nobody is ever away, and no tool needs a person's
            word, so that a turn that nobody kills is never interrupted.
        life: The number of the life that goes on now, from 1.
    """

    seed: str
    calm: bool = False
    life: int = 0
    ledger: Ledger = field(factory=Ledger)

    def send(self, channel: str, chat: str) -> None:
        """Send the kernel a message."""
        name = f"m{len(self.ledger.messages) + 1}"
        n = len(self.ledger.names(channel)) + 1
        self.ledger.messages[name] = Sent(name, channel, chat, n)

    def has_handed_out(self, acknowledged: dict[str, int]) -> bool:
        """Tell whether a kernel that has acknowledged so much has everything."""
        return acknowledged == {kind: len(self.ledger.names(kind)) for kind in KINDS}

    def poll(self, channel: str, after: int | None) -> dict[str, Any] | None:
        """Hand out messages; None if there are none now."""
        begin = self.ledger.acknowledged[channel] if after is None else after
        found = [s for s in self.ledger.names(channel) if s.n > begin]
        if not found:
            return None
        return {"messages": [self._handed(sent) for sent in found]}

    def is_task(self, name: str) -> bool:
        """Tell whether what has this name is no message, but a task."""
        return self._happens(f"{name} task", _TASK)

    def _handed(self, sent: Sent) -> dict[str, Any]:
        # A task does not steer, comes first, and leaves a place to people.
        kind = "task" if self.is_task(sent.name) else "message"
        return {"n": sent.n, "chat": sent.chat, "text": f"ask {sent.name}", "kind": kind}

    def asked_after(self, channel: str, after: int | None) -> None:
        """Take a question for what comes after a message as its acknowledgement."""
        if after is not None:
            self._acknowledge(channel, after)

    def answer(self, kind: str, facts: dict[str, Any]) -> dict[str, Any]:
        """Do what a life asks for."""
        answer: dict[str, Any] = getattr(self, f"_{kind}")(**facts)
        return answer

    def note_finished(self, keys: list[str]) -> None:
        """Note the model calls that are on the kernel's record as done."""
        for key in keys:
            if key in self.ledger.thoughts:
                self.ledger.finish(self.ledger.thoughts[key], "its step was committed as done")

    def note_commit(self, names: list[str]) -> None:
        """Hear of a commit, by what it wrote."""

    def note_call(self, what: str, facts: dict[str, Any]) -> None:
        """Hear of a call to a platform that was answered."""

    def _acknowledge(self, what: str, n: int) -> dict[str, Any]:
        known = self.ledger.acknowledged
        known[what] = max(known[what], n)
        return {}

    def _model(self, what: str, key: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
        turn = list(under_way(messages))
        names = [name for said in turn if said["role"] == "user" for name in named(said["text"])]
        round = sum(said["role"] == "assistant" for said in turn)
        thought = Thought(names[0], round)
        self._judge_call(thought, key)
        if self.ledger.calls[thought] == 1 and self._interrupts(f"{thought} busy", _BUSY):
            return {"again_in": _AGAIN_SECONDS}
        for before in range(round):
            self.ledger.finish(Thought(names[0], before), f"the call after it was made ({thought})")
        if round:
            self._judge_results(names[0], round - 1, turn[-1]["results"])
        self._judge_names(names)
        if round < len(self._rounds(names[0])):
            return {"text": "", "calls": self._calls(names[0], round)}
        return {"text": f"answers {' '.join(dict.fromkeys(names))}", "calls": []}

    def _judge_call(self, thought: Thought, key: str) -> None:
        ledger = self.ledger
        if thought in ledger.finished:
            words = f"the model was asked again for {thought}, in life {self.life}, although"
            ledger.broken.append(("repaid", f"{words} {ledger.finished[thought]}"))
        ledger.thoughts[key] = thought
        ledger.calls[thought] += 1
        sent = ledger.messages[thought.message]
        goes_on = thought.round < len(self._rounds(thought.message))
        if ledger.calls[thought] == 1 and goes_on and self._happens(f"{thought} more", _STEERING):
            # The person says one thing more meanwhile.
            self.send(sent.channel, sent.chat)

    def _judge_names(self, names: list[str]) -> None:
        self.ledger.steered.update(names[1:])
        for name, times in Counter(names).items():
            if times > 1 and name not in self.ledger.repeated:
                self.ledger.repeated.add(name)
                words = f"{name} was put to the model twice in one turn, in life {self.life}"
                self.ledger.broken.append(("doubled", words))

    def _judge_results(self, message: str, round: int, results: list[str]) -> None:
        """Compare what a tool is said to have done with what it did."""
        for call, text in zip(self._calls(message, round), results, strict=True):
            what, times = call["what"], len(self.ledger.ran[call["what"]])
            if "outcome of this call is unknown" in text:
                self.ledger.told_unknown.add(what)
            elif any(words in text for words in _NOT_DONE) == bool(times):
                words = f"tool call {what} happened {times} times, but the model was told {text!r}"
                self.ledger.broken.append(("lost", words))

    def _tool(self, what: str, call: str, key: str) -> dict[str, Any]:
        message, round, _ = call.split(".")
        self.ledger.finish(Thought(message, int(round)), f"its tool call {call} was run")
        ran = self.ledger.ran[call]
        if what != "idempotent" or key not in ran:
            ran.append(key)
        if len(ran) == 2:
            figure = "doubled" if what == "idempotent" else "unsafe_doubled"
            words = f"the {what} tool call {call} was run a second time, in life {self.life}"
            self.ledger.broken.append((figure, words))
        return {"text": f"did {call}"}

    def _approve(self, what: str, call: str) -> dict[str, Any]:
        return {"allow": not self._happens(f"{call} no", _NO)}

    def _check(self, what: str, key: str) -> dict[str, Any]:
        happened = [call for call, keys in self.ledger.ran.items() if key in keys]
        return {"text": f"did {happened[0]}" if happened else None}

    def _deliver(self, what: str, key: str, text: str, turn: str) -> dict[str, Any]:
        names = answered(text)
        if names:
            last = Thought(names[0], len(self._rounds(names[0])))
            self.ledger.finish(last, f"its answer was delivered as {key}")
            if names[0] not in self.ledger.absent and self._interrupts(f"{names[0]} away", _ABSENT):
                self.ledger.absent.add(names[0])
                return {"again_in": _AGAIN_SECONDS}
        known = any(d.channel == what and d.key == key for d in self.ledger.delivered)
        dropped = known and KINDS[what].idempotent
        taken = Delivered(self.life, what, key, text, turn, dropped)
        self.ledger.delivered.append(taken)
        return {"receipt": f"receipt-{key}"}

    def _rounds(self, message: str) -> tuple[tuple[str, ...], ...]:
        possible = [r for r in _ROUNDS if not (self.calm and "asking" in itertools.chain(*r))]
        return self._draw(message).choice(possible)

    def _calls(self, message: str, round: int) -> list[dict[str, str]]:
        tools = self._rounds(message)[round]
        return [{"tool": tool, "what": f"{message}.{round}.{i}"} for i, tool in enumerate(tools)]

    def _interrupts(self, what: str, chance: float) -> bool:
        return not self.calm and self._happens(what, chance)

    def _happens(self, what: str, chance: float) -> bool:
        return self._draw(what).random() < chance

    def _draw(self, what: str) -> random.Random:
        return random.Random(f"{self.seed} {what}")


def answered(text: str) -> list[str]:
    """Return the names of the messages that a reply answers; none if it is an apology."""
    return named(text) if text.startswith("answers ") else []


def named(text: str) -> list[str]:
    """Return the names of messages in a text."""
    return _NAME.findall(text)


def under_way(messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return the messages of the turn under way: what came after the last answer."""
    ends = [i for i, m in enumerate(messages) if m["role"] == "assistant" and not m["calls"]]
    yield from messages[ends[-1] + 1 if ends else 0 :]
