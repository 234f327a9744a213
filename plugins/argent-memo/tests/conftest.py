from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from argent_hookspecs import MEMORY, Memory, MemoryFilter
from argent_memo import accounts
from argent_memo.memo import Memo
from argent_testing import MadePlugin


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Neighbour(MadePlugin):
    """A plugin that uses the memory."""

    def memo(self) -> Memo:
        """Return the memory; a method, as the loader looks at all attributes of a plugin."""
        found = self.ctx.services.get(MEMORY)
        assert isinstance(found, Memo)
        return found

    async def all(self) -> list[Memory]:
        """Return all that is kept, once every turn that has ended was looked at."""
        await self.memo().capture.catch_up()
        return await self.memo().store.timeline(MemoryFilter(), limit=1000)

    async def texts(self) -> list[str]:
        return [one.text for one in await self.all()]

    async def kept(self, query: str, **filters: Any) -> list[Memory]:
        """Wait until something is found that has a word of the query in it."""
        async with asyncio.timeout(10):
            while True:
                found = await self.memo().search(query, filters=MemoryFilter(**filters))
                if having := [one for one in found if query in one.text]:
                    return having


@pytest.fixture
def neighbour() -> Neighbour:
    return Neighbour("neighbour", requires=[MEMORY])


async def history(memo: Memo, id: int) -> list[str]:
    """Return what an item said before it was corrected, newest first."""
    item = await memo.store.database.read(partial(accounts.whole, id=id))
    assert item is not None
    return [one["text"] for one in item["history"]]


def told(request: Any) -> str:
    """Return all that a model was told in a request."""
    return "\n".join([*(b.text for b in request.system), *(m.text for m in request.messages)])


def results(request: Any) -> list[str]:
    """Return what the tools said that were called last."""
    return [part.text for part in request.messages[-1].parts]
