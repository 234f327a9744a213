from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from argent_core.local import LocalCommandContext
from argent_hookspecs import NewMemory
from argent_memo.commands import memory
from argent_testing import Argent

from .conftest import Neighbour
from .embedder_kit import ToyEmbedder, anything, offering

pytestmark = pytest.mark.anyio
Run = Callable[..., Awaitable[Result]]
QUIET: dict[str, Any] = {"memory": {"mirror": False, "workerPort": 0}}
ENCRYPTED = {**QUIET, "storage": {"encrypted": True}}


@pytest.fixture
def run(argent: Argent) -> Run:
    """Type a command."""

    async def typed(*words: str) -> Result:
        home = LocalCommandContext(argent.home)
        return await asyncio.to_thread(CliRunner().invoke, memory, [*words], obj=home)

    return typed


def files_with(folder: Path, word: bytes) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.name for path in files if word in path.read_bytes().lower())


async def test_a_memory_is_encrypted_by_a_setting_and_back(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=["argent_memo", neighbour], config=QUIET):
        await neighbour.memo().add(NewMemory(text="The password is xyzzy."))
        await neighbour.kept("xyzzy")
    assert files_with(argent.home.root, b"xyzzy") == ["memory.db"]

    async with argent.restart(config=ENCRYPTED):
        await neighbour.kept("xyzzy")
        await neighbour.memo().add(NewMemory(text="The other one, xyzzy, is plugh."))
        await neighbour.kept("plugh")
        assert files_with(argent.home.root, b"xyzzy") == []
    assert files_with(argent.home.root, b"xyzzy") == []

    async with argent.restart(config=QUIET):
        assert len(await neighbour.kept("xyzzy")) == 2


async def test_vectors_can_be_read_as_little_as_words(argent: Argent, neighbour: Neighbour) -> None:
    toy = offering(ToyEmbedder(makes=anything))

    async def vector() -> bytes:
        async with asyncio.timeout(10):
            while True:
                rows = await neighbour.memo().store.database.read(
                    lambda tx: tx.execute("SELECT vector FROM vectors").fetchall()
                )
                if rows:
                    return bytes(rows[0][0])

    async with argent(plugins=["argent_memo", neighbour, toy], config=QUIET):
        await neighbour.memo().add(NewMemory(text="The hound sleeps."))
        numbers = await vector()
    raw = (argent.home.data / "memory.db").read_bytes()
    assert len(numbers) > 50 and numbers in raw

    async with argent.restart(config=ENCRYPTED):
        assert await vector() == numbers
        held = [path.read_bytes() for path in argent.home.data.rglob("*") if path.is_file()]
    assert not any(numbers in content for content in held)


async def test_commands_work_with_an_agent_and_without(
    argent: Argent, run: Run, tmp_path: Path
) -> None:
    saved = {word: tmp_path / f"{word}.jsonl" for word in ("kettle", "ladder")}

    async def use(word: str) -> None:
        done = [
            await run("add", f"The {word} is in the xyzzy room."),
            found := await run("search", word, "--json"),
            await run("check"),
            await run("reindex"),
            await run("stats"),
            await run("export", str(saved[word])),
        ]
        assert [one.exit_code for one in done] == [0] * len(done), [
            (one.output, one.exception) for one in done
        ]
        assert word in json.loads(found.stdout)[0]["text"]
        assert word.encode() in saved[word].read_bytes()  # a copy for the person is in the clear

    # Commands of this process may block their own loop.
    async with argent(plugins=["argent_memo"], config=ENCRYPTED, allow_faults=True):
        await use("kettle")
    await use("ladder")

    assert files_with(argent.home.root, b"xyzzy") == []


async def test_what_can_be_read_of_a_damaged_one_goes_into_a_new_one(
    argent: Argent, run: Run, neighbour: Neighbour
) -> None:
    async with argent(plugins=["argent_memo", neighbour], config=ENCRYPTED):
        path = argent.home.data / "memory.db"
        for n in range(150):
            await neighbour.memo().add(NewMemory(text=f"Ann told story {n} of xyzzy."))
        page = await neighbour.memo().store.database.read(
            lambda tx: tx.execute(
                "SELECT rootpage FROM sqlite_schema WHERE name = 'words_data'"
            ).fetchone()[0]
        )
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 + 100] ^= 1
    path.write_bytes(content)

    async with argent.restart(config=ENCRYPTED, allow_faults=True):
        checked = await run("check")
        mended = await run("reindex", "--json")
    async with argent.restart(config=ENCRYPTED, allow_faults=True):
        texts = await neighbour.texts()
        sound = await run("check")

    assert (checked.exit_code, sound.exit_code) == (1, 0), (checked.output, sound.output)
    assert json.loads(mended.stdout)["rebuilt"], mended.output
    assert len(texts) == 150
    assert files_with(argent.home.root, b"xyzzy") == []
