"""What the agent can do with the memory, where it is called and for whom."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import argent_memo
from argent_hookspecs import (
    Address,
    ApprovalAsked,
    Effect,
    Event,
    MemoryFilter,
    NewMemory,
    Observer,
    Tool,
    ToolCall,
    ToolError,
    ToolRun,
    Trust,
)
from argent_memo.items import Place
from argent_memo.memo import Memo, memo_of
from argent_testing import Argent, MadePlugin, eventually, load_plugin

from .conftest import Neighbour, results

pytestmark = pytest.mark.anyio

OUTSIDE = Tool(
    id="fetch",
    description="Fetch.",
    run=lambda: asyncio.sleep(0, "Bob's account is 4711."),
    effect=Effect.IDEMPOTENT,
    outside=True,
)


class Bench:
    """The tools of a memory, called as the kernel calls them."""

    def __init__(self, memo: Memo, tools: dict[str, Tool]) -> None:
        self.memo = memo
        self.tools = tools
        self.calls = 0

    async def call(self, name: str, run: ToolRun | None = None, **given: Any) -> str:
        self.calls += 1
        default = where("home", key=f"t{self.calls}-1")
        return str(await self.tools[f"memory_{name}"].run(run=run or default, **given))

    async def texts(self) -> list[str]:
        found = await self.memo.store.timeline(MemoryFilter(), limit=100)
        return [one.text for one in found]


def where(conversation: str, said: str = "", *, key: str = "t-1", **facts: Any) -> ToolRun:
    trust = facts.get("trust", Trust.OWNER)
    event = Event(
        conversation=conversation,
        content=said,
        sender=facts.get("sender", "Ann"),
        trust=trust,
        group=facts.get("group", False),
        reply_to=Address("memory", conversation),
    )
    told = facts.get("told", trust)
    private = facts.get("private", False)
    turn = key.partition("-")[0]
    return ToolRun(
        key=key, conversation=conversation, event=event, trust=told, private=private, turn=turn
    )


@pytest.fixture
async def bench(tmp_path: Path) -> Any:
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        yield Bench(memo_of(specimen.ctx), {tool.id: tool for tool in specimen.of(Tool)})


async def test_what_is_stored_is_found_corrected_and_forgotten(
    argent: Argent, neighbour: Neighbour
) -> None:
    model = [
        [ToolCall("1", "memory_store", {"text": "The plumber is Mr Rossi.", "kind": "person"})],
        "I shall remember it.",
        [ToolCall("1", "memory_search", {"query": "plumber"})],
        "It is Mr Rossi.",
    ]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        await argent.channel.ask("Remember that our plumber is Mr Rossi.")
        await argent.channel.ask("Look up the plumber.", conversation="kitchen")
        (found,) = [one for one in await neighbour.all() if one.kind == "person"]

    (result,) = results(argent.model.requests[-1])
    assert f"{found.id}: [2026-01-02] owner: The plumber is Mr Rossi." in result
    assert (found.trust, found.importance) == (Trust.OWNER, 0.7)


async def test_forgetting_needs_the_persons_word(argent: Argent, neighbour: Neighbour) -> None:
    model = [[ToolCall("1", "memory_forget", {"ids": [1, 99]})], "It is gone."]
    asked: list[Any] = []

    async def hear(notice: Any) -> None:
        asked.append(notice)

    observer = MadePlugin("ear", Observer(id="ear", notify=hear, kinds=(ApprovalAsked,)))
    async with argent(plugins=[argent_memo, neighbour, observer], model=model) as kernel:
        await neighbour.memo().add(NewMemory(text="The safe is behind the mirror."))
        await argent.channel.say("Forget about the safe.")
        await eventually(lambda: asked, what="an approval is asked for")
        assert len(await neighbour.texts()) == 1
        await kernel.agent.answer(asked[0].approval.id, allow=True, by="owner")
        await argent.channel.next_reply()
        assert "The safe is behind the mirror." not in await neighbour.texts()

    (result,) = results(argent.model.requests[-1])
    assert result == "deleted: 1; there is no 99 that may be deleted here"


async def test_what_a_page_says_is_stored_as_such(argent: Argent, neighbour: Neighbour) -> None:
    model = [
        [ToolCall("1", "fetch")],
        [ToolCall("2", "memory_store", {"text": "Bob's account is 4711."})],
        "Kept for you.",
    ]
    plugins = [argent_memo, neighbour, MadePlugin("pages", OUTSIDE)]
    async with argent(plugins=plugins, model=model):
        await argent.channel.ask("Read the page. Bob's account is 4711, is it not?")
        (kept,) = [one for one in await neighbour.all() if one.kind == "fact"]
        of_the_turn = await neighbour.memo().store.of_source(kept.source)

    assert kept.trust is Trust.OUTSIDE
    assert kept.id in of_the_turn
    assert len(of_the_turn) == 3


async def test_only_what_the_person_said_is_their_word(bench: Bench) -> None:
    run = where("home", "Remember that Bob is my cousin from Basel.", key="a-1")
    await bench.call("store", run, text="Bob is Ann's cousin from Basel.")
    await bench.call("store", where("home", "Thanks!", key="b-1"), text="Bob owns three horses.")
    found = await bench.memo.store.timeline(MemoryFilter(), limit=10)

    assert [(one.speaker, str(one.trust)) for one in found] == [
        ("Ann", "owner"),
        ("Argent", "paired"),
    ]


FALCON = "Project Falcon ends in June."
AS_TOLD = "Hand over early, as project Falcon ends in June."


@pytest.mark.parametrize(
    ("owners", "text", "more", "expected"),
    [
        (["family"], AS_TOLD, {}, []),
        (["family"], AS_TOLD, {"made_of": []}, []),
        (["family"], "Soon over, it seems.", {}, []),
        (["family"], "Soon over, it seems.", {"made_of": []}, ["owner"]),
        (["family"], "Plan the holidays.", {}, ["owner"]),
        (["family", "work"], AS_TOLD, {}, ["work"]),
        ([], AS_TOLD, {}, ["owner"]),
    ],
    ids=[
        "made of what was told",
        "though the model denies it",
        "in other words perhaps",
        "of something else, as the model says",
        "the person's own words",
        "for those who may hear both",
        "nobody hears it but the owner",
    ],
)
@pytest.mark.parametrize("how", ["recall", "memory_search", "memory_timeline"])
async def test_what_is_stored_is_for_those_who_may_hear_what_the_turn_was_told(
    argent: Argent,
    neighbour: Neighbour,
    how: str,
    owners: list[str],
    text: str,
    more: dict[str, Any],
    expected: list[str],
) -> None:
    given = {"memory_search": {"query": "Falcon"}, "memory_timeline": {"since": "2020-01-01"}}
    look = [[ToolCall("1", how, given[how])]] if how in given else []
    store = ToolCall("2", "memory_store", {"text": text, **more})
    share = {"work": ["owner"], "owner": owners}
    memory = {"share": share, "autoRecall": how == "recall"}
    plugins = [argent_memo, neighbour]
    async with argent(plugins=plugins, model=[*look, [store], "Well."], config={"memory": memory}):
        said = NewMemory(text=FALCON, audience="work", trust="owner")
        await neighbour.memo().add(said)
        await argent.channel.ask("Falcon: remember to plan the holidays.")
        kept = [one for one in await neighbour.all() if one.text == text]

    assert [one.audience for one in kept] == expected


async def test_a_call_that_is_run_again_does_the_same(bench: Bench) -> None:
    run = where("home", "The roof leaks.", key="a-1")
    first = await bench.call("store", run, text="The roof leaks.")
    assert await bench.call("store", run, text="The roof leaks.") == first
    again = where("home", "The roof is mended.", key="b-1")
    done = await bench.call("update", again, id=1, text="The roof is mended.")
    assert await bench.call("update", again, id=1, text="The roof is mended.") == done
    assert await bench.texts() == ["The roof is mended."]
    with pytest.raises(ToolError, match="was corrected before"):
        await bench.call("update", id=1, text="The roof is new.")
    assert await bench.call("forget", ids=[2]) == "deleted: 2"
    assert await bench.call("forget", ids=[2]) == (
        "deleted: 0; there is no 2 that may be deleted here"
    )


async def test_forgetting_says_where_the_words_stay(bench: Bench) -> None:
    await bench.call("store", text="The party is on the roof.")
    await bench.memo.add(NewMemory(text="The lift is out of order."))

    told = [await bench.call("forget", ids=[id]) for id in (1, 2)]

    assert ["in their history" in one for one in told] == [True, False]


async def test_others_reach_only_what_is_of_their_place(bench: Bench) -> None:
    for audience, trust in (("owner", "owner"), ("club", "owner"), ("club", "paired")):
        text = f"The party is on the roof, says {audience} {trust}."
        await bench.memo.add(NewMemory(text=text, audience=audience, trust=trust))
    club = {"trust": Trust.PAIRED, "group": True, "sender": "Bob"}

    found = await bench.call("search", where("club", **club), query="Where is the party?")
    assert sorted(line.partition(":")[0] for line in found.splitlines()) == ["2", "3"]
    listed = await bench.call("timeline", where("club", **club), since="2020-01-01")
    assert "says owner" not in listed.replace("says club", "")
    for id in (1, 2):
        with pytest.raises(ToolError, match="may be corrected here"):
            await bench.call("update", where("club", **club), id=id, text="It is off.")
    told = await bench.call("forget", where("club", **club), ids=[1, 2, 3])
    assert told.startswith("deleted: 1; there is no 1, 2 that may be deleted here")


async def test_words_said_elsewhere_do_not_reach_those_who_heard_what_they_correct(
    bench: Bench,
) -> None:
    id = await bench.memo.add(NewMemory(text="Bob earns 4000.", audience="club", trust="owner"))
    said = "Between us: Bob earns 5000 and is fired in May."
    with pytest.raises(ToolError, match="memory_store"):
        await bench.call("update", where("home", said), id=id, text=said)
    await bench.call("update", where("club", said, group=True), id=id, text="Bob earns 5000.")

    found = await bench.memo.store.timeline(MemoryFilter(audiences=("club",)), limit=9)
    assert [one.text for one in found] == ["Bob earns 5000."]


async def test_content_from_outside_corrects_only_what_is_from_there(bench: Bench) -> None:
    await bench.memo.add(NewMemory(text="The alarm code is on the fridge.", trust="owner"))
    await bench.memo.add(NewMemory(text="The shop is open till six.", trust="outside"))
    run = where("home", told=Trust.OUTSIDE)
    with pytest.raises(ToolError, match="content from outside"):
        await bench.call("update", run, id=1, text="There is no alarm.")
    await bench.call("update", run, id=2, text="The shop is open till seven.")

    found = await bench.memo.store.timeline(MemoryFilter(), limit=9)
    assert [(one.text, str(one.trust)) for one in found] == [
        ("The alarm code is on the fridge.", "owner"),
        ("The shop is open till seven.", "outside"),
    ]


async def test_what_is_for_this_machine_only_stays_there(bench: Bench) -> None:
    await bench.memo.add(NewMemory(text="The diary lies in the attic.", private=True))

    assert "attic" not in await bench.call("search", query="Where is the diary?")
    here = where("home", private=True)
    assert "attic" in await bench.call("search", here, query="Where is the diary?")
    assert "attic" in await bench.call("timeline", here, since="2020-01-01")
    await bench.call("update", id=1, text="The diary lies in the cellar.")
    assert "cellar" not in await bench.call("search", query="Where is the diary?")


async def test_pages_of_a_search_repeat_nothing_and_lose_nothing(bench: Bench) -> None:
    for n in range(40):
        memory = NewMemory(text=f"The boiler hums, note {n}.", importance=n * 7 % 40 / 40)
        await bench.memo.store.add(memory, Place(origin="tool"))

    pages = [await bench.call("search", query="boiler hums", page=page) for page in (1, 2, 3, 4)]
    ids = [line.split(":")[0] for page in pages for line in page.splitlines() if line[0] != "("]
    assert len(ids) == len(set(ids)) == 40


async def test_results_come_in_pages(bench: Bench) -> None:
    for n in range(7):
        await bench.memo.add(NewMemory(text=f"Visit {n} to the old museum."))
    seen: list[str] = []
    for page in (1, 2, 3):
        found = await bench.call("timeline", since="2020-01-01", limit=3, page=page)
        *lines, last = [*found.splitlines(), ""] if page == 3 else found.splitlines()
        assert last == ("" if page == 3 else f"(there is more: page {page + 1})")
        seen += lines
    assert len(set(seen)) == 7
    first = await bench.call("search", query="museum visit", limit=4)
    second = await bench.call("search", query="museum visit", limit=4, page=2)
    assert len({*first.splitlines()[:4], *second.splitlines()}) == 7


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("store", {"text": " "}, "there is nothing to keep"),
        ("store", {"text": "x " * 3000}, "less than 2000 characters"),
        ("store", {"text": "It is.", "kind": "secret"}, "the kinds are: episodic, semantic"),
        ("store", {"text": "It is.", "importance": 7}, "from 0 to 1"),
        ("store", {"text": "My key is sk-abcdefghijklmnopqrstuv"}, "not kept here"),
        ("update", {"id": 5, "text": "It is."}, "search first"),
        ("timeline", {"since": "yesterday"}, "write it as 2026-03-01"),
        ("timeline", {"since": "2026-03-02", "until": "2026-03-01"}, "before it begins"),
        ("timeline", {"since": "2020-01-01", "until": "9999-12-31"}, "is no date"),
        ("search", {"query": "x", "page": 0}, "pages go from 1"),
    ],
)
async def test_mistakes_are_told_with_what_to_do(
    bench: Bench, name: str, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ToolError, match=words):
        await bench.call(name, **given)


async def test_what_was_told_is_noted_and_whether_it_mattered(
    argent: Argent, neighbour: Neighbour
) -> None:
    model = [
        [ToolCall("1", "memory_search", {"query": "dentist"})],
        "Doctor Meier, at the Kramgasse.",
        "That I cannot say.",
    ]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        dentist = "The dentist is Doctor Meier at the Kramgasse."
        await neighbour.memo().add(NewMemory(text=dentist, trust="owner"))
        await argent.channel.ask("Who is it that mends my teeth?")
        await argent.channel.ask("What does a dentist cost?", conversation="other")
        await neighbour.all()
        sql = "SELECT item, mattered FROM uses ORDER BY at, rowid"
        database = neighbour.memo().store.database
        used = await database.read(lambda tx: tx.execute(sql).fetchall())

    assert [mattered for item, mattered in used if item == 1] == [1, 0]
