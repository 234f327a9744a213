"""Columns of small whole numbers, each kept as one large integer.

Python adds large integers, and multiplies them by small ones, many digits at a time; so sums over
thousands of numbers take microseconds. None may grow out of its lane: all must stay below 65,536.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence

_LANE = "H"


def pack(column: Sequence[int]) -> int:
    """Make one integer of a column."""
    return int.from_bytes(array(_LANE, column).tobytes(), sys.byteorder)


def unpack(packed: int, count: int) -> array[int]:
    """Return the column that an integer was made of."""
    column: array[int] = array(_LANE)
    column.frombytes(packed.to_bytes(count * column.itemsize, sys.byteorder))
    return column
