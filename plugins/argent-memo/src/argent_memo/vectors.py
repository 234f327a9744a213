"""Vectors: what is nearest in meaning, found by signs and told by numbers.

The file has every vector, with a byte for each number: against four bytes that changes 4 in 1,000
of the ten nearest (all-MiniLM-L6-v2 over chats). In memory is only which numbers are positive, 48
bytes for 384 of them; the thousand vectors whose signs agree best with a question's are read from
the file and compared in full. Up to a thousand items that is exact; of the ten nearest it has all
at 5,000 and 0.99 at 100,000. At a million the signs take 10 ms and the file 1 ms.

Nothing in memory is the only copy. What came into the file is taken in at the next question, and
what has gone from it is dropped as soon as it is met.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from attrs import define, field

from argent_hookspecs import Database, Transaction

_COMPARED = 1000
_PAGE = 4096
_BLOCK = 1 << 15
_AT_ONCE = 1 << 14
"""Vectors whose signs are compared faster than another thread is asked to."""


@define(eq=False, repr=False)
class Vectors:
    """The vectors of one embedder; they need NumPy.

    Args:
        embedder: Its number in the file.
    """

    database: Database
    embedder: int
    dimensions: int
    _blocks: list[_Block] = field(factory=list)
    _last: int = 0
    _lock: threading.Lock = field(factory=threading.Lock)

    @property
    def count(self) -> int:
        """How many are in memory."""
        return sum(block.count for block in self._blocks)

    @property
    def memory(self) -> int:
        """Bytes that they take there."""
        return sum(block.signs.nbytes + block.numbers.nbytes for block in self._blocks)

    async def read(self) -> None:
        """Take in what came into the file since, page by page."""
        while await self.database.read(self._read_on):
            pass

    async def nearest(self, vector: Sequence[float], k: int) -> list[tuple[int, float]]:
        """Return items with their cosines, the nearest first.

        Args:
            vector: Of length 1.
        """
        import numpy as np

        await self.read()
        asked = np.asarray(vector, np.float32)
        if self.count <= _AT_ONCE:
            numbers = self._likely(asked)
        else:
            numbers = await asyncio.to_thread(self._likely, asked)
        found = await self.database.read(partial(self._compare, asked=asked, numbers=numbers))
        return sorted(found, key=lambda one: (-one[1], one[0]))[:k]

    def cosines(
        self, tx: Transaction, ids: Sequence[int], *, vector: Sequence[float]
    ) -> dict[int, float]:
        """Return how near items are; those without a vector are left out."""
        import numpy as np

        rows = tx.execute(_OF_ITEMS, (self.embedder, json.dumps(list(ids)))).fetchall()
        return dict(self._cosines(rows, np.asarray(vector, np.float32)))

    def _read_on(self, tx: Transaction) -> bool:
        """Take in what came into the file since; tell whether there may be more."""
        with self._lock:
            rows = tx.execute(_AFTER, (self._last, self.embedder, _PAGE)).fetchall()
            left = rows
            while left:
                if not self._blocks or not self._blocks[-1].room:
                    self._blocks.append(_Block.of(self.dimensions))
                block = self._blocks[-1]
                page, left = left[: block.room], left[block.room :]
                numbers = [number for number, _ in page]
                block.add(numbers, self._matrix(raw for _, raw in page))
                self._last = numbers[-1]
            return len(rows) == _PAGE

    def _likely(self, asked: Any) -> list[int]:
        """Return the numbers of those whose signs agree best, the newest of equals."""
        import numpy as np

        with self._lock:
            if not self._blocks:
                return []
            signs = _signs(asked[None])[:, 0]
            away = np.concatenate([block.away(signs) for block in self._blocks])
            numbers = np.concatenate([block.numbers[: block.count] for block in self._blocks])
        if len(away) > _COMPARED:
            edge = np.partition(away, _COMPARED - 1)[_COMPARED - 1]
            nearer = numbers[away < edge]
            numbers = np.concatenate([nearer, numbers[away == edge][len(nearer) - _COMPARED :]])
        return sorted(numbers.tolist())

    def _compare(
        self, tx: Transaction, *, asked: Any, numbers: Sequence[int]
    ) -> list[tuple[int, float]]:
        """Compare vectors of the file in full; those that are not there are dropped."""
        rows = tx.execute(_NUMBERED, (json.dumps(numbers),)).fetchall()
        if len(rows) < len(numbers):
            gone = set(numbers).difference(number for number, _, _ in rows)
            with self._lock:
                for block in self._blocks:
                    block.drop(gone)
        return list(self._cosines([(id, raw) for _, id, raw in rows], asked))

    def _cosines(
        self, rows: Sequence[tuple[int, bytes]], asked: Any
    ) -> Iterator[tuple[int, float]]:
        import numpy as np

        matrix = self._matrix(raw for _, raw in rows).astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
        cosines = (matrix @ asked) / np.maximum(lengths, 1e-9)
        return zip((id for id, _ in rows), cosines.tolist(), strict=True)

    def _matrix(self, raw: Iterable[bytes]) -> Any:
        import numpy as np

        return np.frombuffer(b"".join(raw), np.int8).reshape(-1, self.dimensions)


def pack(vectors: Sequence[Sequence[float]]) -> list[bytes]:
    """Return vectors as the file has them."""
    import numpy as np

    matrix = np.asarray(vectors, np.float32)
    most = np.abs(matrix).max(axis=1, keepdims=True)
    rounded = np.rint(matrix * (127 / np.maximum(most, 1e-9))).astype(np.int8)
    return [row.tobytes() for row in rounded]


@define(eq=False)
class _Block:
    """Signs of many vectors, 64 to a number, those of a vector in a column."""

    signs: Any
    numbers: Any
    count: int = 0

    @classmethod
    def of(cls, dimensions: int) -> _Block:
        import numpy as np

        height = -(-dimensions // 64)
        return cls(np.zeros((height, _BLOCK), np.uint64), np.zeros(_BLOCK, np.int64))

    @property
    def room(self) -> int:
        return _BLOCK - self.count

    def add(self, numbers: Sequence[int], matrix: Any) -> None:
        end = self.count + len(numbers)
        self.signs[:, self.count : end] = _signs(matrix)
        self.numbers[self.count : end] = numbers
        self.count = end

    def drop(self, gone: set[int]) -> None:
        import numpy as np

        places = np.flatnonzero(np.isin(self.numbers[: self.count], list(gone)))
        for place in reversed(places.tolist()):
            self.count -= 1
            self.signs[:, place] = self.signs[:, self.count]
            self.numbers[place] = self.numbers[self.count]
            self.signs[:, self.count] = 0

    def away(self, signs: Any) -> Any:
        """Return in how many signs each vector differs."""
        import numpy as np

        away = np.zeros(self.count, np.uint16)
        for row, sign in zip(self.signs, signs, strict=True):
            away += np.bitwise_count(row[: self.count] ^ sign)
        return away


def _signs(matrix: Any) -> Any:
    """Return which numbers are positive, 64 to a number, a column for each vector."""
    import numpy as np

    bits = np.packbits(matrix > 0, axis=1)
    whole = np.zeros((len(bits), -(-bits.shape[1] // 8) * 8), np.uint8)
    whole[:, : bits.shape[1]] = bits
    return whole.view(np.uint64).T


_AFTER = (  # by n, where SQLite would rather sort all of the embedder's
    "SELECT n, vector FROM vectors NOT INDEXED WHERE n > ? AND embedder = ? ORDER BY n LIMIT ?"
)
_NUMBERED = (
    "SELECT n, item, vector FROM vectors WHERE n IN (SELECT value FROM json_each(?)) ORDER BY n"
)
_OF_ITEMS = (
    "SELECT item, vector FROM vectors"
    " WHERE embedder = ? AND item IN (SELECT value FROM json_each(?))"
)
