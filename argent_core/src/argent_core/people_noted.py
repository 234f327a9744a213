"""People noted: whom the settings named when the agent last went by them.

Who is taken out of them while no agent runs loses at the next start what is under way for them.
The note is kept in the table ``cursors``.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from argent_core import codec
from argent_core.config import PeopleSettings
from argent_core.guard import attempt
from argent_hookspecs import Sender, Transaction

_NOTE = "argent/people"


def read(tx: Transaction) -> PeopleSettings | None:
    """Return what was noted, if anything was."""
    row = tx.execute("SELECT value FROM cursors WHERE source = ?", (_NOTE,)).fetchone()
    return attempt(codec.load, row[0], PeopleSettings).value if row else None


def write(tx: Transaction, settings: PeopleSettings) -> None:
    """Note whom the settings name."""
    sql = "INSERT OR REPLACE INTO cursors VALUES (?, ?)"
    tx.execute(sql, (_NOTE, codec.dump(part(settings))))


def part(settings: PeopleSettings) -> PeopleSettings:
    """Return what of the settings is noted: the people."""
    return evolve(PeopleSettings(), owners=settings.owners, allow=settings.allow)


def left_out(old: PeopleSettings, new: PeopleSettings) -> set[Sender]:
    """Return the people whom one of two lists of the settings names no longer."""
    return (_all(old.owners) - _all(new.owners)) | (_all(old.allow) - _all(new.allow))


def _all(named: Mapping[str, tuple[str, ...]]) -> set[Sender]:
    return {Sender(channel, id) for channel, ids in named.items() for id in ids}
