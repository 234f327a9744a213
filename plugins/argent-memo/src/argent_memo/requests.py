"""Requests: how the commands ask something of the memory that is open, and are answered.

A request is ``{"do": NAME, …}``; its answer is ``{"result": …, "remark": WORDS}`` or ``{"error":
WORDS}``, after any number of ``{"progress": {"done": N, "total": N}}``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import define

from argent_hookspecs import ArgentError, Connection

if TYPE_CHECKING:
    from argent_memo.local import Desk

TICK = 0.2
"""Seconds between two words of how far it is."""


@define
class Progress:
    """How far an operation is.

    Args:
        remark: What a person should know of how it was done.
    """

    done: int = 0
    total: int = 0
    remark: str = ""

    def note(self, done: int, total: int = 0) -> None:
        """Note it; harmless from any thread."""
        self.done, self.total = done, total


async def serve(desk: Desk, connection: Connection) -> None:
    """Answer requests until the command goes away."""
    async for request in connection:
        work = desk.operations.get(str(request.get("do")))
        given = {name: value for name, value in request.items() if name != "do"}
        progress = Progress()
        if work is None:
            await connection.send({"error": f"there is no request {request.get('do')!r}"})
            continue
        ticking = asyncio.create_task(_tick(connection, progress))
        try:
            result = await work(await desk.named(given), progress)
            answer = {"result": result, "remark": progress.remark}
        except ArgentError as error:
            answer = {"error": str(error)}
        except (KeyError, TypeError, AttributeError) as error:
            answer = {"error": f"the request is malformed ({error!r})"}
        except (ValueError, ArithmeticError) as error:  # a row that holds what none can hold
            answer = {"error": f"an item is damaged ({error}). See: argent memory check"}
        finally:
            ticking.cancel()
            await asyncio.wait({ticking})
        await connection.send(answer)


async def _tick(connection: Connection, progress: Progress) -> None:
    told = 0
    with suppress(ConnectionError):  # the command went away; what it asked for is done nonetheless
        while True:
            await asyncio.sleep(TICK)
            if progress.done != told:
                told = progress.done
                await connection.send({"progress": {"done": told, "total": progress.total}})


Given = Mapping[str, Any]
Operation = Callable[[Given, Progress], Awaitable[Any]]
