"""A secret that was left out of what somebody said is left out of what answers it, too."""

from __future__ import annotations

from typing import Any

import pytest

import argent_memo
from argent_core.kernel import Kernel
from argent_hookspecs import ToolCall
from argent_memo.local import Desk
from argent_memo.requests import Progress
from argent_testing import Argent

from .conftest import Neighbour, results

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("told", "echo"),
    [
        (
            "My wifi password is Blue-Whale-2291.",
            "The name of the hospital is Blue-Whale-2291.",
        ),
        ("The code for the door is 4711!", "The house has the number 4711, it seems."),
        ("My PIN is 47 11.", "I see, 4711 it is then."),
        ("Mein Passwort lautet Regenbogen.", "Alles klar, der Regenbogen ist vermerkt."),
        ("My wifi password is Blue-Whale-2291.", "You named a blue whale: BLUE WHALE 2291!"),
    ],
)
async def test_an_answer_that_says_a_secret_again_is_kept_without_it(
    argent: Argent, neighbour: Neighbour, told: str, echo: str
) -> None:
    model = [f"{echo} Green tea has less caffeine.", "Black tea has more.", f"Yes. {echo}"]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        await argent.channel.ask(f"I like green tea. {told}")
        await argent.channel.ask("What of black tea?")
        await argent.channel.ask("And what was the other thing?")
        kept = await neighbour.texts()

    assert kept[:2] == ["I like green tea.", "Green tea has less caffeine."]
    assert not any(echo in text for text in kept)


async def test_a_tool_keeps_no_secret_of_its_turn_either(
    argent: Argent, neighbour: Neighbour
) -> None:
    named = {"text": "The hospital is called Blue-Whale-2291.", "kind": "semantic"}
    model: list[Any] = [[ToolCall("1", "memory_store", named)], "Black tea has more."]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        await argent.channel.ask("My wifi password is Blue-Whale-2291.")
        assert not any("2291" in text for text in await neighbour.texts())

    assert "not kept here" in results(argent.model.requests[-1])[0]


async def test_a_bare_password_is_left_out_of_the_answer_to_it(
    argent: Argent, neighbour: Neighbour
) -> None:
    model = ["What is the code for your front door?", "Ulm has 4711 trees. It lies on the Danube."]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        await argent.channel.ask("Please open the front door of my house.")
        await argent.channel.ask("4711")
        assert (await neighbour.texts())[-1] == "It lies on the Danube."


async def test_what_was_secret_before_a_restart_is_still_known(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["Fine, that is a long one."]):
        await argent.channel.ask("My wifi password is Blue-Whale-2291.")
        await neighbour.all()
    async with argent.restart(model=["The hospital is called Blue-Whale-2291. It is in Ulm."]):
        await argent.channel.ask("Which hospital is near?")
        assert (await neighbour.texts())[-1] == "It is in Ulm."


async def test_what_is_secret_in_one_conversation_is_a_word_in_another(
    argent: Argent, neighbour: Neighbour
) -> None:
    model = ["I see.", "A rainbow is called Regenbogen in German."]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        await argent.channel.ask("Mein Passwort lautet Regenbogen.")
        await argent.channel.ask("What is a rainbow called?", conversation="other")
        assert (await neighbour.texts())[-1] == "A rainbow is called Regenbogen in German."


async def health(kernel: Kernel) -> str:
    status = await kernel.control.run("status", {"deep": True})
    told = [one["summary"] for one in status["health"] if one["check"] == "keeping"]
    return str(told[0])


async def test_it_is_said_that_secrets_were_left_out_and_never_which(
    argent: Argent, neighbour: Neighbour, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with argent(plugins=[argent_memo, neighbour], model=["I see."] * 3) as kernel:
        await argent.channel.ask("I like green tea.")
        await neighbour.all()
        assert await health(kernel) == "all that was said is kept"
        await argent.channel.ask("My PIN is 4711. My wifi password is hunter2.")
        await argent.channel.ask("And the code for the door is 8899.")
        await neighbour.all()
        desk = Desk(neighbour.ctx, neighbour.memo())
        stats = await desk.operations["stats"]({}, Progress())
        told = await health(kernel)

    assert "3 sentences left out as secrets, last on 2" in told
    assert stats["left_out"]["sentences"] == 3
    lines = [one.getMessage() for one in caplog.records if "secret" in one.getMessage()]
    assert len(lines) == 2
    assert not any("4711" in line or "hunter2" in line or "8899" in line for line in lines)
