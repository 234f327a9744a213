"""When a turn has to be over."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define


@define(eq=False, repr=False)
class Deadline:
    """The seconds that a turn has."""

    seconds: float
    _timeout: asyncio.Timeout | None = None

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """End the block with ``TimeoutError`` when the time is over."""
        async with asyncio.timeout(self.seconds) as self._timeout:
            yield

    @property
    def left(self) -> float:
        """The seconds that are left."""
        when = None if self._timeout is None else self._timeout.when()
        return math.inf if when is None else max(0.0, when - asyncio.get_running_loop().time())

    def extend(self) -> None:
        """Give the whole time again."""
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time() + self.seconds)
