from __future__ import annotations

from typing import Any

from argent_terminal.summary import history_text, status_text, trace_text

MODEL = {"tier": "local", "provider": "llama", "model": "small"}
STEP = {
    "kind": "tool",
    "name": "calc",
    "state": "done",
    "request": {"arguments": {"expression": "1+1\n" * 100}},
    "result": {"text": "2\n" * 100},
}


def plugin(name: str, state: str) -> dict[str, Any]:
    return {"name": name, "state": state, "reason": "its key is missing"}


def test_an_agent_in_trouble_is_told_in_a_few_lines() -> None:
    text = status_text(
        {
            "agent": "home",
            "state": "idle",
            "refusing": "the disk is full",
            "models": [{**MODEL, "problem": "it is not there"}] * 9,
            "tools": [f"tool-{number}" for number in range(100)],
            "plugins": [plugin("mail", "failed")] * 9 + [plugin("basics", "running")] * 9,
            "events": {"ready": 1, "leased": 1, "waiting": 1, "dead": 2},
            "replies": {"pending": 1, "unknown": 0},
            "approvals": 1,
        }
    )

    lines = text.splitlines()
    assert len(lines) <= 15 and max(map(len, lines)) <= 160
    assert lines[:2] == ["home is idle.", "! It takes no messages: the disk is full"]
    assert "! mail failed: its key is missing" in lines
    assert "Plugins: 9 running, 9 not" in lines
    assert "Under way or waiting: 3" in lines
    assert "Replies not delivered: 1 pending; see: argent replies list" in lines


def test_a_long_turn_is_told_in_a_few_lines() -> None:
    text = trace_text(
        {
            "turn": "abc",
            "state": "dead",
            "reason": "it took too long",
            "started_at": "2026-01-02T03:04:05.000+00:00",
            "finished_at": "2026-01-02T03:04:07.500+00:00",
            "events": [{"event": {"content": [{"text": "Why?\n" * 100}]}}],
            "context": [{"source": "SOUL.md", "left_out": ""}, {"source": "x", "left_out": "no"}],
            "route": {**MODEL, "score": 0.5, "factors": {"tokens": 0.5, "tools": 0.0}},
            "steps": [STEP] * 30,
            "usage": {"input_tokens": 4, "output_tokens": 2, "cost": 0.0},
            "replies": [{"state": "sent", "reason": ""}] * 9,
        }
    )

    lines = text.splitlines()
    assert len(lines) <= 15 and max(map(len, lines)) <= 160
    assert lines[0] == "The last answer here: dead (it took too long), in 2.5 s"
    assert "Given to know: SOUL.md" in lines
    assert "· and 26 more tool calls" in lines
    assert lines[-1] == "All of it: argent trace abc"
    assert "the message weighs 0.5: tokens 0.5" in text


def test_a_turn_that_has_only_begun_is_told_as_far_as_it_is() -> None:
    text = trace_text({"turn": "abc", "state": "running", "route": {"model": None}})

    assert text == (
        "The last answer here: running\nModel: none was chosen\nAll of it: argent trace abc"
    )


def test_a_history_tells_short_messages_whole_and_cuts_long_ones() -> None:
    said = [
        {"asked": "hi", "answered": "one\ntwo"},
        {"asked": "x" * 1000, "answered": "word\n" * 9},
    ]

    assert history_text(said, "> ") == (
        "> hi\none\ntwo\n\n> " + "x" * 400 + "…\n" + "\n".join(["word"] * 6) + "…"
    )
