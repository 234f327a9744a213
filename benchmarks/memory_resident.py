"""What an agent's process takes with its memory and MiniLM; run by ``memory_peers.py``.

It imports nothing but what an agent does, and reads what it tells line by line, so that what is
measured is the agent's own. Prints an object.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from argent_core.allocator import share_arenas
from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_core.plugins import installed_plugins
from argent_hookspecs import EMBEDDER, NewMemory, Trust
from argent_memo.items import Place
from argent_memo.memo import memo_of

_PLUGINS = ("embed-minilm", "memo")
_BATCH = 500


def resident() -> float:
    """Return the megabytes of memory that this process takes."""
    shown = subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())])
    return int(shown) / 1024


async def measure(home: Path, told: Path) -> dict[str, float]:
    """Tell everything to an agent's memory, and ask it once."""
    share_arenas()
    plugins = [one for one in installed_plugins() if one.name in _PLUGINS]
    async with Kernel(Home(home), plugins=plugins, listening=False) as kernel:
        ctx = kernel.host.plugins["memo"].context
        assert ctx is not None
        memo = memo_of(ctx)
        idle = resident()
        await ctx.services.get(EMBEDDER).embed(["Is it there?"])
        began, items = time.perf_counter(), 0
        for batch in _batches(told):
            await memo.store.add_all(batch)
            items += len(batch)
        kept = time.perf_counter() - began
        await memo.embedding.settled()
        took = time.perf_counter() - began
        await memo.search("warm up", 10)
        return {
            "committed_per_s": items / kept,
            "minilm_per_s": items / took,
            "rss_mb": resident(),
            "rss_without_mb": idle,
        }


def _batches(told: Path) -> Iterator[list[tuple[NewMemory, Place]]]:
    batch: list[tuple[NewMemory, Place]] = []
    with told.open(encoding="utf-8") as lines:
        for line in lines:
            text, key, speaker, said_at, place = json.loads(line)
            at = datetime.fromisoformat(said_at)
            new = NewMemory(text=text, key=key, speaker=speaker, said_at=at, trust=Trust.OWNER)
            batch.append((new, Place(origin="turn", name=place)))
            if len(batch) == _BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(Path(sys.argv[1]), Path(sys.argv[2])))))
