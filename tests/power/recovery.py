"""What Argent makes of the disk that a power cut left, held against what the world knows."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from argent_core import config
from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_core.secrets import SecretStore
from argent_hookspecs import ArgentError, Effect, Transaction
from tests.power.diary import Diary
from tests.power.world import LONG_WORDS, NAME, World

_READ = {
    "events": "SELECT dedupe_key, state FROM events",
    "replies": "SELECT key, state, text FROM outbox",
    "steps": "SELECT key, result FROM steps WHERE kind = 'tool'",
    "approvals": "SELECT id, state FROM approvals",
    # Argent keeps notes of its own there too.
    "cursors": "SELECT source, value FROM cursors WHERE source NOT LIKE 'argent/%'",
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
            async with world.person(kernel):
                await world.settled(kernel)
        except TimeoutError:
            return [Fault("lost", f"it does not go on: {await kernel.agent.status()}")]
        rows = await _rows(kernel)
    return [
        *_events(before, rows),
        *_replies(before, after, rows),
        *_answers(before, after, rows),
        *_tools(before, after, rows),
        *_decisions(before, rows),
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
    for reply in before.handed:
        state = states.get(reply["key"], "not known")
        if state not in ("sent", "unknown"):
            yield Fault("lost", f"reply {reply['key']} was sent and is {state}")
    everything = (*before.handed, *after.handed)
    sent = Counter(reply["key"] for reply in everything if reply["channel"] == "plain")
    for key, times in sent.items():
        if times > 1:
            yield Fault("doubled", f"reply {key} was sent {times} times")


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
        name
        for _, state, text in rows["replies"]
        if state == "unknown"
        for name in NAME.findall(text)
    }
    for name in before.acknowledged.keys() - keys.keys() - uncertain:
        yield Fault("lost", f"{name} is not answered")


def _tools(before: Diary, after: Diary, rows: dict[str, list[Any]]) -> Iterator[Fault]:
    """What cannot be repeated is on record and is not repeated; the rest keeps its key."""
    known = {key for key, _ in rows["steps"]}
    runs: dict[tuple[str, str], list[str]] = {}
    for call in (*before.ran, *after.ran):
        runs.setdefault((call["effect"], call["name"]), []).append(call["key"])
    for (effect, name), keys in runs.items():
        times = len(set(keys) if effect == Effect.IDEMPOTENT else keys)
        if times > 1:
            yield Fault("doubled", f"the {effect} tool ran for {name} as {keys}")
    for call in before.ran:
        if call["effect"] != Effect.IDEMPOTENT and call["key"] not in known:
            yield Fault("lost", f"the {call['effect']} tool ran as {call['key']}, not on record")


def _decisions(before: Diary, rows: dict[str, list[Any]]) -> Iterator[Fault]:
    """A person is not asked again."""
    states = dict(rows["approvals"])
    for id, allowed in before.decided.items():
        if states.get(id) not in (("allowed", "used") if allowed else ("denied",)):
            yield Fault("lost", f"approval {id} was answered {allowed} and is {states.get(id)}")


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
    setting = config.load(home).loop.max_steps
    if before.setting is not None and setting not in (before.setting, before.changing):
        yield Fault("lost", f"the setting was changed to {before.setting} and is {setting}")
    if before.secret is not None:
        secret = int(SecretStore(home).get("token"))
        if secret not in (before.secret, before.changing):
            yield Fault("lost", f"the secret was changed to {before.secret} and is {secret}")
