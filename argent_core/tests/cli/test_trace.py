from __future__ import annotations

import json

from argent_core.paths import Home
from argent_hookspecs import ModelRejected, ToolCall

from .conftest import Agents, Remember, Run


def test_the_newest_turns(argent: Run, remember: Remember) -> None:
    one, two = remember(hello="hi", bye="See you.")

    shown, as_json = argent("trace"), argent("trace", "--json", "--limit", "1")

    head, first, second = shown.output.splitlines()
    assert head.split() == ["TURN", "STATE", "CONVERSATION", "STARTED", "MODEL", "ANSWER"]
    assert first.split()[:3] == [two, "done", "home"] and first.endswith("See you.")
    assert second.split()[0] == one
    assert [turn["turn"] for turn in json.loads(as_json.output)] == [two]


def test_one_is_explained(argent: Run, remember: Remember) -> None:
    (id,) = remember(hello="hi")

    shown = argent("trace", id[:7])

    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    assert lines[0] == f"Turn {id} in home: done"
    assert "  message from memory, owner: hello" in lines
    assert any(line.startswith("  AGENTS.md (argent/workspace, owner, stable, ") for line in lines)
    assert "Route: score 0.05 (tokens 0.05)" in lines
    assert "  tier local: scripted of scripted (by its score)" in lines
    assert "  0 model scripted done" in lines
    assert "Answer: hi" in lines
    assert any(line.startswith("Reply to memory: sent, receipt memory-1") for line in lines)


def test_the_history_that_was_told_is_part_of_it(argent: Run, remember: Remember) -> None:
    remember(hello="hi", bye="See you.", again="Hello.")

    shown, as_json = argent("trace", "--last"), argent("trace", "--last", "--json")

    (line,) = [line for line in shown.output.splitlines() if "exchange" in line]
    assert line.startswith("  2 earlier exchanges (argent/history, owner, stable, about ")
    (told,) = [
        b for b in json.loads(as_json.output)["context"] if b["provider"] == "argent/history"
    ]
    assert told["source"] == "2 earlier exchanges" and told["tokens"] > 10
    assert told["left_out"] == ""


def test_the_last_one_with_a_tool_that_waits(argent: Run, remember: Remember) -> None:
    remember(hello="hi", write=ToolCall("1", "send", {"text": "hi"}))

    shown = argent("trace", "--last")

    assert "waiting a person's word is needed" in shown.output
    assert "send open" in shown.output


def test_as_json_it_is_everything(argent: Run, remember: Remember) -> None:
    (id,) = remember(hello=ModelRejected("the key is wrong"))

    found = json.loads(argent("trace", "--last", "--json").output)

    assert (found["turn"], found["state"], found["reason"]) == (id, "dead", "the key is wrong")
    assert found["steps"][0]["state"] == "intent"


def test_one_that_does_not_exist(argent: Run, remember: Remember) -> None:
    remember(hello="hi")

    for words in (["trace", "zzz"], ["trace", "zzz", "--json"]):
        shown = argent(*words)
        assert shown.exit_code == 1
        assert "There is no such turn. See: argent trace" in shown.output


def test_when_there_are_none(argent: Run, alone: Home) -> None:
    assert argent("trace").output == "There are no turns yet. Begin with: argent chat\n"
    assert argent("trace", "--json").output == "[]\n"
    assert argent("trace", "--last").exit_code == 1


def test_of_a_running_agent(argent: Run, agents: Agents) -> None:
    with agents("hello") as agent:
        agent.wait_for("reply")
        shown = argent("trace", "--last")

    assert "Answer: You said: hello" in shown.output


def test_what_was_said_cannot_steer_the_terminal(argent: Run, remember: Remember) -> None:
    evil = "\x1b[2J\x9b31mred \u202e\ud83d end"
    (id,) = remember(**{evil: evil})

    for words in (["trace"], ["trace", id], ["events", "list"], ["events", "show", id]):
        shown = argent(*words)
        assert shown.exit_code == 0
        assert "31mred" in shown.output and " end" in shown.output
        assert not set("\x1b\x9b\u202e\ud83d") & set(shown.output)
    as_json = argent("events", "show", id, "--json").output
    assert not set("\x1b\x9b\u202e\ud83d") & set(as_json)
    assert json.loads(as_json)["event"]["content"] == [{"text": evil}]
