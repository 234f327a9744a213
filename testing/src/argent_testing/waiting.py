"""Waiting for something to happen, but never for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NoReturn

from attrs import define, field

PATIENCE = 10.0
"""Seconds that a test waits for what should happen at once."""
_GLANCE = 0.01


@define(eq=False)
class Changes:
    """Tells those who wait that something has changed."""

    _waiting: list[asyncio.Future[None]] = field(factory=list)

    def notify(self) -> None:
        """Let everyone look again."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, done: Callable[[], bool], *, timeout: float, what: str) -> None:
        """Wait until a condition holds. Raises ``AssertionError`` when it takes too long."""
        try:
            async with asyncio.timeout(timeout):
                while not done():
                    future = asyncio.get_running_loop().create_future()
                    self._waiting.append(future)
                    await future
        except TimeoutError as error:
            raise AssertionError(f"{what}: not within {timeout:g} s") from error


async def eventually(done: Callable[[], object], *, what: str, timeout: float = PATIENCE) -> None:
    """Look again and again until a condition holds, for what does not say that it has changed.

    Args:
        done: Returns something true when the condition holds.
        what: What is waited for, in words for the failure.
        timeout: Seconds to wait at most.

    Raises:
        AssertionError: It took too long.
    """
    try:
        async with asyncio.timeout(timeout):
            while not done():  # noqa: ASYNC110 - nothing tells when it changes
                await asyncio.sleep(_GLANCE)
    except TimeoutError as error:
        raise AssertionError(f"{what}: not within {timeout:g} s") from error


async def hang(*_: object, **__: object) -> NoReturn:
    """Wait for ever; the step of a script, or the deed of a plugin, that never ends."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("unreachable")
