from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from argent_hookspecs import FileMissing, FileRefused, Files
from argent_testing import FakeFiles

pytestmark = pytest.mark.anyio


async def stream() -> AsyncIterator[bytes]:
    yield b"\x89PNG\r\n"
    yield b"\x1a\n"


async def test_it_keeps_what_it_is_given() -> None:
    files: Files = FakeFiles()
    file = await files.add(stream(), name="../me.png")

    assert (file.name, file.media_type, file.size) == ("me.png", "image/png", 8)
    assert await files.read(file) == files.path(file).read_bytes() == b"\x89PNG\r\n\x1a\n"


async def test_it_refuses_what_is_too_large_or_what_it_is_told_to() -> None:
    with pytest.raises(FileRefused, match="larger"):
        await FakeFiles(largest=7).add(stream())
    with pytest.raises(FileRefused, match="no room"):
        await FakeFiles(refuse="no room").add(b"")


async def test_it_forgets() -> None:
    files = FakeFiles()
    file = await files.add(b"words", name="a.txt")
    files.forget(file)

    with pytest.raises(FileMissing, match=r"a\.txt"):
        await files.read(file)
