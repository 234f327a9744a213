from __future__ import annotations

import json
from typing import Any

import pytest

from argent_core.paths import Home

from .conftest import Agents, Installation, Run

GOOD = """
from argent_hookspecs import Plugin, hookimpl
@hookimpl
def argent_plugin():
    return Plugin(summary="A good one.")
"""


def allow(home: Home, *names: str) -> None:
    home.create()
    home.config_file.write_text(json.dumps({"version": 1, "agent": {"plugins": names}}))


class TestList:
    def test_each_with_its_state_and_why(self, installation: Installation, home: Home) -> None:
        installation.add("argent-good", plugins="good = good", good=GOOD)
        installation.add("argent-bad", plugins="bad = bad", bad="import no_such_module")
        installation.add("argent-odd", plugins="odd = odd", odd=f"{GOOD}\ndef argent_tool(): ...")
        allow(home, "good", "bad", "odd")

        shown, as_json = (
            installation.run("plugins", "list"),
            installation.run("plugins", "list", "--json"),
        )

        rows = {line.split()[0]: line for line in shown.stdout.splitlines()}
        assert rows["good"].split(None, 3)[1:] == ["1.0", "running", "A good one."]
        assert "failed" in rows["bad"] and "No module named 'no_such_module'" in rows["bad"]
        assert "there is no hook argent_tool; did you mean argent_tools?" in rows["odd"]
        assert "not approved" in rows["basics"]
        assert "Argent does not run; this is how they would start." in shown.stderr
        found = {plugin["name"]: plugin for plugin in json.loads(as_json.stdout)}
        assert found["good"]["distribution"] == "argent-good"

    def test_of_a_running_agent(self, argent: Run, agents: Agents) -> None:
        with agents():
            found = json.loads(argent("plugins", "list", "--json").output)

        assert {p["name"]: p["state"] for p in found}["play"] == "running"

    def test_one_that_was_installed_while_the_agent_runs_is_named(
        self, installation: Installation, agents: Agents, home: Home
    ) -> None:
        home.config_file.unlink()
        with agents.running("start") as agent:
            agent.wait_for("Argent runs")
            installation.add("argent-later", plugins="later = later", later=GOOD)
            waits = installation.run("plugins", "list").stdout
            installation.run("plugins", "approve", "later")
            approved = installation.run("plugins", "list").stdout

        (before,) = [line for line in waits.splitlines() if line.startswith("later ")]
        (after,) = [line for line in approved.splitlines() if line.startswith("later ")]
        late = "it was installed while the agent runs, and loads only when that starts again"
        assert before.split(None, 2)[2].startswith("not approved")
        assert f"Then: argent plugins approve later; {late}" in before
        assert after.split(None, 3)[2:] == ["discovered", late]

    def test_two_distributions_with_one_name(self, installation: Installation, home: Home) -> None:
        installation.add("their-good", plugins="good = their_good", their_good=GOOD)
        installation.add("my-good", plugins="good = my_good", my_good=GOOD)
        allow(home, "good")

        shown = installation.run("plugins", "list")

        assert "my-good and their-good both bring it; uninstall one of them" in shown.stdout


class TestSwitch:
    def test_while_no_agent_runs(self, installation: Installation, home: Home) -> None:
        installation.add("argent-good", plugins="good = good", good=GOOD)
        allow(home, "good")

        off = installation.run("plugins", "disable", "good")
        on = installation.run("plugins", "enable", "good")

        words = "good is disabled: enable it with: argent plugins enable good (Argent does not run)"
        assert off.stdout.strip() == words
        assert on.stdout.strip() == "good is running (Argent does not run)"
        section = json.loads(home.config_file.read_text())["plugins"]["good"]
        assert section == {"enabled": True}

    def test_while_an_agent_runs(self, argent: Run, agents: Agents) -> None:
        with agents():
            off = argent("plugins", "disable", "play")
            status = json.loads(argent("status", "--json").output)
            on = argent("plugins", "enable", "play")

        assert off.output.startswith("play is disabled")
        assert status["models"] == [] and status["tools"] == []
        assert on.output == "play is running\n"

    @pytest.mark.parametrize(
        ("before", "place"),
        [
            ({}, ("memory",)),
            ({"memory": {"workerPort": 0}}, ("memory",)),
            ({"plugins": {"memo": {"workerPort": 0}}}, ("plugins", "memo")),
        ],
    )
    def test_it_is_written_where_the_settings_stand(
        self, installation: Installation, home: Home, before: Any, place: tuple[str, ...]
    ) -> None:
        installation.add("argent-memo", plugins="memo = good", good=GOOD)
        home.create()
        home.config_file.write_text(json.dumps({"agent": {"plugins": ["memo"]}, **before}))

        off = installation.run("plugins", "disable", "memo")
        written = json.loads(home.config_file.read_text())
        section = written
        for name in place:
            section = section[name]

        assert off.stdout.startswith("memo is disabled"), off.stderr
        assert section["enabled"] is False
        assert "memo" not in written.get("plugins", {}) or "memory" not in written

    def test_an_unknown_one(self, argent: Run, alone: Home) -> None:
        switched = argent("plugins", "enable", "zzz")

        assert switched.exit_code == 1
        assert "there is no plugin 'zzz'; there are: " in switched.output
        assert "zzz" not in alone.config_file.read_text()
