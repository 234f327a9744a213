"""Followed: the memory's file, as all that changes the memory writes into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from attrs import define

from argent_hookspecs import Database, StorageError, Transaction

T = TypeVar("T")


@define(eq=False, repr=False)
class Followed:
    """A database that tells when something was written into it.

    Args:
        written: Called after each write.
        closed: Why nothing is written; empty if it is.
    """

    database: Database
    written: Callable[[], None]
    closed: str = ""

    async def write(self, work: Callable[[Transaction], T], *, durable: bool = False) -> T:
        """Run a function in a transaction; see ``Database.write``."""
        if self.closed:
            raise StorageError(self.closed)
        result = await self.database.write(work, durable=durable)
        self.written()
        return result

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a function that only reads; see ``Database.read``."""
        return await self.database.read(work)

    async def check(self) -> str | None:
        """Look for damage; see ``Database.check``."""
        return await self.database.check()

    async def flush(self) -> None:
        """Empty the file's log; see ``Database.flush``."""
        await self.database.flush()
