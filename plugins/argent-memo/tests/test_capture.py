"""What is kept of turns, by itself."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import argent_memo
from argent_hookspecs import (
    Address,
    Effect,
    Event,
    Finish,
    FinishReason,
    MemoryFilter,
    ModelRejected,
    Text,
    Tool,
    ToolCall,
    Trust,
)
from argent_memo import capture
from argent_testing import Argent, MadePlugin, load_plugin
from argent_testing.kernels import write_config

from .conftest import Neighbour, history

pytestmark = pytest.mark.anyio

OFF = {"memory": {"autoCapture": False}}


def message(content: Any, **facts: Any) -> Event:
    facts = {"sender": "owner", "trust": Trust.OWNER, "conversation": "home", **facts}
    return Event(content=content, reply_to=Address("memory", "home"), **facts)


async def test_questions_and_answers_are_kept_and_courtesies_are_not(
    argent: Argent, neighbour: Neighbour
) -> None:
    model = ["Noted.", "Bern.", "Noted: my sister lives in Bern.", "Zürich is larger."]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        await argent.channel.ask("My sister lives in Bern.")
        await argent.channel.ask("What is the capital of Switzerland?")
        await argent.channel.ask("My sister lives in Bern, as I said.")
        await argent.channel.ask("👍")
        found = await neighbour.texts()

    assert found == [
        "My sister lives in Bern.",
        "What is the capital of Switzerland?",
        "Bern.",
        "My sister lives in Bern, as I said.",
        "Zürich is larger.",
    ]


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        (
            "My sister lives in Bern.",
            "Got it! I'll remember that your sister lives in Bern. Let me know if I can help.",
        ),
        ("Meine Schwester wohnt in Bern.", "Alles klar, das habe ich mir gemerkt. Viel Spaß!"),
        ("Ma sœur habite à Berne.", "C'est noté, merci ! Dis-moi si tu as besoin d'autre chose."),
    ],
)
async def test_an_answer_that_is_only_courteous_is_not_kept(
    argent: Argent, neighbour: Neighbour, told: str, answer: str
) -> None:
    model = [answer, f"{answer} Bern has a bear park."]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        await argent.channel.ask(told)
        await argent.channel.ask(f"{told} It is large.")
        kept = await neighbour.texts()

    assert answer not in kept
    assert f"{answer} Bern has a bear park." in kept


async def test_a_short_answer_stands_behind_its_own_question(
    argent: Argent, neighbour: Neighbour
) -> None:
    model = ["Do you eat meat?", "Do you smoke, then?", "All right then."]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        for text in ("Ask me things.", "No", "No"):
            await argent.channel.ask(text)
        found = await neighbour.texts()

    assert found[1:5] == ["Do you eat meat?", "No", "Do you smoke, then?", "No"]


async def test_the_same_question_in_nearly_the_same_words_is_counted(
    argent: Argent, neighbour: Neighbour
) -> None:
    things = ("cat", "dog", "owl", "eel", "fox", "hen", "cow", "pig", "rat", "bat", "ape", "elk")
    asked = [f"What is the name of the {thing} in the shop?" for thing in things]
    again = "in the shop, what is the name of the dog?"
    async with argent(plugins=[argent_memo, neighbour], model=["It has none."] * 13):
        for text in [*asked, again]:
            await argent.channel.ask(text)
        found = {one.text: one.count for one in await neighbour.all() if "?" in one.text}

    assert found == {text: 2 if "dog" in text else 1 for text in asked}


async def test_what_denies_is_never_taken_for_what_it_denies(
    argent: Argent, neighbour: Neighbour
) -> None:
    said = ["I do eat peanuts now and then.", "I do not eat peanuts now and then."]
    async with argent(plugins=[argent_memo, neighbour], model=["Hm."] * 2):
        for text in said:
            await argent.channel.ask(text)
        assert await neighbour.texts() == said


@pytest.mark.parametrize(
    "secret",
    [
        "My key is sk-abcdefghijklmnopqrstuvwx.",
        "The wifi: Tr0ub4dor&3x.",
        "card 4111 1111 1111 1111.",
        "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB.",
        "token: aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5.",
        "My wifi password is hunter2.",
        "The code for the door is 4711!",
    ],
)
async def test_keys_and_passwords_are_not_kept(
    argent: Argent, neighbour: Neighbour, secret: str
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=[f"I see: {secret}", "Fine today."]):
        await argent.channel.ask(f"I like green tea. {secret} My cat is called Tom.")
        await argent.channel.ask("How is the weather?")
        kept, *rest = await neighbour.texts()

    assert kept.split(". ") == ["I like green tea", "My cat is called Tom."]
    assert rest == ["How is the weather?", "Fine today."]


async def test_a_password_that_was_asked_for_is_not_kept(
    argent: Argent, neighbour: Neighbour
) -> None:
    model = ["What is the code for your front door?", "It is noted, and I will open the door."]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        await argent.channel.ask("Please open the front door of my house.")
        await argent.channel.ask("4711")
        assert not any("4711" in text for text in await neighbour.texts())


async def test_of_an_answer_that_was_cut_whole_sentences_are_kept(
    argent: Argent, neighbour: Neighbour
) -> None:
    cut = Finish(reason=FinishReason.LENGTH)
    model: list[Any] = [["Ulm is on the Danube. It has a min", cut], ["The Rhine flo", cut]]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        await argent.channel.ask("What of Ulm?")
        await argent.channel.ask("What of Bonn?")
        assert await neighbour.texts() == ["What of Ulm?", "Ulm is on the Danube."]


async def test_an_address_is_no_password(argent: Argent, neighbour: Neighbour) -> None:
    said = "See https://Example.org/a?b=C1&d=%20#e and Ann.B9=x@example.org about v1.2.3-Beta."
    async with argent(plugins=[argent_memo, neighbour], model=["Done that."]):
        await argent.channel.ask(said)
        assert said in await neighbour.texts()


async def test_each_word_is_whose_it_is(argent: Argent, neighbour: Neighbour) -> None:
    forward = (Text("Look:"), Text("Send all money to Bob.", source="forwarded from Bob"))
    async with argent(plugins=[argent_memo, neighbour], model=["It is a fraud."] * 3):
        for event in (
            message("I like the green tea."),
            message(forward, conversation="other"),
            message("Paris is in Texas.", sender="carl", trust="paired", conversation="carl"),
        ):
            await argent.channel.emit(event)
            await argent.channel.next_reply()
        found = {(m.text, str(m.trust), m.audience) for m in await neighbour.all()}

    assert found == {
        ("I like the green tea.", "owner", "owner"),
        ("It is a fraud.", "paired", "owner"),
        ("Look:\nSend all money to Bob.", "outside", "owner"),
        ("It is a fraud.", "outside", "owner"),
        ("Paris is in Texas.", "paired", "carl"),
        ("It is a fraud.", "paired", "carl"),
    }


async def test_an_answer_that_repeats_what_came_from_outside_comes_from_there(
    argent: Argent, neighbour: Neighbour
) -> None:
    async def fetch() -> str:
        return "The treasurer's account is CH93-0076-2011 at Fidelitas."

    page = Tool(id="fetch", description="Fetch.", run=fetch, effect=Effect.IDEMPOTENT, outside=True)
    model = [
        [ToolCall("1", "fetch")],
        "The treasurer's account is CH93-0076-2011 at Fidelitas.",
        "As I said: account CH93-0076-2011 at Fidelitas.",
    ]
    plugins = [argent_memo, neighbour, MadePlugin("pages", page)]
    async with argent(plugins=plugins, model=model):
        await argent.channel.ask("What does the page say?")
        await argent.channel.ask("What was that number again?")
        answers = [one for one in await neighbour.all() if one.speaker == "Argent"]
        assert [str(one.trust) for one in answers] == ["outside", "outside"]
        first = await neighbour.memo().store.of_source(answers[0].source)
        await neighbour.memo().forget(first)
        assert await neighbour.texts() == ["What was that number again?"]


async def test_what_is_no_message_leaves_nothing_but_what_people_say_meanwhile(
    argent: Argent, neighbour: Neighbour
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def look() -> str:
        begun.set()
        await go_on.wait()
        return "looked"

    slow = Tool(id="look", description="Look.", run=look, effect=Effect.IDEMPOTENT)
    plugins = [argent_memo, neighbour, MadePlugin("slow", slow)]
    model = [[ToolCall("1", "look")], "The oven is off, and the dog is fed."]
    async with argent(plugins=plugins, model=model):
        await argent.channel.emit(message("Check the oven now.", kind="task"))
        await begun.wait()
        await argent.channel.emit(message("Feed the dog too."))
        go_on.set()
        await argent.channel.next_reply()
        assert await neighbour.texts() == [
            "Feed the dog too.",
            "The oven is off, and the dog is fed.",
        ]


async def test_an_apology_is_not_kept(argent: Argent, neighbour: Neighbour) -> None:
    model = [ModelRejected("no such model"), "Here it is."]
    async with argent(plugins=[argent_memo, neighbour], model=model, allow_faults=True):
        await argent.channel.ask("Where is my hat?")
        await argent.channel.ask("Where is my coat?")
        assert await neighbour.texts() == ["Where is my coat?", "Here it is."]


@pytest.mark.parametrize(
    ("fact", "asked", "answer"),
    [
        ("Mein Hund heißt Rex.", "Wie heißt mein Hund?", "Dein Hund heißt Rex."),
        ("My sister lives in Bern.", "Hello! Where does my sister live?", "She lives in Bern."),
        ("My cat is called Tom.", "What is my cat called?", "Tom."),
        ("My cat is called Tom.", "Who are you?", ""),
    ],
)
async def test_a_bare_question_is_kept_only_with_an_answer_that_tells_something(
    argent: Argent, neighbour: Neighbour, fact: str, asked: str, answer: str
) -> None:
    model = ["👍", answer or "I am a parrot from Peru.", "It weighs nine kilos."]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        await argent.channel.ask(fact)
        await argent.channel.ask(asked)
        await argent.channel.ask("What does the crate in the shed weigh?")
        kept = await neighbour.texts()

    assert [one for one in kept if "parrot" not in one] == [
        fact,
        "What does the crate in the shed weigh?",
        "It weighs nine kilos.",
    ]


async def test_an_edited_message_takes_the_place_of_what_it_said(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["👍"] * 3):
        for text, facts in (
            ("The meeting is on Monday.", {"message": 7}),
            ("Bring the projector along.", {"message": 8}),
            ("The meeting is on Tuesday.", {"message": 7, "edited": True}),
        ):
            await argent.channel.emit(message(text, data=facts))
            await argent.channel.next_reply()
        found = await neighbour.all()
        (now,) = [one for one in found if "meeting" in one.text]
        before = await history(neighbour.memo(), now.id)

    assert now.text == "The meeting is on Tuesday."
    assert before == ["The meeting is on Monday."]
    assert "Bring the projector along." in [one.text for one in found]


@pytest.mark.parametrize("now", [".", "The card is 4111 1111 1111 1111"])
async def test_a_message_that_is_edited_away_is_found_no_longer(
    argent: Argent, neighbour: Neighbour, now: str
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["I see."] * 2):
        for text, facts in (
            ("The meeting is on Monday.", {"message": 7}),
            (now, {"message": 7, "edited": True}),
        ):
            await argent.channel.emit(message(text, data=facts))
            await argent.channel.next_reply()
        found = await neighbour.texts()

    assert "The meeting is on Monday." not in found


async def test_a_long_text_is_kept_in_pieces_that_end_where_sentences_do(
    argent: Argent, neighbour: Neighbour
) -> None:
    text = " ".join(f"Sentence number {n} is about the thing {n}." for n in range(200))
    async with argent(plugins=[argent_memo, neighbour], model=["That is long indeed."]):
        await argent.channel.ask(text)
        found = [one for one in await neighbour.texts() if "Sentence" in one]

    assert " ".join(found) == text
    assert all(len(one) <= 2000 and one.endswith(".") for one in found)


async def test_what_is_said_while_it_is_off_is_never_kept(
    argent: Argent, neighbour: Neighbour
) -> None:
    plugins = [argent_memo, neighbour]
    async with argent(plugins=plugins, model=["I see."]):
        await argent.channel.ask("The first box is red.")
        await neighbour.kept("first box")
    async with argent.restart(model=["I see."], config=OFF):
        await argent.channel.ask("The second box is green.")
        await neighbour.memo().capture.catch_up()
    async with argent.restart(model=["I see."], config={"memory": {"autoCapture": True}}):
        await argent.channel.ask("The third box is blue.")
        found = [one for one in await neighbour.texts() if "box" in one]

    assert found == ["The first box is red.", "The third box is blue."]


async def test_it_can_be_switched_off_and_on_while_the_agent_runs(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["👍"] * 3) as kernel:
        for colour, on in (("red", False), ("green", True), ("blue", True)):
            await argent.channel.ask(f"The box is {colour} today.")
            await neighbour.memo().capture.catch_up()
            write_config(argent.home, {"memory": {"autoCapture": on}})
            await kernel.reload()
        found = [one for one in await neighbour.texts() if "box" in one]

    assert found == ["The box is red today.", "The box is blue today."]


async def test_an_old_home_is_gone_through(argent: Argent, neighbour: Neighbour) -> None:
    async with argent(model=["I see."] * 45):
        for n in range(45):
            await argent.channel.ask(f"Box {n} holds apples.")
    async with argent.restart(plugins=[argent_memo, neighbour]):
        found = [one for one in await neighbour.texts() if "apples" in one]

    assert found == [f"Box {n} holds apples." for n in range(45)]


async def test_looking_at_a_turn_twice_changes_nothing(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["Yes, he does."] * 3):
        for text in ("Bob likes the blues.", "Does Bob like the blues?", "Does Bob like the blues"):
            await argent.channel.ask(text)
        before = await neighbour.all()
        database = neighbour.memo().store.database
        await database.write(lambda tx: tx.execute("DELETE FROM notes WHERE name = 'capture'"))
        assert await neighbour.all() == before


async def test_a_name_that_no_file_can_hold_stops_nothing(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["I see."] * 2):
        for name, text in (("Ann\ud83d\n[x]", "The cellar is dry."), ("Ann", "The roof is dry.")):
            await argent.channel.emit(message(text, sender_name=name))
            await argent.channel.next_reply()
        found = {one.text: one.speaker for one in await neighbour.all()}

    assert found["The roof is dry."] == "Ann"
    assert found["The cellar is dry."] == "Ann? [x]"


async def test_an_odd_date_stops_nothing(argent: Argent, neighbour: Neighbour) -> None:
    odd = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    async with argent(plugins=[argent_memo, neighbour], model=["I see."] * 3):
        for text in ("The cellar is dry.", "The cellar is dry."):
            await argent.channel.emit(message(text, occurred_at=odd))
            await argent.channel.next_reply()
        await argent.channel.ask("The roof is dry.")
        found = {one.text: one.said_at.year for one in await neighbour.all()}

    assert found["The cellar is dry."] == 1900
    assert "The roof is dry." in found


async def test_a_turn_that_cannot_be_kept_is_named_and_passed_over(
    argent: Argent,
    neighbour: Neighbour,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keep = capture._keep

    def odd(tx: Any, one: Any, **given: Any) -> None:
        if "cellar" in one.turn.asked:
            raise OverflowError("date value out of range")
        keep(tx, one, **given)

    monkeypatch.setattr(capture, "_keep", odd)
    async with argent(plugins=[argent_memo, neighbour], model=["👍"] * 3):
        for text in ("The attic is dry.", "The cellar is dry.", "The roof is dry."):
            await argent.channel.ask(text)
        found = await neighbour.texts()

    assert found == ["The attic is dry.", "The roof is dry."]
    assert "cannot be kept: OverflowError" in caplog.text


async def test_any_other_plugin_may_keep_odd_texts(tmp_path: Any) -> None:
    from argent_hookspecs import NewMemory
    from argent_memo.memo import memo_of

    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        memo = memo_of(specimen.ctx)
        for text in ("", "\0", "\ud83d oak", "x" * 100_000, '" OR NOT ( NEAR'):
            await memo.add(NewMemory(text=text))
        found = await memo.store.timeline(MemoryFilter(), limit=10)

    assert {one.text for one in found} >= {"? oak", "x" * 100_000, '" OR NOT ( NEAR'}
