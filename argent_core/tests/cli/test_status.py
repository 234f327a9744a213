from __future__ import annotations

import json

from argent_core.paths import Home

from .conftest import Agents, Installation, Remember, Run


def test_without_a_home_it_says_how_to_begin(argent: Run, home: Home) -> None:
    shown = argent("status")

    assert shown.exit_code == 1
    assert f"There is no agent in {home.root} yet. Begin with: argent init" in shown.output


def test_of_an_agent_that_does_not_run(agents: Agents, installation: Installation) -> None:
    shown = installation.run("status")

    assert (shown.returncode, shown.stderr) == (0, "")
    assert "argent-main does not run." in shown.stdout
    assert "  local: obedient-1 (play)\n    good for: tests of commands" in shown.stdout
    assert "    better: Install a real one." in shown.stdout
    assert "Tools: send" in shown.stdout
    assert "  play 1.0 running" in shown.stdout
    assert "Events: 0 under way or waiting, 0 dead" in shown.stdout


def test_of_one_that_runs(agents: Agents, argent: Run) -> None:
    with agents("hang on") as agent:
        agent.wait_for("asked")
        shown, as_json = argent("status"), argent("status", "--json")

    assert f"argent-main is processing (process {agent.process.pid})." in shown.output
    assert "Events: 1 under way or waiting, 0 dead" in shown.output
    found = json.loads(as_json.output)
    assert (found["running"], found["pid"], found["state"]) == (
        True,
        agent.process.pid,
        "processing",
    )
    assert "health" not in found


def test_deep_asks_the_plugins(agents: Agents, argent: Run) -> None:
    with agents():
        shown, as_json = argent("status", "--deep"), argent("status", "--deep", "--json")

    assert "  !! play/ink: there is no ink\n     Buy ink." in shown.output
    (health,) = json.loads(as_json.output)["health"]
    assert (health["check"], health["ok"]) == ("ink", False)


def test_it_says_what_needs_the_person(argent: Run, remember: Remember) -> None:
    from argent_hookspecs import ModelRejected, ToolCall

    remember(one=ModelRejected("no"), two=ToolCall("1", "send", {"text": "hi"}))

    shown = argent("status")

    assert "Events: 1 under way or waiting, 1 dead" in shown.output
    assert "argent events list --state dead" in shown.output
    assert "Approvals: 1 wait for you; see: argent approvals list" in shown.output


def test_without_a_model_it_says_how_to_get_one(argent: Run, alone: Home) -> None:
    shown = argent("status")

    assert shown.exit_code == 0
    assert "none. What to do: pip install argent-llama" in shown.output
