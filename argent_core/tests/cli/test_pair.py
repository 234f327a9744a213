from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argent_core.paths import Home
from argent_hookspecs import Address, Event
from argent_testing import Argent, FakeClock, MemoryChannel

from .conftest import NO_PLUGINS, Installation, Run


@pytest.fixture
def asked(tmp_path: Path, alone: Home) -> list[str]:
    """Have two people and a group ask to be let in; the codes of Eve, Bob and the group."""
    agent = Argent(tmp_path, FakeClock(datetime.now(UTC)))
    agent.channel = MemoryChannel("irc", pairing=True)
    alone.config_file.unlink()

    async def run() -> list[str]:
        async with agent(home=alone) as kernel:
            for sender, group in (("eve", False), ("bob", False), ("bob", True)):
                chat = "#all" if group else sender
                event = Event(
                    conversation=chat,
                    content="hello",
                    sender=sender,
                    sender_name=sender.capitalize(),
                    group=group,
                    group_name="Everybody" if group else "",
                    reply_to=Address("irc", chat),
                )
                await agent.channel.emit(event)
                await agent.clock.advance(1)
            await agent.channel.next_reply()
            await agent.channel.next_reply()
            return [request.code for request in await kernel.agent.pairings()]

    found = asyncio.run(run())
    alone.config_file.write_text(NO_PLUGINS)
    return found


def people(argent: Run) -> list[tuple[str, str]]:
    found = json.loads(argent("pair", "people", "--json").output)["people"]
    return [(person["sender"], person["standing"]) for person in found]


class TestRequests:
    def test_who_asks(self, argent: Run, alone: Home, asked: list[str]) -> None:
        shown, as_json = argent("pair", "list"), argent("pair", "list", "--json")

        assert "CODE" in shown.output
        assert "Eve (eve)" in shown.output
        rows = json.loads(as_json.output)
        assert [row["code"] for row in rows] == asked
        assert [row["group"] for row in rows] == [False, False, True]
        assert rows[2]["chat"] == "#all"

    def test_when_nobody_does(self, argent: Run, alone: Home) -> None:
        assert argent("pair", "list").output == "Nobody asks to be let in.\n"
        assert argent("pair", "list", "--json").output == "[]\n"

    def test_one_who_is_let_in_is_paired(self, argent: Run, alone: Home, asked: list[str]) -> None:
        said = argent("pair", "approve", asked[0])

        assert said.output.splitlines()[0] == "Eve (eve) on irc is paired now."
        assert people(argent) == [("eve", "paired")]
        assert asked[0] not in argent("pair", "list").output

    def test_an_owner_is_named_as_one(self, argent: Run, alone: Home, asked: list[str]) -> None:
        done = argent("pair", "approve", asked[0], "--as", "owner", "--json")

        assert json.loads(done.output)["standing"] == "owner"
        assert people(argent) == [("eve", "owner")]

    def test_a_code_may_be_typed_as_people_do(
        self, argent: Run, alone: Home, asked: list[str]
    ) -> None:
        typed = f"{asked[0][:4]}-{asked[0][4:]}".lower()

        assert argent("pair", "approve", typed).exit_code == 0

    def test_a_group(self, argent: Run, alone: Home, asked: list[str]) -> None:
        said = argent("pair", "approve", asked[2])

        assert said.output == "The group Everybody (#all) on irc is allowed.\n"
        (group,) = json.loads(argent("pair", "people", "--json").output)["groups"]
        assert (group["chat"], group["standing"]) == ("#all", "allowed")

    def test_one_who_is_sent_away(self, argent: Run, alone: Home, asked: list[str]) -> None:
        assert argent("pair", "deny", asked[0]).output == "Eve (eve) on irc is denied.\n"
        assert argent("pair", "approve", asked[0]).exit_code == 1
        assert people(argent) == []

    def test_a_code_that_nobody_has_and_too_many_of_them(
        self, argent: Run, alone: Home, asked: list[str]
    ) -> None:
        wrong = [argent("pair", "approve", "22222222") for _ in range(5)]
        right = argent("pair", "approve", asked[0])

        assert wrong[0].exit_code == right.exit_code == 1
        assert "nobody asks with the code '22222222'" in wrong[0].output
        assert "5 codes were wrong, so none is taken until" in wrong[4].output
        assert "5 codes were wrong, so none is taken until" in right.output

    def test_at_a_terminal_the_first_is_asked_about(
        self, installation: Installation, asked: list[str]
    ) -> None:
        first = installation.talk("pair", "approve", asked[0], answers=[("Is this you?", "y")])
        second = installation.talk("pair", "approve", asked[1])

        assert "Eve (eve) on irc asks to be let in." in first
        assert "Eve (eve) on irc is an owner now." in first
        assert "Is this you?" not in second
        assert "Bob (bob) on irc is paired now." in second


class TestInvitations:
    def test_one_for_oneself(self, argent: Run, alone: Home) -> None:
        made = json.loads(
            argent("pair", "invite", "--as", "owner", "--channel", "irc", "--json").output
        )

        assert (made["standing"], made["channel"], len(made["code"])) == ("owner", "irc", 8)

    def test_one_for_a_friend(self, argent: Run, alone: Home) -> None:
        code, words, until = argent("pair", "invite").output.splitlines()

        assert len(code) == 8
        assert words.endswith("is let in as a paired person.")
        assert until.startswith("It holds once, until ")

    def test_there_are_not_more_than_ten(self, argent: Run, alone: Home) -> None:
        codes = [argent("pair", "invite", "--json").exit_code for _ in range(11)]

        assert codes == [0] * 10 + [1]


class TestPeople:
    def test_nobody(self, argent: Run, alone: Home) -> None:
        assert argent("pair", "people").output.startswith("Nobody is on record.")

    def test_those_of_the_settings_are_listed_too(self, argent: Run, alone: Home) -> None:
        alone.config_file.write_text(
            '{"version": 1, "agent": {"plugins": []},'
            ' "people": {"owners": {"irc": ["ada"]}, "allow": {"irc": ["bob"]}}}'
        )

        assert people(argent) == [("ada", "owner"), ("bob", "paired")]
        assert "ada" in argent("pair", "people").output
        refused = argent("pair", "revoke", "irc", "ada")
        assert refused.exit_code == 1
        assert "the setting people.owners.irc; take them out there" in refused.output

    def test_a_channel_that_is_misspelt_is_not_blocked_on(
        self, argent: Run, alone: Home, asked: list[str]
    ) -> None:
        for words in (["block", "ircc", "eve"], ["allow-group", "ircc", "#all"]):
            refused = argent("pair", *words)
            assert refused.exit_code == 1
            assert 'no channel "ircc" is known. Did you mean "irc"?' in refused.output
        strange = argent("pair", "block", "pigeon-post", "eve").output
        assert 'no channel "pigeon-post" is known. There are: ' in strange and "irc" in strange
        assert people(argent) == []

    def test_block_and_revoke(self, argent: Run, alone: Home, asked: list[str]) -> None:
        assert argent("pair", "block", "irc", "eve").output == "eve on irc is blocked.\n"
        assert people(argent) == [("eve", "blocked")]
        assert argent("pair", "revoke", "irc", "eve").output == "eve on irc is a stranger now.\n"
        assert people(argent) == []
        again = argent("pair", "revoke", "irc", "eve")
        assert "nobody called eve on irc is on record" in again.output

    @pytest.mark.parametrize(("word", "standing"), [("allow", "allowed"), ("forbid", "forbidden")])
    def test_groups_by_name(
        self, argent: Run, alone: Home, asked: list[str], word: str, standing: str
    ) -> None:
        said = argent("pair", f"{word}-group", "irc", "-100123")

        assert said.output == f"The group -100123 on irc is {standing}.\n"
        assert "-100123" in argent("pair", "people").output

    @pytest.mark.parametrize("name", ["", "e\nve", "x" * 500])
    def test_names_that_are_none(
        self, argent: Run, alone: Home, asked: list[str], name: str
    ) -> None:
        refused = argent("pair", "block", "irc", name)

        assert refused.exit_code == 1
        assert "a channel and a name on it are needed" in refused.output


def test_a_user_whom_the_system_has_no_name_for_is_their_number(
    argent: Run, alone: Home, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_242_424)

    assert argent("pair", "invite").exit_code == 0
    assert argent("pair", "approve", asked[0]).exit_code == 0
    assert argent("pair", "block", "irc", "mallory").exit_code == 0
    assert argent("pair", "allow-group", "irc", "#all").exit_code == 0
    assert "no open approval" in argent("approvals", "allow", "1a2b3c4d").output
    found = json.loads(argent("pair", "people", "--json").output)
    assert {row["by"] for row in [*found["people"], *found["groups"]]} == {"4242424"}


@pytest.mark.parametrize(
    "command",
    [
        "list",
        "approve",
        "deny",
        "invite",
        "people",
        "revoke",
        "block",
        "allow-group",
        "forbid-group",
    ],
)
def test_every_command_shows_how_it_is_used(argent: Run, command: str) -> None:
    assert f"argent pair {command}" in argent("pair", command, "--help").output
