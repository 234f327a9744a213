"""``argent memory …``: what a person types, with an agent that runs and without one."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import argent_memo
from argent_core.local import LocalCommandContext
from argent_hookspecs import Memory, MemoryFilter, MemoryKind, NewMemory, Trust
from argent_memo.commands import memory
from argent_memo.consolidation import Consolidation
from argent_memo.items import Place
from argent_memo.learned import AGENT
from argent_memo.memo import Memo
from argent_testing import Argent, MadePlugin

pytestmark = pytest.mark.anyio
Run = Callable[..., Awaitable[Result]]
QUIET = {"memory": {"workerPort": 0, "mirror": False}}
"""Kernels of several tests run at once, and there is one port."""
ALONE = ["Search", "by", "words"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def memo(argent: Argent) -> AsyncIterator[Memo]:
    """The memory of an agent that runs; commands of this process may block their own loop."""
    async with argent([argent_memo], config=QUIET, allow_faults=True) as kernel:
        (found,) = [
            live for live in kernel.host.plugins["memo"].live.values() if isinstance(live, Memo)
        ]
        yield found


@pytest.fixture
def run(argent: Argent) -> Run:
    """Type a command."""

    async def typed(*words: str, stdin: str = "") -> Result:
        home = LocalCommandContext(argent.home)
        return await asyncio.to_thread(CliRunner().invoke, memory, [*words], obj=home, input=stdin)

    return typed


async def as_json(run: Run, *words: str) -> Any:
    result = await run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def kept(memo: Memo, text: str, **fields: Any) -> int:
    fields = {"trust": Trust.OWNER, "speaker": "Ann", "source": "e1", **fields}
    return await memo.store.add(NewMemory(text=text, **fields), Place(origin="turn", name="home"))


async def live(memo: Memo) -> list[Memory]:
    return await memo.store.timeline(MemoryFilter(), limit=100)


async def test_what_is_added_is_the_owners_word_and_is_found(memo: Memo, run: Run) -> None:
    await kept(memo, "My name came up here.", speaker="Zoe")
    added = await run("add", "The spare key lies under the mat.", "--kind", "fact")
    found = await run("search", "where is the key?")
    (item,) = [one for one in await live(memo) if "key" in one.text]

    assert added.stdout == f"Kept as memory {item.id}.\n"
    assert (item.trust, item.kind, item.speaker) == (Trust.OWNER, MemoryKind.FACT, "Zoe")
    assert f"{item.id}  " in found.stdout and "The spare key lies under the mat." in found.stdout
    for part in ("fact", "Zoe", "owner's word", "for owner", "sure", "found by"):
        assert part in found.stdout


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "search"},
        {"do": "search", "query": 7, "k": 3},
        {"do": "forget", "ids": 7},
        {"do": []},
    ],
)
async def test_a_malformed_request_is_answered_and_the_next_one_too(
    argent: Argent, memo: Memo, request_: dict[str, Any]
) -> None:
    async with LocalCommandContext(argent.home).connect("memo") as connection:
        answers = aiter(connection)
        await connection.send(request_)
        assert "error" in await anext(answers)
        await connection.send({"do": "stats"})
        assert (await anext(answers))["result"]["items"] == 0


async def test_what_is_added_again_is_counted(memo: Memo, run: Run) -> None:
    await run("add", "I like tea.")
    again = await run("add", "I like TEA!")

    assert again.stdout == "Memory 1 says that already; it was said 2 times now.\n"


async def test_only_what_is_asked_for_is_found(memo: Memo, run: Run) -> None:
    await kept(memo, "The club is open.", audience="club")
    await run("add", "The key is red.", "--audience", "club", "--kind", "event")
    await run("add", "The key is blue.", "--private")

    async def texts(*words: str) -> list[str]:
        return [one["text"] for one in await as_json(run, "search", "key", *words)]

    assert len(await texts()) == 2
    assert await texts("--audience", "club") == ["The key is red."]
    assert await texts("--kind", "fact") == ["The key is blue."]
    assert await texts("--until", "2001-01-01") == []
    assert len(await texts("-k", "1")) == 1


async def test_an_item_is_shown_with_all_that_is_known_of_it(memo: Memo, run: Run) -> None:
    await kept(memo, "Ann lives in Bern.", source="e7", key="e7/0")
    await kept(memo, "Ann lives in Bern!", source="e8", key="e8/0")
    await run("edit", "1", "Ann lives in Basel.")
    new = await as_json(run, "show", "2")
    old = await run("show", "1")

    assert (new["text"], new["trust"], new["state"]) == ("Ann lives in Basel.", "owner", "live")
    assert [one["text"] for one in new["history"]] == ["Ann lives in Bern."]
    for part in ("superseded", "Source", "e7", "Later: 2", "Ann lives in Basel.", "Said again"):
        assert part in old.stdout


async def test_it_is_said_until_when_something_held(memo: Memo, run: Run) -> None:
    then = datetime(2024, 3, 6, 12, tzinfo=UTC)
    await kept(memo, "Ann lives in Bern.", said_at=then)
    await memo.store.correct(1, text="Ann lives in Basel.", said_at=then + timedelta(days=90))

    found = await run("search", "where did Ann live before?")
    assert found.stdout.count("until 2024-06-04") == 1


async def test_what_is_edited_keeps_its_audience(memo: Memo, run: Run) -> None:
    await kept(memo, "The club meets at six.", audience="club", private=True, trust=Trust.OUTSIDE)
    new = await as_json(run, "edit", "1", "The club meets at eight.")
    again = await run("edit", "1", "The club meets at nine.")
    same = await run("edit", "2", "The club meets at eight.")

    assert (new["audience"], new["private"], new["trust"]) == ("club", True, "owner")
    assert (again.exit_code, same.exit_code) == (1, 1)
    assert "was corrected before" in again.output and "argent memory show 1" in again.output
    assert "says that already" in same.output


async def test_an_edit_to_what_is_said_already_makes_no_double(memo: Memo, run: Run) -> None:
    await kept(memo, "Ann lives in Bern.", kind=MemoryKind.FACT)
    await kept(memo, "Ann lives in Basel.")
    await kept(memo, "Ann lives in Basel.", audience="club", private=True)
    done = await run("edit", "1", "Ann lives in Basel!")
    again = await run("edit", "1", "Ann lives in Basel.")
    old = await as_json(run, "show", "1")

    assert done.stdout == "Memory 2 says that already; it takes the place of memory 1.\n"
    assert [one["id"] for one in old["later"]] == [2]
    assert [one.id for one in await live(memo)] == [2, 3]
    assert again.exit_code == 1 and "was corrected before" in again.output


async def test_what_is_forgotten_is_gone(memo: Memo, run: Run) -> None:
    for n in range(3):
        await kept(memo, f"Box {n} holds apples.", key=f"t{n}")
    await run("edit", "2", "Box 1 holds pears.")
    done = await run("forget", "4", "1")

    *deleted, left = done.stdout.splitlines()
    assert deleted == [
        "3 memories deleted:",
        "     1  Box 0 holds apples.",
        "     4  Box 1 holds pears.",
        "     2  Box 1 holds apples. (its history)",
    ]
    assert "still have the words" in left
    assert [one.text for one in await live(memo)] == ["Box 2 holds apples."]


async def test_what_a_repair_has_kept_can_be_deleted(memo: Memo, run: Run, argent: Argent) -> None:
    broken = argent.home.data / "memory.db.broken"
    broken.write_bytes(b"The garden is mine." * 1000)
    await kept(memo, "The garden is mine.")
    told = await run("forget", "1")
    done = await run("forget", "--broken-file")
    again = await run("forget", "--broken-file")

    assert "data/memory.db.broken" in told.stdout
    assert done.stdout == f"{broken} is deleted.\n" and not broken.exists()
    assert (again.exit_code, again.stdout) == (0, "No repair has kept anything.\n")


async def test_what_stood_in_no_conversation_leaves_nothing(memo: Memo, run: Run) -> None:
    await run("add", "The spare key lies under the mat.")

    assert (await as_json(run, "forget", "1"))["left"] == ""


async def test_what_a_query_would_delete_is_only_shown_in_a_dry_run(memo: Memo, run: Run) -> None:
    await kept(memo, "My old flat was damp.")
    shown = await run("forget", "--query", "old flat", "--dry-run")
    unasked = await run("forget", "--query", "old flat")
    before = await live(memo)
    done = await as_json(run, "forget", "--query", "old flat", "--yes")

    assert "My old flat was damp." in shown.stdout
    assert "1 memory would go; nothing is deleted." in shown.stdout
    assert unasked.exit_code == 2 and "add --yes" in unasked.output
    assert len(before) == 1
    assert done["deleted"] and [one["text"] for one in done["items"]] == ["My old flat was damp."]
    assert await live(memo) == []


async def test_a_query_deletes_only_what_it_surely_means(memo: Memo, run: Run) -> None:
    for text in (
        "My old flat was damp.",
        "My IBAN is written on the blue card.",
        "My wife is called Ann.",
        "My bike is red.",
        "My dog likes my slippers.",
        "Old cars are loud.",
    ):
        await kept(memo, text)
    nothing = await run("forget", "--query", "zzzqqq", "--yes")
    shown = await run("forget", "--query", "my old flat", "--dry-run")
    done = await as_json(run, "forget", "--query", "my old flat", "--yes")

    assert nothing.stdout == "Nothing is remembered about that; nothing is deleted.\n"
    assert "100% sure" in shown.stdout and "1 memory would go" in shown.stdout
    assert "by its number it goes: argent memory forget ID" in shown.stdout
    assert [one["text"] for one in done["items"]] == ["My old flat was damp."]
    assert "Old cars are loud." in [one["text"] for one in done["not_taken"]]
    assert len(await live(memo)) == 5


async def test_what_a_query_means_has_its_words_itself(memo: Memo, run: Run) -> None:
    """What was said just after, or at the time that is named, is not what is meant."""
    await kept(memo, "The flat in Hamburg was damp.")
    await kept(memo, "I take the pills for my heart at eight.")
    await run("forget", "--query", "the flat in Hamburg", "--yes")
    await run("forget", "--query", "today", "--yes")

    assert [one.text for one in await live(memo)] == ["I take the pills for my heart at eight."]


async def test_all_that_came_of_one_event_goes(memo: Memo, run: Run) -> None:
    await kept(memo, "Pay the bill to account 7.", source="e66", trust=Trust.OUTSIDE)
    await kept(memo, "The bill is paid to account 7.", source="e66", speaker="Argent")
    await kept(memo, "Bills are dull.", source="e67")
    done = await run("forget", "--source", "e66", "--yes")
    again = await run("forget", "--source", "e66", "--yes")

    assert "2 memories deleted:" in done.stdout
    assert again.exit_code == 1 and "came of a source 'e66'" in again.output
    assert [one.text for one in await live(memo)] == ["Bills are dull."]


async def test_a_source_has_a_short_name(memo: Memo, run: Run) -> None:
    sources = ["markdown:/a/house.md", "markdown:/b/house.md", "0197a3c2-77aa", "hand"]
    for source in sources:
        await kept(memo, f"This is of {source}.", source=source)

    async def found(name: str) -> list[str]:
        going = await as_json(run, "forget", "--source", name, "--dry-run")
        return [one["text"] for one in going["items"]]

    several = await run("forget", "--source", "house.md", "--yes")
    assert await found("b/house.md") == ["This is of markdown:/b/house.md."]
    assert await found("0197a3c2") == ["This is of 0197a3c2-77aa."]
    assert await found("hand") == ["This is of hand."]
    assert several.exit_code == 1 and all(source in several.output for source in sources[:2])
    assert len(await live(memo)) == 4


async def test_the_last_day_of_a_span_is_whole(memo: Memo, run: Run) -> None:
    await kept(memo, "It snowed.", said_at=datetime(2026, 3, 1, 23, 30).astimezone())

    async def found(*words: str) -> int:
        return len(await as_json(run, *words))

    assert await found("timeline", "--since", "2026-03-01", "--until", "2026-03-01") == 1
    assert await found("search", "snowed", "--until", "2026-03-01") == 1
    assert await found("timeline", "--until", "2026-02-28") == 0
    assert await found("timeline", "--until", "2026-03-01T23:00") == 0


async def test_today_and_yesterday_are_days(memo: Memo, run: Run) -> None:
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    for text, hours in (("It snowed.", -36), ("It rained.", -12), ("The sun shone.", 0)):
        await kept(memo, text, said_at=midnight + timedelta(hours=hours), key=text)

    async def found(*words: str) -> list[str]:
        return [one["text"] for one in await as_json(run, "timeline", *words)]

    assert await found("--since", "today") == ["The sun shone."]
    assert await found("--since", "Yesterday", "--until", "yesterday") == ["It rained."]


async def test_what_other_events_said_too_stays(memo: Memo, run: Run) -> None:
    for source in ("e65", "e66"):
        await kept(memo, "I like plums.", source=source, key=source)
    done = await run("forget", "--source", "e66", "--yes")
    (left,) = await memo.search("plums")

    assert done.stdout == "Nothing is remembered about that; nothing is deleted.\n"
    assert (left.source, left.count) == ("e65", 1)


async def test_with_a_source_goes_no_more_than_was_made_of_it(memo: Memo, run: Run) -> None:
    said = [f"I went for a{how} run along the river." for how in ("", " long", " very long")]
    for n, text in enumerate(said):
        await kept(memo, text, source=f"e{n}")
    assert await Consolidation(memo.store).run() == 1
    done = await as_json(run, "forget", "--source", "e2", "--yes")

    assert [one["because"] for one in done["items"]] == ["", "made of it"]
    assert sorted(one.text for one in await live(memo)) == sorted(said[:2])


async def test_the_timeline_is_in_order_and_has_the_newest(memo: Memo, run: Run) -> None:
    for n in range(4):
        await kept(memo, f"Day {n} was fine.", key=f"t{n}")
    all_of_it = await as_json(run, "timeline")
    newest = await run("timeline", "--limit", "2")
    none = await run("timeline", "--until", "1999-01-01")

    assert [one["text"] for one in all_of_it] == [f"Day {n} was fine." for n in range(4)]
    assert "Day 1" not in newest.stdout and "Day 3" in newest.stdout
    assert "for more: --limit" in newest.stdout
    assert none.stdout == "Nothing is remembered of that time.\n"


async def test_an_empty_timeline_says_what_of(memo: Memo, run: Run) -> None:
    empty = await run("timeline")
    await kept(memo, "The club is open.", audience="club")

    assert empty.stdout == "Nothing is remembered yet.\n"
    for words in (("--audience", "everyone"), ("--kind", "decision")):
        assert (await run("timeline", *words)).stdout == "Nothing is remembered that fits.\n"


async def test_people_are_listed_and_described(memo: Memo, run: Run) -> None:
    await kept(memo, "The garden is mine.", kind=MemoryKind.FACT)
    listed = await run("entities")
    (ann,) = await as_json(run, "entities", "Ann")
    nobody = await run("entities", "Nobody")

    assert listed.stdout.startswith("Ann: speaks or is named in 1 memory, for owner")
    assert ann["name"] == "Ann"
    assert nobody.stdout == "Nobody and nothing called Nobody is known.\n"


async def test_stats_say_how_much_there_is_and_what_search_lacks(memo: Memo, run: Run) -> None:
    await run("add", "I like tea.", "--kind", "preference")
    await run("edit", "1", "I like coffee.")
    found = await as_json(run, "stats")
    said = await run("stats")

    assert (found["items"], found["state"]) == (2, {"superseded": 1, "live": 1})
    assert said.stdout.splitlines()[0].split(maxsplit=1)[1] == "1, and 1 replaced"
    assert found["kind"] == {"preference": 1} and found["trust"] == {"owner": 1}
    assert found["bytes"] > 0 and found["embedder"] is None
    assert found["search"] == "words" and said.stdout.splitlines()[-1].split() == ALONE
    assert "argent-embed-minilm" in said.stdout and "argent-embed-static" in said.stdout


async def test_an_embedder_that_is_switched_off_is_named(argent: Argent, run: Run) -> None:
    config = {**QUIET, "plugins": {"embed-toy": {"enabled": False}}}
    async with argent([argent_memo, MadePlugin("embed-toy")], config=config, allow_faults=True):
        found = await as_json(run, "stats")
        said = await run("stats")
        searched = await run("search", "tea")

    remedy = "embed-toy is installed, but disabled: enable it with: argent plugins enable embed-toy"
    assert found["embedder"] is None and found["embedder_lacks"] == remedy
    assert remedy in said.stdout and "pip install" not in said.stdout
    assert f"by words alone: {remedy}" in searched.stderr


async def test_damage_is_found_and_mended(memo: Memo, run: Run) -> None:
    await kept(memo, "The garden is mine.")
    sound = await run("check")
    await memo.store.database.write(lambda tx: tx.execute("DELETE FROM words") and None)
    found = await run("check")
    mended = await run("reindex")
    after = await run("check", "--json")

    assert (sound.exit_code, found.exit_code, mended.exit_code) == (0, 1, 0)
    assert "1 memory: all sound." in sound.stdout
    assert "memory 1: the index does not have it" in found.stdout
    assert "argent memory reindex" in found.stdout
    assert "The index of 1 memory is made anew." in mended.stdout
    assert json.loads(after.stdout)["sound"] is True


async def test_what_cannot_be_mended_is_said(memo: Memo, run: Run) -> None:
    await kept(memo, "The garden is mine.")
    change = "UPDATE items SET text = 'The garden is hers.'"
    await memo.store.database.write(lambda tx: tx.execute(change) and None)
    mended = await run("reindex")
    told = await as_json(run, "search", "garden")
    await run("forget", "1")
    after = await run("check")

    assert mended.exit_code == 1
    assert "memory 1: it does not say what it said" in mended.stdout
    assert "argent memory forget 1" in mended.stdout
    assert told == []
    assert after.exit_code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["show", "99"], 1, "there is no memory 99"),
        (["edit", "99", "Else."], 1, "there is no memory 99"),
        (["forget", "98", "99"], 1, "there are no memories 98, 99"),
        (["forget"], 2, "IDs, or --query, or --source"),
        (["forget", "1", "--query", "x"], 2, "IDs, or --query, or --source"),
        (["forget", "1", "--query", "x"], 2, "in one way"),
        (["forget", "--source", "nowhere.md", "--yes"], 1, "argent memory show ID"),
        (["search", "x", "--since", "2026-03-02", "--until", "2026-03-01"], 2, "before it begins"),
        (["timeline", "--until", "2026-03-01", "--since", "2026-03-02"], 2, "before it begins"),
        (["search", "x", "--audience", "ownr"], 1, "Did you mean owner? There are: owner, every"),
        (["timeline", "--audience", ""], 1, "no audience ''"),
        (["add", "x", "--audience", "clubb"], 1, "no audience 'clubb'"),
        (["add", "x", "--audience", " "], 1, "no audience ' '"),
        (["import", ".", "--audience", "clubb"], 1, "no audience 'clubb'"),
        (["show", "0"], 2, "range"),
        (["show", "9223372036854775808"], 2, "range"),
        (["add", "  "], 2, "there is nothing in it"),
        (["add", "x" * 10_001], 2, "at most 10,000"),
        (["add", "a \udcff b"], 2, "not UTF-8"),
        (["add", "x", "--kind", "rumour"], 2, "preference"),
        (["add", "x", "--importance", "7"], 2, "range"),
        (["add", "x", "--importance", "nan"], 2, "no number"),
        (["add", "sk-abcdefghijklmnopqrstuvwxyz"], 1, "argent secrets set NAME"),
        (["edit", "1", "sk-abcdefghijklmnopqrstuvwxyz"], 1, "argent secrets set NAME"),
        (["search", "x", "--since", "last week"], 2, "2026-03-01"),
        (["search", "x", "--since", "20.11.2026"], 2, "2026-03-01"),
        (["timeline", "--since", "today", "--until", "yesterday"], 2, "before it begins"),
        (["show", "abc"], 2, "'abc' is not a valid number of a memory"),
        (["timeline", "--since", "0001-01-01"], 2, "2026-03-01"),
        (["import", "nowhere.zip"], 2, "does not exist"),
        (["export", "memories.txt"], 2, "--form"),
        (["export", "memories.json"], 2, "--form"),
    ],
)
async def test_what_cannot_be_done_is_said(
    memo: Memo, run: Run, words: list[str], code: int, said: str
) -> None:
    result = await run(*words)

    assert result.exit_code == code, result.output
    assert said in result.output


@pytest.mark.parametrize("query", ['" OR 1 NOT (', "*", "a AND", "🙂", "\x1b[31m", "x" * 9_999])
async def test_any_query_is_text(memo: Memo, run: Run, query: str) -> None:
    await kept(memo, "The garden is mine.")

    assert (await run("search", query)).exit_code == 0


async def test_what_would_steer_a_terminal_is_not_printed(memo: Memo, run: Run) -> None:
    await kept(memo, "Red \x1b[31m alert \u202e drawkcab.", speaker="\x1b]0;x\x07Eve")
    said, raw = await run("search", "alert"), await run("search", "alert", "--json")

    assert not {"\x1b", "\x07", "\u202e"} & set(said.stdout + raw.stdout)
    assert json.loads(raw.stdout)[0]["text"] == "Red \x1b[31m alert \u202e drawkcab."


async def test_what_was_exported_is_taken_in_elsewhere(
    argent: Argent, memo: Memo, run: Run, tmp_path: Path
) -> None:
    await kept(memo, "The garden is mine.")
    path = tmp_path / "saved.jsonl"
    written = await run("export", str(path))
    again = await run("export", str(path))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "2026-03-01.md").write_text("- Bob has moved to Basel.\n")
    taken = await run("import", str(tmp_path / "notes"))
    twice = await run("import", str(tmp_path / "notes"), "--json")

    assert written.stdout == f"1 memory written to {path}\n"
    assert again.exit_code == 1 and "is there already" in again.output
    assert "1 memory taken in." in taken.stdout
    assert json.loads(twice.stdout)["items"] == 0


async def test_where_there_is_nothing_to_take_in_it_is_said(
    memo: Memo, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    nothing = await run("import", str(tmp_path / "empty"))
    saved = tmp_path / "saved.jsonl"
    await run("export", str(saved))
    saved.write_bytes(saved.read_bytes() + b"{")
    broken = await run("import", str(saved))

    assert nothing.exit_code == 1 and "--form says which" in nothing.stderr
    assert broken.exit_code == 1 and "line 2: it is no JSON object" in broken.stdout


async def test_of_a_memory_that_does_not_run_it_is_said_why(argent: Argent, run: Run) -> None:
    config = {"plugins": {"memo": {"enabled": False}}}
    async with argent([argent_memo], config=config, allow_faults=True):
        result = await run("stats")

    assert result.exit_code == 1
    assert "argent plugins list" in result.output


async def test_what_is_said_in_a_chat_is_shown_by_its_source(argent: Argent, run: Run) -> None:
    async with argent([argent_memo], model=["I see."], config=QUIET, allow_faults=True):
        await argent.channel.ask("My sister Ann is allergic to peanuts.")
        async with asyncio.timeout(20):
            while not (found := await as_json(run, "search", "peanuts")):
                pass
        source = found[0]["source"]
        gone = await as_json(run, "forget", "--source", source, "--yes")
        left = await as_json(run, "search", "peanuts")

    assert "My sister Ann is allergic to peanuts." in [one["text"] for one in gone["items"]]
    assert "journal.retention" in gone["left"]
    assert left == []


async def test_it_is_said_whose_word_a_memory_is(memo: Memo, run: Run) -> None:
    for speaker, trust in (("Ann", Trust.OWNER), (AGENT, Trust.PAIRED), ("Bob", Trust.PAIRED)):
        await kept(memo, f"{speaker} saw the fox.", speaker=speaker, trust=trust)
    lines = (await run("timeline")).stdout.splitlines()[::2]

    assert [line.split(" · ")[3] for line in lines] == [
        "owner's word",
        "the agent's own word",
        "paired",
    ]


async def test_no_command_holds_the_agent_up(argent: Argent, tmp_path: Path) -> None:
    async with argent([argent_memo], config=QUIET):
        said = [
            await typed(argent, *words)
            for words in (
                ("add", "Ann has the garden."),
                ("edit", "1", "Bob has the garden."),
                ("search", "garden"),
                ("show", "2"),
                ("timeline",),
                ("entities",),
                ("stats",),
                ("check",),
                ("reindex", "--vectors"),
                ("export", str(tmp_path / "saved.jsonl")),
                ("import", str(tmp_path / "saved.jsonl")),
                ("forget", "2"),
            )
        ]

    assert [code for code, _, _ in said] == [0] * len(said), said


async def test_without_an_agent_the_command_does_it_itself(argent: Argent) -> None:
    config = {**QUIET, "agent": {"plugins": ["memo"]}}
    async with argent([argent_memo], config=config):
        pass
    code, out, err = await typed(argent, "add", "The garden is mine.")
    _, found, why = await typed(argent, "search", "garden", "--json")
    _, _, alone = await typed(argent, "search", "garden")

    assert json.loads(found)[0]["by"] == "words"
    assert "Searched by words alone: " in alone
    assert (code, out) == (0, "Kept as memory 1.\n"), err
    assert found, why
    assert json.loads(found)[0]["text"] == "The garden is mine."


async def test_start_runs_the_agent_until_it_is_interrupted(argent: Argent) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with argent([argent_memo], config={"memory": {"workerPort": port}}):
        pass
    process = await begun(argent, "start")
    assert process.stdout is not None
    async with asyncio.timeout(60):
        where = (await process.stdout.readline()).decode()
        runs = (await process.stdout.readline()).decode()
        second = await typed(argent, "start")
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        process.send_signal(signal.SIGINT)
        code = await process.wait()

    assert where == f"The memory's HTTP worker listens on http://127.0.0.1:{port}\n" == second[1]
    assert runs.startswith("The agent runs here, in the foreground, until Ctrl-C.")
    assert (code, second[0]) == (0, 0)


async def test_where_there_is_no_worker_start_says_so(argent: Argent) -> None:
    async with argent([argent_memo], config=QUIET):
        said = await typed(argent, "start")

    words = (
        "the memory's HTTP worker is switched off; to switch it on: argent config set"
        " memory.workerPort 37778"
    )
    assert said[:2] == (1, "") and words in said[2]


async def test_where_the_port_is_taken_start_says_what_to_do_and_ends(argent: Argent) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with argent([argent_memo], config=QUIET):
            pass
        settings = {"memory": {**QUIET["memory"], "workerPort": port}}
        argent.home.config_file.write_text(json.dumps(settings))
        code, out, err = await typed(argent, "start")

    assert (code, out) == (1, "")
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use)" in err
    assert f"argent config set memory.workerPort {port + 1}" in err


async def begun(argent: Argent, *words: str) -> asyncio.subprocess.Process:
    """Type a command in a process of its own."""
    program = "from argent_core.cli import main; main()"
    home = ("--home", str(argent.home.root), "memory")
    command = (sys.executable, "-c", program, *home, *words)
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)


async def typed(argent: Argent, *words: str) -> tuple[int | None, str, str]:
    process = await begun(argent, *words)
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()
