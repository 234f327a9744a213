from __future__ import annotations

from argent_core.paths import Home

from .conftest import Agents, Run


def test_without_an_agent_it_says_how_to_start_one(argent: Run, alone: Home) -> None:
    for words in (["stop"], ["stop", "home"], ["stop", "--agent"]):
        stopped = argent(*words)

        assert stopped.exit_code == 1
        assert "Argent does not run; start it with: argent start" in stopped.output


def test_the_answer_being_given(agents: Agents, argent: Run) -> None:
    with agents("hang on") as agent:
        agent.wait_for("asked hang on")
        elsewhere, stopped, again = (
            argent("stop", "play:work"),
            argent("stop", "play:home"),
            argent("stop"),
        )

    assert [elsewhere.output, stopped.output, again.output] == [
        "Nothing was being answered.\n",
        "1 answer was stopped.\n",
        "Nothing was being answered.\n",
    ]
    assert {elsewhere.exit_code, stopped.exit_code, again.exit_code} == {0}


def test_the_agent_itself(agents: Agents, argent: Run) -> None:
    with agents() as agent:
        stopped = argent("stop", "--agent")
        code, printed = agent.end()

    assert (stopped.exit_code, stopped.output) == (0, "Argent stops…\nArgent has stopped.\n")
    assert code == 0 and "Stopping…" in printed
