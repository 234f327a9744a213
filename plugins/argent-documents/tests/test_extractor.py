"""Documents are read, and not believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from argent_documents.extractor import DocumentExtractor
from argent_documents.settings import DocumentsSettings
from argent_hookspecs import ArgentError
from argent_testing import Argent

from .samples import archive, pdf, word

pytestmark = pytest.mark.anyio
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def extract(folder: Path, content: bytes, kind: str, **limits: float) -> str:
    path = folder / "document"
    path.write_bytes(content)
    settings = DocumentsSettings(**limits)  # type: ignore[arg-type]
    return await DocumentExtractor(settings).extract(path, kind)


async def refusal(folder: Path, content: bytes, kind: str, **limits: float) -> str:
    with pytest.raises(ArgentError) as caught:
        await extract(folder, content, kind, **limits)
    return str(caught.value)


async def test_a_long_one_is_read_up_to_a_limit(tmp_path: Path) -> None:
    assert await extract(tmp_path, word("word " * 9999), WORD, characters=10) == "word word"


async def test_one_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    words = await refusal(tmp_path, word("x" * 5000), WORD, largest=100)
    assert words == "the document is larger than 0.0001 MB (plugins.documents.largest)"


async def test_a_scan_says_that_it_has_no_words(tmp_path: Path) -> None:
    assert "only pictures of pages" in await refusal(tmp_path, pdf("", ""), "application/pdf")


async def test_one_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    many = pdf(*["page"] * 500)
    words = await refusal(tmp_path, many, "application/pdf", seconds=0.1)
    assert words == "it takes longer than 0.1 s to read the document"


async def test_an_archive_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    bomb = archive(word__document_D_xml="<a>" + " " * 201_000_000 + "</a>")
    assert len(bomb) < 1_000_000
    assert await refusal(tmp_path, bomb, WORD) == "the document is far larger than it seems"


@pytest.mark.parametrize(
    "trick",
    [
        '<!DOCTYPE a [<!ENTITY b "boom">]><a>&b;</a>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
    ],
)
async def test_entities_are_refused(tmp_path: Path, trick: str) -> None:
    found = await refusal(tmp_path, archive(word__document_D_xml=trick), WORD)
    assert found == "the document is damaged"


async def test_one_that_is_deeply_nested_harms_nothing(tmp_path: Path) -> None:
    deep = archive(content_D_xml="<p>" * 200_000 + "</p>" * 200_000)
    kind = "application/vnd.oasis.opendocument.text"
    path = tmp_path / "deep"
    path.write_bytes(deep)
    extractor = DocumentExtractor(DocumentsSettings())
    try:
        assert await extractor.extract(path, kind) == ""
    except ArgentError as error:
        assert "damaged" in str(error)


async def test_the_agent_reads_what_it_is_sent(argent: Argent) -> None:
    from argent_hookspecs import Address, Event, Trust

    async with argent(["argent_documents"], model=["It is a bill."]) as kernel:
        bill = await kernel.files.add(pdf("Pay 40 euros"), name="bill.pdf")
        event = Event(
            conversation="home",
            content=(bill,),
            trust=Trust.OWNER,
            reply_to=Address("memory", "home"),
        )
        await argent.channel.emit(event)
        await argent.channel.next_reply()

    assert "Pay 40 euros" in argent.model.requests[0].messages[-1].text
