"""What came of a call."""

from __future__ import annotations

import asyncio
import reprlib
from typing import Generic, TypeVar

from attrs import frozen

T = TypeVar("T")

_SHOW = reprlib.Repr()
_SHOW.maxstring = _SHOW.maxlong = _SHOW.maxother = 200


def shown(value: object) -> str:
    """Return any value as a short text, also one that cannot, or should not, be shown."""
    return _SHOW.repr(value)


@frozen
class Outcome(Generic[T]):
    """What came of a call: a value, or what it raised."""

    value: T | None = None
    error: BaseException | None = None

    def get(self) -> T:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]

    def resolve(self, future: asyncio.Future[T]) -> None:
        """Hand the outcome to whoever waits for a future."""
        if isinstance(self.error, StopIteration):
            future.set_exception(RuntimeError("StopIteration was raised"))  # futures refuse it
        elif self.error is not None:
            future.set_exception(self.error)
        else:
            future.set_result(self.value)  # type: ignore[arg-type]
