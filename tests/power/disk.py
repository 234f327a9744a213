"""A disk on which some things are safe from a power cut and others are not yet."""

from __future__ import annotations

import os
import random
from collections.abc import Collection, Iterator
from enum import Enum
from itertools import takewhile
from pathlib import Path

from attrs import define, field, frozen

from tests.power.recording import MARKS, Change, Recording

SECTOR = 512
_SHARED = "-shm"
"""How the files end that SQLite maps into memory: they hold anything after a power cut."""


class Fate(Enum):
    """What becomes of a change that is not safe."""

    KEPT = "kept"
    LOST = "lost"
    TORN = "torn"


@frozen
class Write:
    """A change of a file's contents that is not safe yet.

    Args:
        number: Its place in the recording.
        size: The size of the file afterwards.
    """

    number: int
    offset: int
    data: bytes
    size: int

    @property
    def sectors(self) -> range:
        if not self.data:
            return range(0)
        return range(self.offset // SECTOR, (self.offset + len(self.data) - 1) // SECTOR + 1)

    def part(self, sector: int) -> tuple[int, bytes]:
        """Return what it writes into a sector, and where."""
        start = max(self.offset, sector * SECTOR)
        end = min(self.offset + len(self.data), (sector + 1) * SECTOR)
        return start, self.data[start - self.offset : end - self.offset]


class Chance:
    """How one power cut falls out.

    Args:
        random: Decides.
        oldest: Number of the oldest change that is not safe.
        cut: Number of the first change that was not made.
    """

    def __init__(self, random: random.Random, *, oldest: int, cut: int) -> None:
        self.random = random
        self.way = random.choices(["nothing", "everything", "in order", "any"], [2, 1, 3, 6])[0]
        self._reached = random.randint(oldest, cut)
        self._likely = random.choice([0.1, 0.5, 0.9])
        self.rubbish = random.random() < 0.5

    def of(self, number: int) -> Fate:
        """Decide about a change."""
        if self.way == "nothing":
            return Fate.LOST
        if self.way == "everything":
            return Fate.KEPT
        if self.way == "in order":
            if number == self._reached:
                return Fate.TORN
            return Fate.KEPT if number < self._reached else Fate.LOST
        if self.random.random() < 0.25:
            return Fate.TORN
        return Fate.KEPT if self.random.random() < self._likely else Fate.LOST

    def filling(self, length: int) -> bytes:
        """Return what stands where nothing was written yet."""
        return self.random.randbytes(length) if self.rubbish else bytes(length)


@define(eq=False)
class File:
    """Contents, with or without a name; zeros at the end are not kept.

    Args:
        safe: What is safe of the contents.
        safe_size: The size that is safe.
        size: The size as programs see it.
    """

    safe: bytearray = field(factory=bytearray)
    safe_size: int = 0
    size: int = 0
    pending: list[Write] = field(factory=list)

    def write(self, number: int, offset: int, data: bytes) -> None:
        self.size = max(self.size, offset + len(data))
        self.pending.append(Write(number, offset, data, self.size))

    def resize(self, number: int, size: int) -> None:
        cut_off = bytes(max(0, self.size - size))
        self.size = size
        self.pending.append(Write(number, size, cut_off, size))

    def settle(self, before: int) -> None:
        """Make safe what was written before a change."""
        done = list(takewhile(lambda write: write.number < before, self.pending))
        if done:
            del self.pending[: len(done)]
            _apply(self.safe, done)
            self.safe_size = done[-1].size

    def now(self) -> bytes:
        """Return the contents as a program sees them."""
        return bytes(_apply(bytearray(self.safe), self.pending)).ljust(self.size, b"\0")

    def after_cut(self, chance: Chance) -> tuple[bytes, int]:
        """Return what a power cut leaves: contents, and the size up to which zeros follow.

        A sector holds what stood in it after some of the writes that met it, never parts of both.
        """
        fates = [chance.of(write.number) for write in self.pending]
        newest: dict[int, int] = {}
        for n, (write, fate) in enumerate(zip(self.pending, fates, strict=True)):
            if fate is not Fate.LOST:
                for sector in write.sectors:
                    if fate is Fate.KEPT or chance.random.random() < 0.5:
                        newest[sector] = n
        left = bytearray(self.safe)
        reach = max((w.offset + len(w.data) for w in self.pending if w.data), default=0)
        if reach > len(left):
            left += bytes(max(0, min(self.safe_size, reach) - len(left)))
            left += chance.filling(reach - len(left))
        for n, write in enumerate(self.pending):
            for sector in write.sectors:
                if n <= newest.get(sector, -1):
                    start, part = write.part(sector)
                    left[start : start + len(part)] = part
        size = self._size_after_cut(chance, fates)
        return bytes(left[:size]), size

    def _size_after_cut(self, chance: Chance, fates: list[Fate]) -> int:
        sizes = [self.safe_size, *(write.size for write in self.pending)]
        if chance.way == "any":
            return chance.random.choice(sizes)
        reached = sum(fate is not Fate.LOST for fate in fates)
        if Fate.TORN in fates and chance.random.random() < 0.5:
            reached -= 1
        return sizes[reached]


@frozen
class Naming:
    """A change of a folder's names that is not safe yet: a name and what it stands for now."""

    number: int
    names: dict[str, File | Folder | None]


@define(eq=False)
class Folder:
    """Names of files and folders."""

    safe: dict[str, File | Folder] = field(factory=dict)
    live: dict[str, File | Folder] = field(factory=dict)
    pending: list[Naming] = field(factory=list)

    def name(self, number: int, names: dict[str, File | Folder | None]) -> None:
        _rename(self.live, names)
        self.pending.append(Naming(number, names))

    def settle(self, before: int) -> None:
        """Make safe what was named before a change."""
        while self.pending and self.pending[0].number < before:
            _rename(self.safe, self.pending.pop(0).names)

    def after_cut(self, chance: Chance) -> dict[str, File | Folder]:
        """Return the names that a power cut leaves."""
        if chance.way == "any":
            kept = self.pending[: chance.random.randint(0, len(self.pending))]
        else:
            kept = [one for one in self.pending if chance.of(one.number) is Fate.KEPT]
        left = dict(self.safe)
        for naming in kept:
            _rename(left, naming.names)
        return left


class Disk:
    """What a recording makes of a disk.

    Args:
        recording: Whose changes are made, one after the other.
        ignored: Numbers of the syncs that the disk does not obey.
    """

    def __init__(self, recording: Recording, ignored: Collection[int] = ()) -> None:
        self.root = _read(recording.start) if recording.start else Folder()
        self.made = 0
        self._changes = recording.changes
        self._path = recording.root
        self._ignored = ignored
        self._open: dict[int, File | Folder] = {}
        self._begun: dict[int, int] = {}

    def make(self, until: int) -> None:
        """Make changes until so many have been made."""
        while self.made < until:
            self._make(self.made, self._changes[self.made])
            self.made += 1

    def _make(self, number: int, change: Change) -> None:
        thing = self._open.get(change.fd)
        match change.kind:
            case "O":
                self._open_file(number, change)
            case "C":
                self._open.pop(change.fd)
            case "B":
                self._begun[change.fd] = number
            case "S" if thing is not None and number not in self._ignored:
                thing.settle(self._begun[change.fd])
            case "W" if isinstance(thing, File):
                thing.write(number, change.offset, change.first)
            case "T" if isinstance(thing, File):
                thing.resize(number, change.offset)
            case "A" if isinstance(thing, File):
                thing.resize(number, max(thing.size, change.offset))
            case "M" | "U" | "R" | "L":
                self._name(number, change)

    def cut(self, random: random.Random, target: Path) -> Chance:
        """Write into a folder what is left if the power goes now."""
        waiting = [p.number for thing in self._things(self.root) for p in thing.pending]
        chance = Chance(random, oldest=min(waiting, default=self.made), cut=self.made)
        self._leave(self.root, target, chance)
        return chance

    def contents(self) -> dict[str, bytes]:
        """Return every file as programs see it, by path."""
        return {path: file.now() for path, file in self._files(self.root, "")}

    def _open_file(self, number: int, change: Change) -> None:
        folder, name = self._find(change.first)
        thing = folder.live.get(name) if name else folder
        if thing is None:
            thing = File()
            folder.name(number, {name: thing})
        elif change.offset & os.O_TRUNC and isinstance(thing, File) and thing.size:
            thing.resize(number, 0)
        self._open[change.fd] = thing

    def _name(self, number: int, change: Change) -> None:
        folder, name = self._find(change.first)
        if change.kind == "M":
            folder.name(number, {name: Folder()})
        elif change.kind == "U":
            folder.name(number, {name: None})
        else:
            there, new = self._find(change.second)
            if there is not folder:
                raise ValueError(f"{change}: from one folder to another")
            gone: dict[str, File | Folder | None] = {name: None} if change.kind == "R" else {}
            folder.name(number, {**gone, new: folder.live[name]})

    def _find(self, path: bytes) -> tuple[Folder, str]:
        *above, name = Path(path.decode()).relative_to(self._path).parts or ("",)
        folder = self.root
        for part in above:
            inner = folder.live[part]
            if not isinstance(inner, Folder):
                raise ValueError(f"{path!r}: {part} is no folder")
            folder = inner
        return folder, name

    def _things(self, folder: Folder) -> Iterator[File | Folder]:
        yield folder
        for thing in {**folder.safe, **folder.live}.values():
            if isinstance(thing, Folder):
                yield from self._things(thing)
            else:
                yield thing

    def _files(self, folder: Folder, path: str) -> Iterator[tuple[str, File]]:
        for name, thing in folder.live.items():
            if isinstance(thing, Folder):
                yield from self._files(thing, f"{path}{name}/")
            else:
                yield f"{path}{name}", thing

    def _leave(self, folder: Folder, target: Path, chance: Chance) -> None:
        for name, thing in folder.after_cut(chance).items():
            place = target / name
            if isinstance(thing, Folder):
                place.mkdir(mode=0o700)
                self._leave(thing, place, chance)
            elif name != MARKS:
                place.touch(mode=0o600)
                left, size = thing.after_cut(chance)
                if name.endswith(_SHARED):
                    left = chance.random.randbytes(len(left))
                place.write_bytes(left)
                os.truncate(place, size)


def _read(folder: Path) -> Folder:
    """Take what is in a real folder; all of it is safe."""
    things: dict[str, File | Folder] = {}
    for place in folder.iterdir():
        if place.is_dir():
            things[place.name] = _read(place)
        else:
            content = place.read_bytes()
            safe = bytearray(content.rstrip(b"\0"))
            things[place.name] = File(safe, len(content), len(content))
    return Folder(safe=dict(things), live=things)


def _apply(contents: bytearray, writes: Collection[Write]) -> bytearray:
    for write in writes:
        end = write.offset + len(write.data)
        if write.data:
            contents += bytes(max(0, end - len(contents)))
            contents[write.offset : end] = write.data
        del contents[write.size :]
    return contents


def _rename(names: dict[str, File | Folder], changes: dict[str, File | Folder | None]) -> None:
    for name, thing in changes.items():
        if thing is None:
            names.pop(name, None)
        else:
            names[name] = thing
