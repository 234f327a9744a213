from __future__ import annotations

import signal

import pytest

from argent_core.paths import Home

from .conftest import Agents, Installation, Run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_told_to_stop(
    agents: Agents, home: Home, number: signal.Signals
) -> None:
    with agents("hello") as agent:
        assert agent.wait_for("reply home ") == "You said: hello"
        agent.signal(number)
        code, printed = agent.end()

    assert code == 0
    assert "Stopping…" in printed and "Traceback" not in printed
    assert not (home.run / "link.json").exists()


def test_what_is_under_way_goes_on_at_the_next_start(agents: Agents) -> None:
    with agents("hang on") as agent:
        agent.wait_for("asked hang on")
        agent.signal(signal.SIGINT)
        assert agent.end()[0] == 0

    with agents("hang on") as agent:
        agent.wait_for("asked hang on")


def test_a_second_interrupt_ends_it_at_once(agents: Agents, home: Home) -> None:
    with agents("hello") as agent:
        agent.wait_for("reply")
        (home.plugin_data("play") / "stubborn").touch()
        agent.signal(signal.SIGINT)
        agent.wait_for("closing")
        agent.signal(signal.SIGINT)
        assert agent.end()[0] == 130


def test_an_exit_that_a_plugin_calls_for_does_not_end_it(agents: Agents) -> None:
    with agents("exit now", "hello") as agent:
        assert agent.wait_for("reply home ") == "You said: exit now"
        assert agent.wait_for("reply home ") == "You said: hello"
        agent.signal(signal.SIGTERM)
        code, printed = agent.end()

    assert code == 0, printed


def test_a_home_has_one_agent(agents: Agents, installation: Installation) -> None:
    with agents():
        second = installation.run("start")

    assert second.returncode == 1
    assert "already runs on" in second.stderr and "argent stop --agent" in second.stderr
    assert "Traceback" not in second.stderr


def test_wrong_settings_are_said_and_nothing_starts(
    agents: Agents, installation: Installation, home: Home
) -> None:
    home.config_file.write_text('{"version": 1, "loop": {"maxSteps": "many"}}')

    started = installation.run("start")

    assert started.returncode == 1
    assert "maxSteps" in started.stderr and '"many"' in started.stderr
    assert "Traceback" not in started.stderr


def test_its_help_says_how_to_stop_it(argent: Run) -> None:
    shown = argent("start", "--help")

    assert shown.exit_code == 0
    assert "argent stop --agent" in shown.output
