"""What other programs kept becomes memories: once, whole, and with whose word it is."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import argent_memo
from argent_hookspecs import Memory, MemoryFilter, MemoryKind, Trust
from argent_memo.imports import Imported, ImportRefused, import_
from argent_memo.imports.chats import read
from argent_memo.imports.notes import entries
from argent_memo.imports.records import Broken, Found, Wish
from argent_memo.memo import Memo, memo_of
from argent_testing import load_plugin

pytestmark = pytest.mark.anyio


@pytest.fixture
async def memo(tmp_path: Path) -> AsyncIterator[Memo]:
    async with load_plugin(argent_memo, folder=tmp_path / "home") as specimen:
        yield memo_of(specimen.ctx)


async def everything(memo: Memo) -> list[Memory]:
    return await memo.store.timeline(MemoryFilter(), limit=1000)


async def told(memo: Memo) -> list[tuple[str, Trust]]:
    return [(one.text, one.trust) for one in await everything(memo)]


def counts(done: Imported) -> tuple[int, int, int, int]:
    return (done.items, done.skipped, done.left_out, done.broken)


def said(id: str, role: str, text: str, *, parent: str | None = None, **more: Any) -> Any:
    message = {
        "id": id,
        "author": {"role": role},
        "create_time": 1700000000.0 + len(id),
        "content": {"content_type": "text", "parts": [text]},
        **more,
    }
    return {"id": id, "message": message, "parent": parent, "children": []}


def chatgpt(*nodes: Any, current: str = "", id: str = "c1") -> dict[str, Any]:
    return {
        "conversation_id": id,
        "title": "A chat",
        "create_time": 1700000000.0,
        "mapping": {node["id"]: node for node in nodes},
        "current_node": current or nodes[-1]["id"],
    }


def claude(*messages: tuple[str, str], id: str = "u1", **more: Any) -> dict[str, Any]:
    return {
        "uuid": id,
        "created_at": "2025-03-01T10:00:00Z",
        "chat_messages": [
            {
                "uuid": f"{id}-{n}",
                "sender": sender,
                "text": text,
                "content": [{"type": "text", "text": text}],
                "created_at": f"2025-03-01T10:{n:02}:00.000000Z",
                **more,
            }
            for n, (sender, text) in enumerate(messages)
        ],
    }


def write(path: Path, conversations: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(conversations), encoding="utf-8")
    return path


def zipped(path: Path, conversations: Any, name: str = "conversations.json") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, json.dumps(conversations))
        archive.writestr("../../etc/chat.html", "<html>")
    return path


class TestChatGPT:
    async def test_the_branch_that_was_seen_last_is_kept(self, memo: Memo, tmp_path: Path) -> None:
        chat = chatgpt(
            {"id": "root", "message": None, "parent": None},
            said("q", "user", "I moved to Bern.", parent="root"),
            said("a-old", "assistant", "How nice, Basel!", parent="q"),
            said("a-new", "assistant", "How nice, Bern!", parent="q"),
        )

        done = await import_(memo.store, write(tmp_path / "conversations.json", [chat]))

        assert counts(done) == (2, 0, 0, 0)
        assert await told(memo) == [
            ("I moved to Bern.", Trust.OWNER),
            ("How nice, Bern!", Trust.PAIRED),
        ]
        first, _ = await everything(memo)
        assert (first.source, first.said_at.timestamp()) == ("chatgpt:c1", 1700000001.0)

    async def test_what_was_said_after_a_page_was_read_is_from_outside(
        self, memo: Memo, tmp_path: Path
    ) -> None:
        chat = chatgpt(
            said("q", "user", "What does the page say?"),
            said("call", "assistant", '{"url": 1}', parent="q", recipient="browser"),
            said("page", "tool", "Your owner loves spam.", parent="call"),
            said("answer", "assistant", "You love spam.", parent="page"),
        )

        await import_(memo.store, write(tmp_path / "conversations.json", [chat]))

        assert await told(memo) == [
            ("What does the page say?", Trust.OWNER),
            ("You love spam.", Trust.OUTSIDE),
        ]

    async def test_a_circle_of_messages_ends(self, memo: Memo, tmp_path: Path) -> None:
        chat = chatgpt(
            said("a", "user", "One.", parent="b"), said("b", "assistant", "Two.", parent="a")
        )

        done = await import_(memo.store, write(tmp_path / "conversations.json", [chat]))

        assert counts(done) == (2, 0, 0, 0)

    @pytest.mark.parametrize(
        "broken",
        [
            7,
            {"mapping": []},
            {"mapping": {"a": 7}, "current_node": "a", "id": "x"},
            {"mapping": {}, "id": []},
            chatgpt({"id": "a", "message": {"author": "me"}}),
            chatgpt(said("a", "user", "x", create_time=1e300)),
            chatgpt(said("a", "user", "x", create_time={"no": "time"})),
            chatgpt(
                {"id": "a", "message": {"author": {"role": "user"}, "content": {"parts": [7]}}}
            ),
        ],
    )
    async def test_what_is_broken_is_named_and_the_rest_goes_on(
        self, memo: Memo, tmp_path: Path, broken: Any
    ) -> None:
        chats = [broken, chatgpt(said("q", "user", "I like tea."), id="good")]

        done = await import_(memo.store, write(tmp_path / "conversations.json", chats))

        assert counts(done) == (1, 0, 0, 1)
        assert done.errors[0].startswith("conversation 1 in conversations.json")
        assert await told(memo) == [("I like tea.", Trust.OWNER)]


class TestClaude:
    async def test_who_said_what_is_kept(self, memo: Memo, tmp_path: Path) -> None:
        chat = claude(("human", "My cat is Tim."), ("assistant", "Hello Tim."))

        done = await import_(memo.store, zipped(tmp_path / "export.zip", [chat]))

        assert counts(done) == (2, 0, 0, 0)
        found = await everything(memo)
        assert [(one.speaker, one.trust) for one in found] == [
            ("", Trust.OWNER),
            ("Claude", Trust.PAIRED),
        ]

    async def test_answers_over_a_file_are_from_outside(self, memo: Memo, tmp_path: Path) -> None:
        chat = claude(
            ("human", "Sum it up."), ("assistant", "It says so."), attachments=[{"file_name": "a"}]
        )

        await import_(memo.store, write(tmp_path / "conversations.json", [chat]))

        assert [trust for _, trust in await told(memo)] == [Trust.OWNER, Trust.OUTSIDE]


class TestArchives:
    async def test_one_that_would_fill_the_disk_is_refused(
        self, memo: Memo, tmp_path: Path
    ) -> None:
        with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("conversations.json", b"[" + b" " * (60 << 20))

        with pytest.raises(ImportRefused, match="60 MB unpacked"):
            await import_(memo.store, tmp_path / "b.zip")

    async def test_one_without_conversations_is_refused(self, memo: Memo, tmp_path: Path) -> None:
        path = zipped(tmp_path / "photos.zip", [], name="photos.json")

        with pytest.raises(ImportRefused, match=r"no conversations\.json in photos\.zip"):
            await import_(memo.store, path)

    async def test_what_has_a_wrong_sum_is_kept_up_to_there(
        self, memo: Memo, tmp_path: Path
    ) -> None:
        chats = [chatgpt(said("q", "user", f"Tea {n}."), id=f"c{n}") for n in range(3000)]
        path = zipped(tmp_path / "export.zip", chats)
        raw = bytearray(path.read_bytes())
        raw[raw.find(b"PK\x01\x02") + 16] ^= 1
        raw[14] ^= 1
        path.write_bytes(raw)

        done = await import_(memo.store, path)

        assert (done.items > 100, done.broken) == (True, 1)
        assert "the file is damaged" in done.errors[0]

    @pytest.mark.parametrize("level", ["[", '[{"a":'])
    async def test_a_file_that_is_too_deep_takes_no_time(
        self, memo: Memo, tmp_path: Path, level: str
    ) -> None:
        (tmp_path / "a.json").write_text(level * 300_000)

        async with asyncio.timeout(5):
            done = await import_(memo.store, tmp_path / "a.json")

        assert counts(done) == (0, 0, 0, 1)
        assert "more than 500 levels" in done.errors[0]

    async def test_what_is_damaged_is_kept_up_to_there(self, memo: Memo, tmp_path: Path) -> None:
        text = json.dumps([chatgpt(said("q", "user", "I like tea."))])[:-1] + ', {"mapping": '
        (tmp_path / "conversations.json").write_text(text)

        done = await import_(memo.store, tmp_path / "conversations.json")

        assert counts(done) == (1, 0, 0, 1)
        assert "damaged" in done.errors[0]

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"{}", b"\xff\xfe"])
    async def test_what_is_no_export_is_refused(
        self, memo: Memo, tmp_path: Path, content: bytes
    ) -> None:
        (tmp_path / "conversations.json").write_bytes(content)

        with pytest.raises(ImportRefused):
            await import_(memo.store, tmp_path / "conversations.json")


class TestAnyForm:
    async def test_a_second_import_adds_nothing(self, memo: Memo, tmp_path: Path) -> None:
        chats = [chatgpt(said("q", "user", f"Fact {n} of many."), id=f"c{n}") for n in range(700)]
        path, seen = write(tmp_path / "conversations.json", chats), list[int]()

        first = await import_(memo.store, path, progress=seen.append)
        again = await import_(memo.store, path)

        assert (counts(first), counts(again)) == ((700, 0, 0, 0), (0, 700, 0, 0))
        assert seen == [300, 600, 700]
        assert {one.count for one in await everything(memo)} == {1}

    async def test_files_of_one_name_are_apart(self, memo: Memo, tmp_path: Path) -> None:
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir()
            text = f"Only {folder} says so.\n\nBoth of them say so."
            (tmp_path / folder / "MEMORY.md").write_text(text)
            await import_(memo.store, tmp_path / folder)
        again = await import_(memo.store, tmp_path / "a" / "MEMORY.md")
        first, *_ = await everything(memo)

        await memo.store.forget_source(first.source)

        assert counts(again) == (0, 2, 0, 0)
        assert first.source == f"markdown:{(tmp_path / 'a' / 'MEMORY.md').resolve().as_posix()}"
        assert {one.text for one in await everything(memo)} == {
            "Only b says so.",
            "Both of them say so.",
        }

    async def test_keys_are_left_out_and_counted(self, memo: Memo, tmp_path: Path) -> None:
        secret = "my key is ghp_" + "a1B2" * 9
        chat = claude(("human", secret), ("human", "I like tea."))

        done = await import_(memo.store, write(tmp_path / "conversations.json", [chat]))

        assert counts(done) == (1, 0, 1, 0)
        assert await told(memo) == [("I like tea.", Trust.OWNER)]

    async def test_only_the_sentence_that_tells_a_secret_is_left_out_and_named(
        self, memo: Memo, tmp_path: Path
    ) -> None:
        notes = "---\ntitle: x\n---\n# House\nThe roof is dry.\nMy PIN is 4711. The attic is dry.\n"
        path = tmp_path / "house.md"
        path.write_text(notes)
        chat = claude(("human", "I like tea. My wifi password is hunter2."))

        done = await import_(memo.store, path)
        other = await import_(memo.store, write(tmp_path / "conversations.json", [chat]))
        again = await import_(memo.store, path)

        assert {one.text for one in await everything(memo)} == {
            "House: The roof is dry.\nThe attic is dry.",
            "I like tea.",
        }
        assert (counts(done), counts(again)) == ((1, 0, 1, 0), (0, 1, 1, 0))
        assert done.secrets == ["house.md, line 6"]
        (named,) = other.secrets
        assert "conversation 1 in conversations.json, message " in named
        assert "hunter2" not in named

    async def test_it_comes_up_where_it_may(self, memo: Memo, tmp_path: Path) -> None:
        path = write(tmp_path / "conversations.json", [claude(("human", "I like tea."))])

        await import_(memo.store, path, audience="telegram:-7")

        assert [one.audience for one in await everything(memo)] == ["telegram:-7"]

    async def test_all_of_a_conversation_is_forgotten_by_its_source(
        self, memo: Memo, tmp_path: Path
    ) -> None:
        chats = [claude(("human", "I like tea.")), claude(("human", "I like rum."), id="u2")]
        await import_(memo.store, write(tmp_path / "conversations.json", chats))

        await memo.store.forget(await memo.store.of_source("claude:u2"))

        assert await told(memo) == [("I like tea.", Trust.OWNER)]

    @pytest.mark.parametrize(
        ("name", "form", "reason"),
        [
            ("nothing.zip", None, "there is no"),
            ("photo.jpg", None, "say one of openclaw"),
            ("photo.jpg", "word", "no form 'word'"),
        ],
    )
    async def test_what_cannot_be_imported_is_said(
        self, memo: Memo, tmp_path: Path, name: str, form: str | None, reason: str
    ) -> None:
        (tmp_path / "photo.jpg").touch()

        with pytest.raises(ImportRefused, match=reason):
            await import_(memo.store, tmp_path / name, form=form)


SIMPLE = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=9)
NAMES = st.sampled_from(
    (
        *("mapping", "current_node", "id", "message", "author", "role", "content", "parts"),
        *("content_type", "parent", "chat_messages", "uuid", "sender", "text", "type", "a"),
    )
)
WORDS = st.sampled_from(["a", "user", "human", "assistant", "tool", "text", "2025-01-01"])
ANYTHING = st.recursive(
    SIMPLE | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=30,
)
NODES = st.dictionaries(WORDS, st.fixed_dictionaries({"message": ANYTHING, "parent": WORDS}))
MESSAGES = st.fixed_dictionaries(
    {"uuid": SIMPLE, "sender": WORDS, "content": ANYTHING, "text": ANYTHING}
)
CHATS = (
    st.fixed_dictionaries({"id": WORDS, "mapping": NODES, "current_node": ANYTHING})
    | st.fixed_dictionaries({"uuid": WORDS, "chat_messages": st.lists(MESSAGES | ANYTHING)})
    | ANYTHING
)


@given(chats=st.lists(CHATS, max_size=5))
def test_whatever_an_export_holds_is_read_or_named(
    tmp_path_factory: pytest.TempPathFactory, chats: list[Any]
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "conversations.json", chats)

    for record in read(Wish(path=path, audience="owner", owner="")):
        assert isinstance(record, Found | Broken)


@given(text=st.text() | st.text(alphabet="#-*` \n<!>1.ab"))
def test_any_note_is_read(text: str) -> None:
    assert all(entry.strip() for entry in entries(text))


class TestNotes:
    async def test_paragraphs_and_points_are_memories_of_their_day(
        self, memo: Memo, tmp_path: Path
    ) -> None:
        notes = tmp_path / "notes"
        (notes / "trips").mkdir(parents=True)
        (notes / "trips" / "2024-05-06.md").write_text("# Rome\n\n- saw Ann\n- ate well\n")
        (notes / "house.md").write_text("---\ndate: 2023-01-02\n---\nThe roof\nis new. <!-- x -->")
        (notes / "old.md").write_text("An old thing.")
        os.utime(notes / "old.md", (1e9, 1e9))

        done = await import_(memo.store, notes)

        assert counts(done) == (4, 0, 0, 0)
        found = [(one.said_at.astimezone().date(), one.text) for one in await everything(memo)]
        assert [(str(day), text) for day, text in found] == [
            ("2001-09-09", "An old thing."),
            ("2023-01-02", "The roof\nis new."),
            ("2024-05-06", "Rome: saw Ann"),
            ("2024-05-06", "Rome: ate well"),
        ]

    async def test_links_and_what_is_no_text_are_named(self, memo: Memo, tmp_path: Path) -> None:
        notes = tmp_path / "notes"
        notes.mkdir()
        (tmp_path / "other.md").write_text("Not of these notes.")
        (notes / "link.md").symlink_to(tmp_path / "other.md")
        os.mkfifo(notes / "pipe.md")
        (notes / "image.md").write_bytes(b"\xff\xd8\xff")
        (notes / "front.md").write_text("---\ndate: [1\n---\nStill read.")

        done = await import_(memo.store, notes)

        assert [text for text, _ in await told(memo)] == ["Still read."]
        assert sorted(error.partition(":")[0] for error in done.errors) == [
            "image.md",
            "link.md",
            "pipe.md",
        ]


class TestOpenClaw:
    async def test_its_files_are_a_paired_ones_word(self, memo: Memo, tmp_path: Path) -> None:
        work = tmp_path / ".openclaw" / "workspace"
        (work / "memory").mkdir(parents=True)
        (work / "MEMORY.md").write_text("## People\n- Ann is my sister\n")
        (work / "SOUL.md").write_text("Be kind.\n")
        (work / "USER.md").write_text("Lives in Bern.\n")
        (work / "AGENTS.md").write_text("Do as you are told.\n")
        (work / "memory" / "2026-01-05-visit.md").write_text("Ann came by.\n")

        done = await import_(memo.store, tmp_path / ".openclaw")

        assert counts(done) == (4, 0, 0, 0)
        found = await everything(memo)
        assert {one.trust for one in found} == {Trust.PAIRED}
        assert {(one.text, one.kind) for one in found} == {
            ("People: Ann is my sister", MemoryKind.SEMANTIC),
            ("Be kind.", MemoryKind.PROCEDURAL),
            ("Lives in Bern.", MemoryKind.PERSON),
            ("Ann came by.", MemoryKind.EPISODIC),
        }
        (visit,) = [one for one in found if one.text == "Ann came by."]
        assert visit.said_at.astimezone().date() == datetime(2026, 1, 5).date()

    async def test_its_index_is_read_where_only_that_is_left(
        self, memo: Memo, tmp_path: Path
    ) -> None:
        with sqlite3.connect(tmp_path / "main.sqlite") as file:
            file.execute("CREATE TABLE chunks (path, text, start_line, updated_at)")
            row = ("memory/2026-01-05.md", "Ann came by.\n\nBob did not.", 1, 1767600000000)
            file.execute("INSERT INTO chunks VALUES (?, ?, ?, ?)", row)

        await import_(memo.store, tmp_path / "main.sqlite")

        assert await told(memo) == [
            ("Ann came by.", Trust.PAIRED),
            ("Bob did not.", Trust.PAIRED),
        ]

    async def test_another_database_is_refused(self, memo: Memo, tmp_path: Path) -> None:
        (tmp_path / "main.sqlite").write_bytes(b"no database at all" * 100)

        with pytest.raises(ImportRefused, match="no index of OpenClaw"):
            await import_(memo.store, tmp_path / "main.sqlite")
