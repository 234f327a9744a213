"""What Argent makes of the disk that a power cut left, held against what the world knows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from argent_core import config
from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_core.secrets import SecretStore
from argent_hookspecs import ArgentError, Effect, Transaction
from tests.power.world import LONG_WORDS, NAME, World

_READ = {
    "events": "SELECT dedupe_key, state FROM events",
    "replies": "SELECT key, state, text FROM outbox",
    "steps": "SELECT key, result FROM steps WHERE kind = 'tool'",
    "cursors": "SELECT source, value FROM cursors",
}


_RESULT = re.compile(r"the whole result is in \S*/([\w.-]+\.txt)")


@frozen
class Fault:
    """A promise that was broken.

    Args:
        kind: ``lost``, ``doubled`` or ``damaged``.
    """

    kind: str
    words: str


@define
class Diary:
    """Marks, sorted by what they tell of."""

    acknowledged: dict[str, dict[str, Any]] = field(factory=dict)
    handed: list[dict[str, Any]] = field(factory=list)
    ran: list[dict[str, Any]] = field(factory=list)
    setting: dict[str, Any] | None = None
    secret: dict[str, Any] | None = None

    @classmethod
    def of(cls, marks: Sequence[dict[str, Any]]) -> Diary:
        diary = cls()
        for mark in marks:
            diary.put(**mark)
        return diary

    def put(self, kind: str, **facts: Any) -> None:
        """Add a mark."""
        match kind:
            case "acknowledged":
                self.acknowledged[facts["name"]] = facts
            case "handed":
                self.handed.append(facts)
            case "ran":
                self.ran.append(facts)
            case "setting":
                self.setting = facts
            case "secret":
                self.secret = facts


def recover(home: Path, before: Diary) -> list[Fault]:
    """Start a kernel on what is left, let it end what it began, and look for broken promises."""
    try:
        return asyncio.run(_recover(home, before))
    except (ArgentError, OSError) as error:
        return [Fault("damaged", f"{type(error).__name__}: {error}")]


async def _recover(home: Path, before: Diary) -> list[Fault]:
    after = Diary()
    world = World(after.put, ran=[call["key"] for call in before.ran])
    async with world.kernel(home) as kernel:
        found = await kernel.journal.database.check()
        if found:
            return [Fault("damaged", found)]
        try:
            await world.settled(kernel)
        except TimeoutError:
            return [Fault("lost", f"it does not go on: {await kernel.agent.status()}")]
        rows = await _rows(kernel)
    return [
        *_events(before, rows),
        *_replies(before, after, rows),
        *_answers(before, after, rows),
        *_tools(before, after, rows),
        *_results(rows, home),
        *_settings(before, Home(home)),
    ]


async def _rows(kernel: Kernel) -> dict[str, list[Any]]:
    def read(tx: Transaction) -> dict[str, list[Any]]:
        return {name: tx.execute(sql).fetchall() for name, sql in _READ.items()}

    return await kernel.journal.database.read(read)


def _events(before: Diary, rows: dict[str, list[Any]]) -> Iterator[Fault]:
    """Whatever was acknowledged is known, and the cursors go with the events."""
    states, cursors = dict(rows["events"]), dict(rows["cursors"])
    for name, facts in before.acknowledged.items():
        if name not in states:
            yield Fault("lost", f"{name} was acknowledged and is not known")
        if int(cursors.get(facts["conversation"], -1)) < facts["number"]:
            yield Fault("lost", f"the cursor behind {name}")
    for source, number in cursors.items():
        if f"{source}-{number}" not in states:
            yield Fault("lost", f"{source}-{number}, whose cursor is there")
    for name, state in states.items():
        if state != "done":
            yield Fault("lost", f"{name} ended {state}")


def _replies(before: Diary, after: Diary, rows: dict[str, list[Any]]) -> Iterator[Fault]:
    """Whatever a channel was handed is known, and is handed again only where that is harmless."""
    states = {key: state for key, state, _ in rows["replies"]}
    again = {reply["key"] for reply in after.handed}
    for reply in before.handed:
        if reply["key"] not in states:
            yield Fault("lost", f"reply {reply['key']} was sent and is not known")
        elif states[reply["key"]] not in ("sent", "unknown"):
            yield Fault("lost", f"reply {reply['key']} was sent and is {states[reply['key']]}")
        if reply["channel"] == "plain" and reply["key"] in again:
            yield Fault("doubled", f"reply {reply['key']} was sent again")


def _answers(before: Diary, after: Diary, rows: dict[str, list[Any]]) -> Iterator[Fault]:
    """Every message is answered, in one reply; or its answer is known to be uncertain."""
    keys: dict[str, set[str]] = {}
    for reply in (*before.handed, *after.handed):
        for name in NAME.findall(reply["text"]):
            keys.setdefault(name, set()).add(reply["key"])
    for name, answers in keys.items():
        if len(answers) > 1:
            yield Fault("doubled", f"{name} was answered in the replies {sorted(answers)}")
    uncertain = {
        name for _, state, text in rows["replies"] if state == "unknown" for name in NAME.findall(text)
    }
    for name in before.acknowledged.keys() - keys.keys() - uncertain:
        yield Fault("lost", f"{name} is not answered")


def _tools(before: Diary, after: Diary, rows: dict[str, list[Any]]) -> Iterator[Fault]:
    """What cannot be repeated is on record and is not repeated."""
    known = {key for key, _ in rows["steps"]}
    again = {(call["name"], call["effect"]): call["key"] for call in after.ran}
    for call in before.ran:
        key = again.get((call["name"], call["effect"]))
        if call["effect"] == Effect.IDEMPOTENT:
            if key not in (None, call["key"]):
                yield Fault("doubled", f"{call['name']} ran as {call['key']} and as {key}")
            continue
        if call["key"] not in known:
            yield Fault("lost", f"{call['effect']} tool {call['key']} ran and is not known")
        if key is not None:
            yield Fault("doubled", f"{call['effect']} tool {call['key']} ran again as {key}")


def _results(rows: dict[str, list[Any]], home: Path) -> Iterator[Fault]:
    """Long results are whole in their files."""
    for key, result in rows["steps"]:
        named = _RESULT.search(result or "")
        if named is not None:
            file = home / "data" / "results" / named[1]
            if not file.exists() or len(file.read_text("utf-8", "replace").split()) != LONG_WORDS:
                yield Fault("lost", f"the long result of {key}")


def _settings(before: Diary, home: Home) -> Iterator[Fault]:
    """What was changed by a command stays changed."""
    if before.setting is not None:
        steps = config.load(home).loop.max_steps
        if steps != before.setting["value"]:
            yield Fault("lost", f"the setting {before.setting['value']}: it is {steps}")
    if before.secret is not None and SecretStore(home).get("token") != before.secret["value"]:
        yield Fault("lost", "the secret")
