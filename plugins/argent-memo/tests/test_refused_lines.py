"""A line of the workspace that tells a secret is not remembered, and a person learns which."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

import argent_memo
from argent_core.local import LocalCommandContext
from argent_hookspecs import MemoryFilter, MemoryKind, NewMemory, Trust
from argent_memo import refused_lines
from argent_memo.commands import memory
from argent_memo.items import Place
from argent_memo.memo import Memo
from argent_testing import Argent

pytestmark = pytest.mark.anyio
FACTS = ("Ann lives in Bern.", "Bob has a dog.")
QUIET = {"memory": {"workerPort": 0}}
SECRET = "The key is sk-abcdefghijklmnopqrstuvwxyz."


def change(page: Path, old: str, new: str) -> int:
    """Change a page by hand, and return in which line."""
    text = page.read_text("utf-8").replace(old, new)
    page.write_text(text, "utf-8")
    (where,) = [n for n, line in enumerate(text.splitlines(), start=1) if new in line]
    return where


async def test_it_is_named_until_it_is_gone(argent: Argent) -> None:
    async with argent([argent_memo], config=QUIET, allow_faults=True) as kernel:
        home = LocalCommandContext(argent.home)
        live = kernel.host.plugins["memo"].live.values()
        (memo,) = [one for one in live if isinstance(one, Memo)]
        for text in FACTS:
            new = NewMemory(text=text, kind=MemoryKind.FACT, trust=Trust.OWNER)
            await memo.store.add(new, Place(origin="tool"))
        await memo.mirror.step()
        page = argent.home.workspace / "MEMORY.md"
        where = change(page, FACTS[1], SECRET)
        await memo.mirror.step()
        found = await refused_lines.health(memo.store.database)
        said = await asyncio.to_thread(CliRunner().invoke, memory, ["check"], obj=home)
        kept = [one.text for one in await memo.store.timeline(MemoryFilter(), limit=9)]
        change(page, SECRET, "Bob has a cat.")
        await memo.mirror.step()
        after = await refused_lines.health(memo.store.database)

    assert not found.ok and found.summary.endswith(f": MEMORY.md, line {where}")
    assert f"MEMORY.md, line {where}, looks like a secret" in said.stdout
    assert "sk-" not in f"{found.summary}{found.remedy}{said.stdout}{kept}"
    assert after.ok
