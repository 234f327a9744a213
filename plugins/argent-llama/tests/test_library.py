"""Which models there are, and fetching one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from llama_kit import SMALL, context, gguf

from argent_hookspecs import (
    FREE,
    Embedder,
    ModelCatalogue,
    ModelLibrary,
    ModelRejected,
    ModelUnavailable,
    PullProgress,
)
from argent_testing import FakeContext, ModelServer, PlayedReply

pytestmark = pytest.mark.anyio

HEAD = 4_000_000
"""Bytes that are sent before the rest; progress is told every two million."""


@pytest.fixture
async def site(anyio_backend: str) -> AsyncIterator[ModelServer]:
    """A server that has files, if a test says so."""
    async with ModelServer() as server:
        yield server


def offered(content: bytes, *more: asyncio.Event, hold: bool = False) -> PlayedReply:
    """A reply that is a file; after its first part, the events are waited for."""
    pieces = [content[:HEAD], *more, *([] if hold else [content[HEAD:]])]
    size = {"content-length": str(len(content))}
    return PlayedReply(pieces=pieces, headers=size, chunked=False, hold=hold)


@pytest.fixture
def model(tmp_path: Path) -> bytes:
    """What is in a file of five million bytes; it has the head of a model."""
    path = gguf(tmp_path / "made.gguf", context=700)
    return path.read_bytes().ljust(HEAD + 1_000_000, b"\0")


async def pulled(client: ModelLibrary, name: str) -> list[PullProgress]:
    return [progress async for progress in client.pull(name)]


async def test_it_can_list_fetch_and_embed(ctx: FakeContext) -> None:
    async with ctx.open() as client:
        assert isinstance(client, ModelCatalogue)
        assert isinstance(client, ModelLibrary)
        assert isinstance(client, Embedder)


async def test_the_list_says_what_is_here_and_what_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    own = folder / "models" / "own.gguf"
    own.parent.mkdir(parents=True)
    gguf(own, context=700)
    (own.parent / "broken.gguf").write_text("no model")
    url = "https://models.invalid/nice.gguf"

    async with context(folder, model=url, context=1024).open() as client:
        found = {info.id: info for info in await client.models()}

    assert list(found) == [SMALL, "qwen2.5-coder-1.5b", url, str(own)]
    assert found[SMALL].good_for.endswith("; not here yet: 98 MB")
    assert found[url].good_for == "not here yet"
    assert (found[str(own)].context_window, found[str(own)].good_for) == (700, "")
    assert {info.price for info in found.values()} == {FREE}


async def test_what_is_here_is_listed_without_its_download(small: FakeContext) -> None:
    async with small.open() as client:
        await pulled(client, SMALL)
        found = {info.id: info for info in await client.models()}

    assert "not here yet" not in found[SMALL].good_for


async def test_a_download_tells_how_far_it_is(
    ctx: FakeContext, site: ModelServer, model: bytes
) -> None:
    told: list[PullProgress] = []
    go_on, url = asyncio.Event(), f"{site.url}/toy.gguf"
    site.play(offered(model, go_on), path="/toy.gguf")

    async with ctx.with_settings(model=url).open() as client:
        async for progress in client.pull(url):
            told.append(progress)
            if progress.done >= 2_000_000:
                go_on.set()
        (listed,) = (info for info in await client.models() if info.id == url)

    assert len(told) >= 3
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert {one.total for one in told} == {len(model)}
    assert told[-1].done == len(model)
    assert told[-1].status.endswith("is here")
    assert (listed.context_window, listed.good_for) == (700, "")


async def test_what_is_here_is_not_fetched_again(
    ctx: FakeContext, site: ModelServer, model: bytes
) -> None:
    site.play(offered(model), path="/toy.gguf")
    async with ctx.open() as client:
        await pulled(client, f"{site.url}/toy.gguf")
        again = await pulled(client, f"{site.url}/toy.gguf")

    assert [one.done for one in again] == [len(model)]
    assert len(site.asked) == 1


async def test_two_who_fetch_the_same_share_it(
    ctx: FakeContext, site: ModelServer, model: bytes
) -> None:
    site.play(offered(model), path="/toy.gguf")
    async with ctx.open() as client:
        both = await asyncio.gather(*(pulled(client, f"{site.url}/toy.gguf") for _ in range(2)))

    assert [told[-1].done for told in both] == [len(model)] * 2
    assert len(site.asked) == 1


async def test_a_download_can_be_broken_off(
    ctx: FakeContext, site: ModelServer, model: bytes
) -> None:
    site.play(offered(model, hold=True), path="/toy.gguf")
    async with ctx.open() as client:
        pull = client.pull(f"{site.url}/toy.gguf")
        await anext(pull)
        # The thread that reads looks whether to stop with the next bytes, or when there are none.
        await asyncio.gather(pull.aclose(), site.stop())

    assert list((ctx.data / "models").glob("*.gguf")) == []


async def test_a_download_that_fails_says_why(ctx: FakeContext, site: ModelServer) -> None:
    site.play(PlayedReply(status=404), path="/toy.gguf")
    async with ctx.open() as client:
        with pytest.raises(ModelRejected, match="404"):
            await pulled(client, f"{site.url}/toy.gguf")
        await site.stop()
        with pytest.raises(ModelUnavailable, match="could not be fetched"):
            await pulled(client, f"{site.url}/toy.gguf")


async def test_a_file_of_ones_own_is_there_or_not(ctx: FakeContext) -> None:
    path = gguf(ctx.data / "own.gguf", context=700)
    async with ctx.open() as client:
        (told,) = await pulled(client, str(path))
        with pytest.raises(ModelRejected, match="there is no file"):
            await pulled(client, str(ctx.data / "none.gguf"))
        with pytest.raises(ModelRejected, match=r"there is no model 'llama3\.2'"):
            await pulled(client, "llama3.2")

    assert (told.done, told.total) == (path.stat().st_size, path.stat().st_size)
