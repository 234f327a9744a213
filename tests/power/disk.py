"""A disk that a recording is made upon, and what a power cut leaves of it."""

from __future__ import annotations

import os
import random
from collections.abc import Collection, Iterator
from pathlib import Path

from tests.power.chance import Chance
from tests.power.contents import File, Folder
from tests.power.recording import MARKS, Change, Recording

_SHARED = "-shm"
"""How the files end that SQLite maps into memory: they hold anything after a power cut."""


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
