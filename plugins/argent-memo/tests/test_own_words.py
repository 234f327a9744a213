"""What the agent has said stands behind what people said: it may have made it up."""

from __future__ import annotations

import pytest

import argent_memo
from argent_hookspecs import NewMemory
from argent_memo.items import Place
from argent_memo.local import Desk
from argent_memo.requests import Progress
from argent_testing import Argent

from .conftest import Neighbour, told

pytestmark = pytest.mark.anyio

BABBLE = (
    "People who are allergic to nuts should avoid nuts, and whoever is allergic carries a pen.",
    "Being allergic to nuts is common; somebody who is allergic to nuts reads the label first.",
)
FACT = "My daughter Lena is allergic to nuts, so no cake with almonds."


async def fill(neighbour: Neighbour, *texts: str, said_by: str = "owner") -> None:
    trust = "owner" if said_by == "owner" else "paired"
    for text in texts:
        memory = NewMemory(text=text, speaker=said_by, trust=trust)
        await neighbour.memo().store.add(memory, Place(origin="turn"))


async def test_what_somebody_said_comes_before_what_the_agent_did(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=[]):
        await fill(neighbour, FACT)
        await fill(neighbour, *BABBLE, said_by="Argent")
        found = await neighbour.memo().search("Who is allergic to nuts?")
        named = await neighbour.memo().search("What did Argent say about who is allergic to nuts?")

    assert found[0].text == FACT
    assert {one.text for one in found} >= set(BABBLE)
    assert named[0].speaker == "Argent"


async def test_the_agent_is_told_its_own_words_only_where_nobody_elses_fit(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["Lena.", "The opera."]):
        await fill(neighbour, FACT)
        await fill(neighbour, *BABBLE, "You could see the opera in Verona.", said_by="Argent")
        await argent.channel.ask("Who is allergic to nuts?")
        await argent.channel.ask("What could I see in Verona?")
        first, second = (told(one) for one in argent.model.requests)

    assert FACT in first
    assert not any(text in first for text in BABBLE)
    assert "You could see the opera in Verona." in second


async def test_what_the_agent_repeats_of_itself_did_not_matter(
    argent: Argent, neighbour: Neighbour
) -> None:
    said = "You could see the opera in Verona."
    fact = "The theatre in Ulm plays Nathan on Mondays."
    model = ["See the opera in Verona, as I said.", "Nathan plays on Mondays, I believe."]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        await fill(neighbour, said, said_by="Argent")
        await fill(neighbour, fact)
        await argent.channel.ask("What could I visit in Verona?")
        await argent.channel.ask("What does the theatre in Ulm play?")
        all = {one.text: one.id for one in await neighbour.all()}
        desk = Desk(neighbour.ctx, neighbour.memo())
        uses = {
            text: (await desk.operations["show"]({"id": all[text]}, Progress()))["uses"]
            for text in (said, fact)
        }

    assert uses[said] and not any(one["mattered"] for one in uses[said])
    assert any(one["mattered"] for one in uses[fact])
