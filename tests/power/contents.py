"""Files and folders of which some things are safe from a power cut and others are not yet."""

from __future__ import annotations

from collections.abc import Collection
from itertools import takewhile

from attrs import define, field, frozen

from tests.power.chance import Chance, Fate

SECTOR = 512


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
