"""Many cuts of a few recordings: where they are made, and what came of them."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

from attrs import define, field, frozen

from tests.power.diary import Diary
from tests.power.disk import Disk
from tests.power.recording import Change, Earlier, Recording, build_shim, record
from tests.power.recovery import Fault, recover


class Barriers(Enum):
    """Which syncs the disk obeys."""

    ALL = "all"
    CHECKPOINTS = "checkpoints"
    """Those that SQLite makes without being asked for a durable commit, and no others of its log.

    That is ``synchronous=NORMAL`` everywhere (https://www.sqlite.org/pragma.html#pragma_synchronous).
    """
    NONE = "none"


@frozen
class Cut:
    """One power cut, and what it broke."""

    seed: int
    place: int
    way: str
    faults: list[Fault]


@define
class Outcome:
    """What came of all cuts."""

    cuts: list[Cut] = field(factory=list)

    def count(self, kind: str) -> int:
        """Count the cuts that broke a promise of one kind."""
        return sum(any(fault.kind == kind for fault in cut.faults) for cut in self.cuts)

    def figures(self) -> dict[str, int]:
        """Return what the command prints."""
        kinds = ("lost", "doubled", "damaged")
        return {"cuts": len(self.cuts), **{kind: self.count(kind) for kind in kinds}}


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for disks; in memory, where there is such a thing."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(prefix="power-", dir=memory if memory.is_dir() else None)


def recordings(
    folder: Path, *, seed: int, count: int, encryption: bool = False
) -> Iterator[Recording]:
    """Record runs; every second one goes on from what a power cut left of the one before.

    Args:
        encryption: Whether databases are encrypted, or decrypted, between two starts.
    """
    shim = build_shim(folder)
    earlier = None
    for n in range(count):
        recording = record(
            folder / str(n), shim, seed=seed + n, earlier=earlier, encryption=encryption
        )
        yield recording
        earlier = None
        if n % 2 == 0:
            chance = random.Random(seed + n)
            place = chance.randrange(len(recording.changes) // 2, len(recording.changes))
            disk = Disk(recording)
            disk.make(until=place)
            left = folder / f"{n}-left"
            left.mkdir()
            disk.cut(chance, left)
            earlier = Earlier(left, recording.known(place))


def places(recording: Recording, count: int, chance: random.Random) -> list[int]:
    """Choose where to cut: anywhere, right behind a mark, and around a sync.

    Where databases are encrypted or decrypted, every second cut is made about that.
    """
    end = len(recording.changes)
    over = _changing_over(recording.changes)
    syncs = [n for n, change in enumerate(recording.changes) if change.kind in "BS"]
    found = []
    for n in range(count):
        if over and n % 2:
            found.append(chance.choice(over) + chance.randint(-100, 100))
        elif n % 3 == 0:
            found.append(chance.randint(0, end))
        elif n % 3 == 1:
            found.append(chance.choice(recording.marks)[0] + chance.randrange(3))
        else:
            found.append(chance.choice(syncs) + chance.randrange(2))
    return sorted(min(max(place, 0), end) for place in found)


def _changing_over(changes: Sequence[Change]) -> list[int]:
    """Return the numbers of the changes to copies of databases that take their places."""
    names: dict[int, bytes] = {}
    found = list[int]()
    for n, change in enumerate(changes):
        if change.kind == "O":
            names[change.fd] = change.first
        path = change.first if change.kind in "ORU" else names.get(change.fd, b"")
        if path.endswith(b".db.changing-over"):
            found.append(n)
    return found


def cut(
    recording: Recording, count: int, *, seed: int, barriers: Barriers = Barriers.ALL
) -> Iterator[Cut]:
    """Cut a recording at many places, and recover from each."""
    chance = random.Random(seed)
    disk = Disk(recording, ignored=ignored(recording.changes, barriers))
    for place in places(recording, count, chance):
        disk.make(until=place)
        before = Diary.of(recording.known(place))
        with temporary_folder() as folder:
            target = Path(folder)
            one = disk.cut(chance, target)
            yield Cut(seed, place, one.way, recover(target / "home", before))


def ignored(changes: Sequence[Change], barriers: Barriers) -> frozenset[int]:
    """Return the numbers of the syncs that a disk does not obey."""
    if barriers is Barriers.ALL:
        return frozenset()
    syncs = {n for n, change in enumerate(changes) if change.kind == "S"}
    if barriers is Barriers.NONE:
        return frozenset(syncs)
    return frozenset(syncs & set(_commits(changes)))


def _commits(changes: Sequence[Change]) -> Iterator[int]:
    """Find the syncs of the log that a durable commit asked for.

    The others are followed by a write into the database, which is a checkpoint, or come right after
    the log's header, which is 32 bytes (https://www.sqlite.org/fileformat2.html#the_wal_header).
    """
    names: dict[int, str] = {}
    last = 0
    waiting: int | None = None
    for n, change in enumerate(changes):
        if change.kind == "O":
            names[change.fd] = Path(change.first.decode()).name
        name = names.get(change.fd, "")
        if name not in ("kernel.db", "kernel.db-wal") or change.kind not in "WS":
            continue
        if waiting is not None and name != "kernel.db":
            yield waiting
        waiting = None
        if change.kind == "W":
            last = len(change.first)
        elif name == "kernel.db-wal" and last != 32:
            waiting = n


def fsyncs_per_message(recording: Recording) -> float:
    """Count the syncs of the kernel's database, those of checkpoints too, for each message."""
    names: dict[int, bytes] = {}
    syncs = 0
    for change in recording.changes:
        if change.kind == "O":
            names[change.fd] = change.first
        syncs += change.kind == "S" and b"/kernel.db" in names[change.fd]
    taken = [number for number, mark in recording.marks if mark["kind"] == "acknowledged"]
    return syncs / sum(number > 0 for number in taken)
