"""Vectors: what is nearest in meaning, found by signs and told by numbers.

The file has every vector, with a byte for each number: against four bytes that changes 4 in 1,000
of the ten nearest (all-MiniLM-L6-v2 over chats). In memory is which numbers are positive, 48 bytes
for 384 of them, and, while there are no more than 131,072 vectors, the bytes, too; the thousand
vectors whose signs agree best with a question's are compared in full. Up to a thousand items that
is exact; of the ten nearest it has all at 5,000 and 0.99 at 100,000.

Nothing in memory is the only copy. What came into the file is taken in at the next question, and
what has gone from it is dropped as soon as it is met.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Sequence
from typing import Any

from attrs import define, field

from argent_hookspecs import Database, Transaction

_COMPARED = 1000
_PAGE = 1024
_BLOCK = 1 << 13
"""Vectors of a block; an array of over 4 MB would be given memory in pieces of 2 MB."""
_WHOLE = 1 << 17
"""Vectors that are kept in memory whole: 50 MB, where 384 numbers are a vector."""
_SAMPLE = 16
"""One in so many tells what is near enough to be looked at."""


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
        return sum(block.nbytes for block in self._blocks)

    async def read(self) -> None:
        """Take in what came into the file since, page by page."""
        while await self.database.read(self._take_page):
            pass

    def near(self, vector: Sequence[float], *, known: float = 1.0) -> Near:
        """Return a question of which this is the vector, of length 1."""
        import numpy as np

        return Near(known, self, np.asarray(vector, np.float32))

    def ranked(self, tx: Transaction, asked: Any) -> list[int]:
        """Return the numbers of those that may be nearest, the nearest first."""
        import numpy as np

        while self._take_page(tx):
            pass
        with self._lock:
            numbers = _likely(self._blocks, _signs(asked[None])[:, 0])
            cosines = self._compared(tx, numbers, asked)
        ranked: list[int] = numbers[np.argsort(-cosines, kind="stable")].tolist()
        return ranked

    def items(self, tx: Transaction, numbers: Sequence[int]) -> tuple[list[int], set[int]]:
        """Return the items of vectors, in their order, and the numbers of those that have gone."""
        rows = dict(tx.execute(_ITEMS, (json.dumps(numbers),)).fetchall())
        gone = set(numbers).difference(rows)
        if gone:
            (made,) = tx.execute(_MADE).fetchone()  # what came later is not seen by this one
            gone = {number for number in gone if number <= made}
        return [rows[number] for number in numbers if number in rows], gone

    def drop(self, gone: Collection[int]) -> None:
        """Drop vectors that are no longer in the file."""
        with self._lock:
            for block in self._blocks:
                block.drop(gone)

    def drop_all_gone(self, tx: Transaction) -> None:
        """Drop all that are no longer in the file; that takes 0.3 s where there are a million."""
        rows = tx.execute(_ALL, (self.embedder,)).fetchall()
        (made,) = tx.execute(_MADE).fetchone()
        there = {number for (number,) in rows}
        with self._lock:
            held = [number for block in self._blocks for number in block.held]
        self.drop({number for number in held if number <= made}.difference(there))

    def cosines(self, tx: Transaction, ids: Sequence[int], *, asked: Any) -> dict[int, float]:
        """Return how near items are; those without a vector are left out."""
        while self._take_page(tx):
            pass
        rows = tx.execute(_OF_ITEMS, (self.embedder, json.dumps(ids))).fetchall()
        with self._lock:
            found = self._compared(tx, [number for number, _ in rows], asked).tolist()
        return {item: cosine for (_, item), cosine in zip(rows, found, strict=True)}

    def _take_page(self, tx: Transaction) -> bool:
        """Take in what came into the file since; tell whether there may be more."""
        with self._lock:
            rows = tx.execute(_AFTER, (self._last, self.embedder, _PAGE)).fetchall()
            left = rows
            while left:
                if not self._blocks or not self._blocks[-1].room:
                    self._blocks.append(_Block.of(self.dimensions))
                    if len(self._blocks) * _BLOCK > _WHOLE:
                        for block in self._blocks:
                            block.whole = None
                block = self._blocks[-1]
                page, left = left[: block.room], left[block.room :]
                numbers = [number for number, _ in page]
                block.add(numbers, self._matrix([raw for _, raw in page]))
                self._last = numbers[-1]
            return len(rows) == _PAGE

    def _compared(self, tx: Transaction, numbers: Any, asked: Any) -> Any:
        """Return how near vectors are, in their order; of what is not there, nothing is near."""
        import numpy as np

        if self._blocks and self._blocks[0].whole is not None:
            matrix = _gathered(self._blocks, np.asarray(numbers, np.int64))
        else:
            wanted = np.asarray(numbers).tolist()
            found = dict(tx.execute(_NUMBERED, (json.dumps(wanted),)).fetchall())
            nothing = bytes(self.dimensions)
            matrix = self._matrix([found.get(number, nothing) for number in wanted])
        matrix = matrix.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
        # Not by BLAS: its threads wait for one another where the machine is busy.
        return np.einsum("ij,j->i", matrix, asked) / np.maximum(lengths, 1e-9)

    def _matrix(self, raw: Sequence[bytes]) -> Any:
        import numpy as np

        return np.frombuffer(b"".join(raw), np.int8).reshape(-1, self.dimensions)


@define(eq=False)
class Near:
    """A question in the space of some vectors.

    Args:
        known: The share of it that is in a script known there; what is not should not be compared.
    """

    known: float
    _vectors: Vectors
    _asked: Any
    _ranked: list[int] | None = None

    def nearest(self, tx: Transaction, k: int) -> list[int]:
        """Return the items nearest to it, the nearest first."""
        if self._ranked is None:
            self._ranked = self._vectors.ranked(tx, self._asked)
        found, gone = self._vectors.items(tx, self._ranked[:k])
        if gone:
            self._vectors.drop(gone)
            found, gone = self._anew(tx, k)
        if gone:  # so many that what is there is not seen for them
            self._vectors.drop_all_gone(tx)
            found, _ = self._anew(tx, k)
        return found

    def _anew(self, tx: Transaction, k: int) -> tuple[list[int], set[int]]:
        self._ranked = self._vectors.ranked(tx, self._asked)
        return self._vectors.items(tx, self._ranked[:k])

    def cosines(self, tx: Transaction, ids: Sequence[int]) -> dict[int, float]:
        """Return how near these items are; those without a vector are left out."""
        return self._vectors.cosines(tx, ids, asked=self._asked)


def pack(vectors: Sequence[Sequence[float]]) -> list[bytes]:
    """Return vectors as the file has them."""
    import numpy as np

    matrix = np.asarray(vectors, np.float32)
    most = np.abs(matrix).max(axis=1, keepdims=True)
    rounded = np.rint(matrix * (127 / np.maximum(most, 1e-9))).astype(np.int8)
    return [row.tobytes() for row in rounded]


@define(eq=False)
class _Block:
    """Many vectors, in the order of their numbers.

    Args:
        signs: Theirs, 64 to a number, those of a vector in a column.
        whole: The vectors themselves, a row each, while they are few.
    """

    signs: Any
    numbers: Any
    whole: Any
    count: int = 0

    @classmethod
    def of(cls, dimensions: int) -> _Block:
        import numpy as np

        height = -(-dimensions // 64)
        signs, numbers = np.zeros((height, _BLOCK), np.uint64), np.zeros(_BLOCK, np.int64)
        return cls(signs, numbers, np.zeros((_BLOCK, dimensions), np.int8))

    @property
    def room(self) -> int:
        return _BLOCK - self.count

    @property
    def nbytes(self) -> int:
        """Bytes that are in use."""
        rows = [self.signs.T, self.numbers, *([] if self.whole is None else [self.whole])]
        each: int = sum(one[:1].nbytes for one in rows)
        return self.count * each

    @property
    def held(self) -> list[int]:
        """The numbers of those that are there."""
        numbers: list[int] = self.numbers[: self.count].tolist()
        return numbers

    def add(self, numbers: Sequence[int], matrix: Any) -> None:
        end = self.count + len(numbers)
        self.signs[:, self.count : end] = _signs(matrix)
        self.numbers[self.count : end] = numbers
        if self.whole is not None:
            self.whole[self.count : end] = matrix
        self.count = end

    def drop(self, gone: Collection[int]) -> None:
        import numpy as np

        stay = np.flatnonzero(~np.isin(self.numbers[: self.count], list(gone)))
        left = len(stay)
        self.signs[:, :left] = self.signs[:, stay]
        self.signs[:, left : self.count] = 0
        self.numbers[:left] = self.numbers[stay]
        if self.whole is not None:
            self.whole[:left] = self.whole[stay]
            self.whole[left : self.count] = 0
        self.count = left

    def away(self, signs: Any, into: Any) -> None:
        """Put down in how many signs each vector differs."""
        import numpy as np

        for row, sign in zip(self.signs, signs, strict=True):
            into += np.bitwise_count(row[: self.count] ^ sign)


def _likely(blocks: Sequence[_Block], signs: Any) -> Any:
    """Return the numbers of those whose signs agree best, in order; the newest of equals."""
    import numpy as np

    starts = np.cumsum([0, *(block.count for block in blocks)])
    away = np.zeros(starts[-1], np.uint16)
    for block, start in zip(blocks, starts, strict=False):
        block.away(signs, away[start : start + block.count])
    places = _smallest(away, _COMPARED)
    edges = np.searchsorted(places, starts)
    found = [
        block.numbers[places[first:last] - start]
        for block, start, first, last in zip(blocks, starts, edges, edges[1:], strict=False)
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _smallest(values: Any, k: int) -> Any:
    """Return the places of the k smallest, in order; of equals the last."""
    import numpy as np

    places = np.arange(len(values))
    if len(values) > _SAMPLE * k:
        some, rank = values[::_SAMPLE], 2 * k // _SAMPLE
        few = np.flatnonzero(values <= np.partition(some, rank)[rank])
        places = few if len(few) >= k else places
    if len(places) <= k:
        return places
    left = values[places]
    edge = np.partition(left, k - 1)[k - 1]
    nearer, equal = places[left < edge], places[left == edge]
    return np.sort(np.concatenate([nearer, equal[len(nearer) - k :]]))


def _gathered(blocks: Sequence[_Block], numbers: Any) -> Any:
    """Return vectors that are in memory, in the order of their numbers; of others, zeros."""
    import numpy as np

    matrix = np.zeros((len(numbers), blocks[0].whole.shape[1]), np.int8)
    for block in blocks:
        if block.count:
            there = block.numbers[: block.count]
            places = np.minimum(np.searchsorted(there, numbers), block.count - 1)
            here = np.flatnonzero(there[places] == numbers)
            matrix[here] = block.whole[places[here]]
    return matrix


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
_NUMBERED = "SELECT n, vector FROM vectors WHERE n IN (SELECT value FROM json_each(?))"
_ITEMS = "SELECT n, item FROM vectors WHERE n IN (SELECT value FROM json_each(?))"
_ALL = "SELECT n FROM vectors WHERE embedder = ?"
_MADE = "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'vectors'"
_OF_ITEMS = (
    "SELECT n, item FROM vectors WHERE embedder = ? AND item IN (SELECT value FROM json_each(?))"
)
