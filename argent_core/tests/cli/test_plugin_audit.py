"""A person looks at what plugins bring, and decides which may load."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from argent_core.paths import Home

from .conftest import Agents, Installation

GOOD = """
from argent_hookspecs import Plugin, hookimpl
@hookimpl
def argent_plugin():
    return Plugin(summary="A good one.")
"""


def hash_of(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def install(
    site: Path,
    name: str,
    *,
    version: str = "1.0",
    plugin: str = "",
    requires: tuple[str, ...] = (),
    **files: str,
) -> None:
    """Install a distribution as installers do, with a RECORD; files are named by their paths."""
    package = name.replace("-", "_")
    for old in site.glob(f"{package}-*.dist-info"):
        for file in old.iterdir():
            file.unlink()
        old.rmdir()
    info = f"{package}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
    contents = {
        f"{package}/__init__.py": GOOD,
        **{path.replace("__", "/"): text for path, text in files.items()},
        f"{info}/METADATA": f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/entry_points.txt": f"[argent]\n{plugin} = {package}\n" if plugin else "",
    }
    rows = []
    for path, text in contents.items():
        target = site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        rows.append(f"{path},sha256={hash_of(text)},{len(text)}\n")
    (site / info / "RECORD").write_text("".join([*rows, f"{info}/RECORD,,\n"]))


def states(installation: Installation) -> dict[str, Any]:
    listed = json.loads(installation.run("plugins", "list", "--json").stdout)
    return {plugin["name"]: (plugin["state"], plugin["reason"]) for plugin in listed}


def log_of(home: Home) -> str:
    return "".join(path.read_text() for path in sorted(home.logs.iterdir()))


@pytest.fixture
def site(installation: Installation) -> Path:
    """An installation on which an agent was set up, with one plugin and a library of its."""
    install(installation.site, "their-library", version="2.1")
    install(
        installation.site,
        "argent-first",
        plugin="first",
        requires=("Their_Library>=2", 'absent; extra == "x"', 'never; os_name == "amiga"'),
    )
    assert states(installation)["first"] == ("running", "")
    return installation.site


class TestApproval:
    def test_what_was_there_first_is_approved(
        self, installation: Installation, site: Path, home: Home
    ) -> None:
        lock = home.data / "plugins.lock.json"
        content = json.loads(lock.read_text())

        assert lock.stat().st_mode & 0o777 == 0o600
        assert content["plugins"]["first"] == "argent-first"
        library = content["distributions"]["their-library"]
        assert (library["version"], library["plugins"]) == ("2.1", ["first"])
        assert library["digest"].startswith("sha256:")
        assert "these plugins are approved" in log_of(home)

    def test_at_the_first_start_what_is_approved_unasked_is_said_aloud(
        self, installation: Installation
    ) -> None:
        install(installation.site, "argent-first", plugin="first")

        first, second = (installation.run("plugins", "list", "--json") for _ in range(2))

        (line,) = first.stderr.splitlines()
        assert line.startswith("First start: these plugins are there, and so they are approved: ")
        assert "first" in line and line.endswith("see argent plugins audit")
        assert second.stderr == ""

    def test_what_came_later_waits_for_a_word(self, installation: Installation, site: Path) -> None:
        install(site, "argent-later", plugin="later")

        before = states(installation)
        doctor = installation.run("doctor")
        approved = installation.run("plugins", "approve", "later")
        after = states(installation)

        state, reason = before["later"]
        assert state == "not approved"
        assert "argent plugins audit later. Then: argent plugins approve later" in reason
        assert before["first"] == ("running", "")
        assert "!! approval: later is installed, and may not load" in doctor.stdout
        assert approved.stdout == "later is approved; it loads at the next start\n"
        assert after["later"] == ("running", "")

    def test_who_asks_for_a_tier_hears_what_waits(
        self, installation: Installation, site: Path
    ) -> None:
        install(site, "argent-tier-huge", plugin="tier-huge")
        words = (
            ["models", "list"],
            ["models", "test", "huge"],
            ["chat", "--message", "/model huge"],
        )

        listed, tried, chosen = (installation.run(*command) for command in words)

        remedy = "argent plugins approve tier-huge"
        assert f"More may come with what waits for you: {remedy}" in listed.stdout
        assert tried.returncode == 1
        assert f"tier-huge may bring it, and waits for your approval: {remedy}" in tried.stderr
        assert chosen.returncode == 1
        assert "There is no huge. There are: auto, local" in chosen.stderr
        assert f"tier-huge may bring it, and waits for your approval: {remedy}" in chosen.stderr

    def test_nothing_imports_what_waits(
        self, installation: Installation, site: Path, tmp_path: Path
    ) -> None:
        trace = tmp_path / "it-ran"
        install(site, "argent-later", plugin="later")
        spy = f"open({str(trace)!r}, 'w').close()\n{GOOD}"
        (site / "argent_later" / "__init__.py").write_text(spy)

        for words in ("status", "doctor", "plugins list", "plugins audit", "config check"):
            installation.run(*words.split())
        installation.run("config", "set", "plugins.later.x", "1")
        before = trace.exists()
        installation.run("plugins", "approve", "later")
        installation.run("status")

        assert not before
        assert trace.exists()

    def test_one_of_another_distribution_is_another_one(
        self, installation: Installation, site: Path
    ) -> None:
        (site / "argent_first-1.0.dist-info" / "entry_points.txt").write_text("")
        install(site, "evil-first", plugin="first")

        state, reason = states(installation)["first"]

        assert state == "not approved"
        assert "it comes from evil-first now, and was approved as part of argent-first" in reason

    def test_to_name_it_in_the_settings_is_a_word(
        self, installation: Installation, site: Path, home: Home
    ) -> None:
        install(site, "argent-later", plugin="later")
        home.config_file.write_text('{"version": 1, "agent": {"plugins": ["later"]}}')

        assert states(installation)["later"] == ("running", "")
        assert "agent.plugins names them: later" in log_of(home)

    def test_to_set_it_up_is_a_word_but_to_ask_how_is_none(
        self, installation: Installation, site: Path
    ) -> None:
        set_up = "import click\n@click.command()\ndef set_up():\n    print('set up')\n"
        install(site, "argent-later", plugin="later")
        (site / "argent_later" / "commands.py").write_text(set_up)
        points = site / "argent_later-1.0.dist-info" / "entry_points.txt"
        points.write_text(
            points.read_text() + "[argent.init]\nlater = argent_later.commands:set_up\n"
        )

        asked = installation.run("init", "later", "--help")
        before = states(installation)
        done = installation.run("init", "later")

        assert asked.returncode == 0
        assert before["later"][0] == "not approved"
        assert done.stdout == "set up\n"
        assert states(installation)["later"] == ("running", "")

    def test_a_home_from_before_approves_all_that_is_there(
        self, installation: Installation, site: Path, home: Home
    ) -> None:
        (home.data / "plugins.lock.json").unlink()
        install(site, "argent-later", plugin="later")

        assert states(installation)["later"] == ("running", "")

    def test_nothing_loads_by_a_damaged_lock(
        self, installation: Installation, site: Path, home: Home
    ) -> None:
        (home.data / "plugins.lock.json").write_text("{")

        state, reason = states(installation)["first"]
        audit = installation.run("plugins", "audit")
        accepted = installation.run("plugins", "audit", "--accept")
        installation.run("plugins", "approve", "--all")

        assert state == "not approved"
        assert audit.returncode == 1 and "plugins.lock.json is damaged" in audit.stdout
        assert accepted.returncode == 1 and "approve --all" in accepted.stderr
        assert "plugins.lock.json is damaged" in reason and "approve --all" in reason
        assert states(installation)["first"] == ("running", "")

    def test_one_that_is_not_there(self, installation: Installation, site: Path) -> None:
        approved = installation.run("plugins", "approve", "zzz")

        assert approved.returncode == 1
        assert "there is no plugin 'zzz'; there are: " in approved.stderr

    def test_takes_effect_at_once_in_an_agent_that_runs(
        self, installation: Installation, site: Path
    ) -> None:
        install(site, "argent-later", plugin="later")

        with Agents(installation).running("start") as agent:
            up = agent.wait_for("Argent runs, with ")
            waiting = agent.wait_for("New, and waiting for you: ")
            install(site, "argent-last", plugin="last")
            done = installation.run("plugins", "approve", "later", "last").stdout
            after = states(installation)

        assert "first" in up and "later" not in up
        assert waiting == "argent plugins approve later"
        assert "later is approved; it is running\n" in done
        assert "last is approved; it loads at the next start\n" in done
        assert after["later"] == ("running", "")
        assert states(installation)["last"] == ("running", "")

    def test_help_says_how(self, installation: Installation) -> None:
        assert installation.run("plugins", "approve").returncode == 2
        assert "argent plugins approve --all" in installation.run("plugins", "approve", "-h").stdout


class TestDrift:
    def test_is_told_by_name_until_it_is_accepted(
        self, installation: Installation, site: Path, home: Home
    ) -> None:
        install(site, "their-library", version="2.2")

        status = json.loads(installation.run("status", "--json").stdout)
        shown = installation.run("status").stdout
        doctor = installation.run("doctor").stdout
        audit = installation.run("plugins", "audit")
        accepted = installation.run("plugins", "audit", "--accept").stdout
        after = json.loads(installation.run("status", "--json").stdout)

        words = "their-library was 2.1 and is 2.2 (of first)"
        assert status["drift"] == [words]
        assert f"! {words}" in shown and f"!! drift: {words}" in doctor
        assert audit.returncode == 1 and f"! {words}" in audit.stdout
        assert words in log_of(home)
        assert accepted == f"accepted: {words}\n"
        assert after["drift"] == []
        assert installation.run("plugins", "audit").returncode == 0

    def test_of_files_of_the_same_version(self, installation: Installation, site: Path) -> None:
        install(site, "their-library", version="2.1", their_library__more="x = 1\n")

        status = json.loads(installation.run("status", "--json").stdout)

        assert status["drift"] == ["their-library 2.1 has other files than before (of first)"]

    def test_of_what_is_new_and_what_is_gone(self, installation: Installation, site: Path) -> None:
        install(site, "another-library")
        install(site, "argent-first", plugin="first", requires=("another-library",))

        status = json.loads(installation.run("status", "--json").stdout)

        assert status["drift"] == [
            "another-library 1.0 is new (of first)",
            "argent-first 1.0 has other files than before (of first)",
            "their-library 2.1 is gone (of first)",
        ]

    def test_of_nothing_is_nothing(self, installation: Installation, site: Path) -> None:
        record = site / "their_library-2.1.dist-info" / "RECORD"
        record.write_text(record.read_text())  # the same again, at another time

        assert json.loads(installation.run("status", "--json").stdout)["drift"] == []

    def test_is_not_hidden_by_approving_another(
        self, installation: Installation, site: Path
    ) -> None:
        install(site, "their-library", version="2.2")
        install(site, "argent-later", plugin="later", requires=("their-library",))

        installation.run("plugins", "approve", "later")

        status = json.loads(installation.run("status", "--json").stdout)
        assert status["drift"] == ["their-library was 2.1 and is 2.2 (of first, later)"]

    def test_is_accepted_in_an_agent_that_runs(
        self, installation: Installation, site: Path
    ) -> None:
        install(site, "their-library", version="2.2")

        with Agents(installation).running("start") as agent:
            agent.wait_for("Argent runs, with ")
            before = json.loads(installation.run("status", "--json").stdout)
            installation.run("plugins", "audit", "--accept")
            after = json.loads(installation.run("status", "--json").stdout)

        assert before["running"] and len(before["drift"]) == 1
        assert after["running"] and after["drift"] == []

    def test_lock_takes_it_as_it_is(self, installation: Installation, site: Path) -> None:
        install(site, "their-library", version="2.2")

        locked = installation.run("plugins", "lock", "--json")

        words = "their-library was 2.1 and is 2.2 (of first)"
        assert json.loads(locked.stdout) == {"accepted": [words]}
        assert installation.run("plugins", "audit", "first").returncode == 0


class TestAudit:
    def test_what_stands_outside_of_packages(self, installation: Installation, site: Path) -> None:
        install(
            site,
            "argent-wide",
            plugin="wide",
            **{
                "wide.py": "",
                "wide.pth": "import wide\n",
                "wide_paths.pth": "elsewhere\n",
                "argent_wide__fast.cpython-311.so": "",
                "their_library__wide.py": "",
                "../bin/wide": "#!/bin/sh\n",
                "../share/wide.txt": "",
            },
        )

        found = json.loads(installation.run("plugins", "audit", "wide", "--json").stdout)

        (one,) = found["distributions"]
        brings = one["brings"]
        assert found["unapproved"] == ["wide"] and one["locked"] == "not approved"
        assert brings["modules"] == ["wide.py"]
        assert brings["startup"] == ["wide.pth"] and brings["paths"] == ["wide_paths.pth"]
        assert brings["scripts"] == ["../bin/wide"] and brings["data"] == ["../share/wide.txt"]
        assert brings["compiled"] == ["argent_wide/fast.cpython-311.so"]
        assert brings["shared"] == {"their_library": ["their-library"]}
        assert set(brings["outside"]) == {
            "wide.py",
            "wide.pth",
            "wide_paths.pth",
            "../bin/wide",
            "../share/wide.txt",
        }

    def test_in_words(self, installation: Installation, site: Path) -> None:
        install(site, "argent-wide", plugin="wide", **{"wide.pth": "import wide\n"})

        shown = installation.run("plugins", "audit", "wide").stdout

        assert "argent-wide: runs whenever Python starts: wide.pth" in shown
        assert "wide may not load yet; if it should: argent plugins approve wide" in shown

    def test_verify_compares_each_file(self, installation: Installation, site: Path) -> None:
        sound = installation.run("plugins", "audit", "first", "--verify")
        (site / "their_library" / "__init__.py").write_text("import os\n")
        (site / "argent_first" / "hidden.py").write_text("")
        changed = installation.run("plugins", "audit", "first", "--verify")

        assert sound.returncode == 0
        assert "All files that are listed are as they were installed." in sound.stdout
        assert changed.returncode == 1
        assert "! their_library/__init__.py is not as it was installed" in changed.stdout
        assert "! argent_first/hidden.py is not listed" in changed.stdout

    def test_a_checkout_is_not_locked(
        self, installation: Installation, site: Path, home: Home
    ) -> None:
        shown = json.loads(installation.run("plugins", "audit", "basics", "--json").stdout)

        (basics,) = (one for one in shown["distributions"] if one["name"] == "argent-basics")
        assert basics["locked"] == "editable, not locked"
        locked = json.loads((home.data / "plugins.lock.json").read_text())
        assert locked["distributions"]["argent-basics"]["editable"] is True

    def test_help_says_what_it_cannot(self, installation: Installation) -> None:
        assert "does not say whether it is good" in installation.run(
            "plugins", "audit", "--help"
        ).stdout.replace("\n  ", " ")
