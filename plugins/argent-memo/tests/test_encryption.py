from __future__ import annotations

from pathlib import Path

import pytest

from argent_hookspecs import NewMemory
from argent_testing import Argent

from .conftest import Neighbour

pytestmark = pytest.mark.anyio

ENCRYPTED = {"storage": {"encrypted": True}, "memory": {"mirror": False}}


def files_with(folder: Path, word: bytes) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.name for path in files if word in path.read_bytes().lower())


async def test_a_memory_is_encrypted_by_a_setting_and_back(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=["argent_memo", neighbour], config={"memory": {"mirror": False}}):
        await neighbour.memo().add(NewMemory(text="The password is xyzzy."))
        await neighbour.kept("xyzzy")
    assert files_with(argent.home.root, b"xyzzy") == ["memory.db"]

    async with argent.restart(config=ENCRYPTED):
        await neighbour.kept("xyzzy")
        await neighbour.memo().add(NewMemory(text="The other one, xyzzy, is plugh."))
        await neighbour.kept("plugh")
        assert files_with(argent.home.root, b"xyzzy") == []
    assert files_with(argent.home.root, b"xyzzy") == []

    async with argent.restart(config={"memory": {"mirror": False}}):
        assert len(await neighbour.kept("xyzzy")) == 2
