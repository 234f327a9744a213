from __future__ import annotations

import json

import pytest

from argent_core.paths import Home
from argent_hookspecs import ToolCall

from .conftest import Agents, Remember, Run

SEND = ToolCall("1", "send", {"text": "hi"})


def the_open_one(argent: Run) -> str:
    (approval,) = json.loads(argent("approvals", "list", "--json").output)
    return str(approval["id"])


def test_what_waits(argent: Run, remember: Remember) -> None:
    (turn,) = remember(write=SEND)

    shown, as_json = argent("approvals", "list"), argent("approvals", "list", "--json")

    assert '  send  {"text": "hi"}  ' in shown.output
    (found,) = json.loads(as_json.output)
    assert (found["tool"], found["turn"], found["arguments"]) == ("send", turn, {"text": "hi"})


def test_when_nothing_waits(argent: Run, alone: Home) -> None:
    assert argent("approvals", "list").output == "Nothing waits for you.\n"
    assert argent("approvals", "list", "--json").output == "[]\n"


@pytest.mark.parametrize(
    ("word", "said", "reply"),
    [("allow", "Allowed.\n", "It is sent."), ("deny", "Denied.\n", "did not allow it (denied)")],
)
def test_a_running_agent_goes_on_at_a_word(
    argent: Run, agents: Agents, word: str, said: str, reply: str
) -> None:
    with agents("send it") as agent:
        agent.wait_for("asked send it")
        while "[]" in argent("approvals", "list", "--json").output:
            pass
        answered = argent("approvals", word, the_open_one(argent))
        assert reply in agent.wait_for("reply home ")

    assert (answered.exit_code, answered.output) == (0, said)


def test_an_answer_while_no_agent_runs_holds_at_the_next_start(argent: Run, agents: Agents) -> None:
    with agents("send it") as agent:
        agent.wait_for("asked send it")
        while "[]" in argent("approvals", "list", "--json").output:
            pass
        argent("stop", "--agent")
        agent.end()

    assert argent("approvals", "allow", the_open_one(argent)).output == "Allowed.\n"

    with agents("send it") as agent:
        assert agent.wait_for("sent ") == "send it"
        assert agent.wait_for("reply home ") == "It is sent."


def test_one_that_does_not_wait_any_more(argent: Run, remember: Remember) -> None:
    remember(write=SEND)
    id = the_open_one(argent)
    argent("approvals", "deny", id)

    for words in (["allow", id], ["deny", id], ["allow", "zzz"]):
        answered = argent("approvals", *words)
        assert answered.exit_code == 1
        assert "There is no open approval" in answered.output
        assert "See: argent approvals list" in answered.output


def test_a_policy_that_is_set_meanwhile_holds_at_once(argent: Run, agents: Agents) -> None:
    with agents("send it") as agent:
        agent.wait_for("asked send it")
        while "[]" in argent("approvals", "list", "--json").output:
            pass
        turn = json.loads(argent("approvals", "list", "--json").output)[0]["turn"]
        assert argent("stop").output == "1 answer was stopped.\n"
        assert argent("config", "set", "tools.policy.send", "allow").exit_code == 0
        assert argent("events", "retry", turn).exit_code == 0
        assert agent.wait_for("reply home ") == "It is sent."
