from __future__ import annotations

import json
from datetime import datetime

import pytest

from argent_core.paths import Home
from argent_hookspecs import ModelRejected, ToolCall

from .conftest import Agents, Remember, Run

WRONG = ModelRejected("the key is wrong")


class TestList:
    def test_newest_first(self, argent: Run, remember: Remember) -> None:
        one, two = remember(hello="hi", help=WRONG)

        shown, as_json = argent("events", "list"), argent("events", "list", "--json")

        head, first, second = shown.output.splitlines()
        assert head.split() == ["ID", "STATE", "KIND", "CONVERSATION", "CREATED", "WHAT"]
        assert first.split()[:4] == [two, "dead", "message", "home"]
        assert first.endswith("help [the key is wrong]")
        assert second.split()[:2] == [one, "done"]
        found = json.loads(as_json.output)
        assert [event["id"] for event in found] == [two, one]
        assert found[0]["event"]["content"] == [{"text": "help"}]

    def test_times_are_those_of_the_persons_clock(self, argent: Run, remember: Remember) -> None:
        (id,) = remember(hello="hi")

        listed, shown = argent("events", "list"), argent("events", "show", id)
        (event,) = json.loads(argent("events", "list", "--json").output)

        created = datetime.fromisoformat(event["created_at"]).astimezone()
        assert f"  {created:%Y-%m-%d %H:%M:%S}  hello\n" in listed.output
        assert f"created_at    {created:%Y-%m-%d %H:%M:%S}\n" in shown.output

    def test_of_one_state_or_no_more_than_so_many(self, argent: Run, remember: Remember) -> None:
        _, two, three = remember(one="1", two=WRONG, three="3")

        dead = json.loads(argent("events", "list", "--state", "dead", "--json").output)
        newest = json.loads(argent("events", "list", "--limit", "1", "--json").output)

        assert [event["id"] for event in dead] == [two]
        assert [event["id"] for event in newest] == [three]

    def test_when_there_are_none(self, argent: Run, alone: Home) -> None:
        assert argent("events", "list").output == "There are none.\n"
        assert argent("events", "list", "--json").output == "[]\n"

    def test_a_state_that_is_none(self, argent: Run, alone: Home) -> None:
        shown = argent("events", "list", "--state", "lost")

        assert shown.exit_code == 2
        assert "'ready', 'leased', 'waiting', 'done', 'dead', 'cancelled'" in shown.output


class TestShow:
    def test_one_by_the_beginning_of_its_id(self, argent: Run, remember: Remember) -> None:
        (id,) = remember(help=WRONG)

        shown, as_json = argent("events", "show", id[:6]), argent("events", "show", id, "--json")

        rows = dict(line.split(None, 1) for line in shown.output.splitlines())
        assert (rows["id"], rows["state"], rows["says"]) == (
            id,
            "dead",
            "help [the key is wrong]",
        )
        assert json.loads(as_json.output)["reason"] == "the key is wrong"

    def test_one_that_does_not_exist(self, argent: Run, alone: Home) -> None:
        shown = argent("events", "show", "zzz")

        assert shown.exit_code == 1
        assert "there is no event 'zzz'; see: argent events list" in shown.output


class TestRetry:
    def test_a_dead_one_waits_for_the_next_start(
        self, argent: Run, agents: Agents, remember: Remember
    ) -> None:
        (id,) = remember(hello=WRONG)

        retried = argent("events", "retry", id[:8])

        assert (retried.exit_code, retried.output) == (0, f"Event {id} is ready now.\n")
        assert json.loads(argent("events", "show", id, "--json").output)["state"] == "ready"

    def test_a_running_agent_answers_it_at_once(self, argent: Run, agents: Agents) -> None:
        with agents("die now") as agent:
            assert "the key is wrong" in agent.wait_for("reply home ")
            (event,) = json.loads(argent("events", "list", "--json").output)
            retried = argent("events", "retry", event["id"], "--json")
            assert "the key is wrong" in agent.wait_for("reply home ")
            shown = json.loads(argent("trace", "--last", "--json").output)

        assert json.loads(retried.output)["id"] == event["id"]
        assert len({reply["key"] for reply in shown["replies"]}) == 2

    def test_one_that_is_done_is_not_retried(self, argent: Run, remember: Remember) -> None:
        (id,) = remember(hello="hi")

        retried = argent("events", "retry", id)

        assert retried.exit_code == 1
        assert f"event {id} is done; only one that is dead or cancelled can be retried" in (
            retried.output
        )


class TestDrop:
    @pytest.mark.parametrize(
        "answer", [WRONG, ToolCall("1", "send", {"text": "hi"})], ids=["dead", "waiting"]
    )
    def test_one_that_is_open_or_dead(
        self, argent: Run, remember: Remember, answer: object
    ) -> None:
        (id,) = remember(hello=answer)

        dropped = argent("events", "drop", id)

        assert (dropped.exit_code, dropped.output) == (0, f"Event {id} is cancelled now.\n")
        event = json.loads(argent("events", "show", id, "--json").output)
        assert (event["state"], event["reason"]) == ("cancelled", "dropped")
        assert argent("approvals", "list").output == "Nothing waits for you.\n"

    def test_one_that_is_done_is_not_dropped(self, argent: Run, remember: Remember) -> None:
        (id,) = remember(hello="hi")

        dropped = argent("events", "drop", id)

        assert dropped.exit_code == 1
        assert "only one that is ready or waiting or dead can be dropped" in dropped.output
