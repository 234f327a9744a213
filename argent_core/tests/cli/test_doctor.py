from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from argent_core import file_uses
from argent_core.clock import SystemClock
from argent_core.config import FilesSettings
from argent_core.database import Database
from argent_core.encryption import Encryption
from argent_core.files import FileStore
from argent_core.paths import Home
from argent_core.schema import MIGRATIONS
from argent_core.secrets import SecretStore
from argent_hookspecs import ModelRejected

from .conftest import Agents, Installation, Remember, Run

PICKY = """
from argent_hookspecs import Plugin, hookimpl, setting
from attrs import frozen

@frozen
class Settings:
    size: int = setting(1, doc="Size.")

@hookimpl
def argent_plugin():
    return Plugin(summary="Picky.", settings=Settings)
"""


def findings(output: str) -> dict[str, dict[str, Any]]:
    return {finding["check"]: finding for finding in json.loads(output)}


async def damage_a_log(home: Home, *, encrypted: bool) -> None:
    """Leave a database as after a crash, with a log that is damaged; encrypt it at its start."""
    path = home.data / "notes.db"
    before, after = (Encryption(wanted, SecretStore(home)) for wanted in (encrypted, True))
    database = await Database.open(path, ("CREATE TABLE notes (text TEXT)",), encryption=before)
    for _ in range(9):
        await database.write(lambda tx: tx.execute("INSERT INTO notes VALUES ('xyzzy')"))
    left = {file: bytearray(file.read_bytes()) for file in home.data.glob("notes.db*")}
    await database.close()
    content = left[home.data / "notes.db-wal"]
    content[len(content) // 2] ^= 0xFF
    for file, content in left.items():
        file.write_bytes(content)
    await (await Database.open(path, ("",), encryption=after)).close()


def test_without_a_home_it_says_how_to_begin(argent: Run, home: Home) -> None:
    shown = argent("doctor")

    assert shown.exit_code == 1
    assert f"!! home: there is no agent in {home.root} yet" in shown.output
    assert "what to do: argent init" in shown.output


def test_a_sound_agent_is_well(agents: Agents, installation: Installation) -> None:
    shown = installation.run("doctor")

    lines = shown.stdout.splitlines()
    assert "ok permissions: only you can read the home" in lines
    assert "ok kernel: it would start" in lines
    assert "ok model: local: obedient-1" in lines
    assert any(line.startswith("ok database: ") and line.endswith("is sound") for line in lines)
    assert "!! play/ink: there is no ink" in lines
    assert "   what to do: Buy ink." in lines
    assert shown.returncode == 1


def test_it_says_how_large_the_journal_is(agents: Agents, argent: Run, home: Home) -> None:
    with agents():
        size = home.kernel_database.stat().st_size
        shown = argent("doctor", "--json")

    found = findings(shown.stdout)
    assert found["disk"]["summary"].endswith(f"the journal takes {size / 2**20:.1f} MB")


def test_a_running_agent_is_asked(agents: Agents, installation: Installation) -> None:
    with agents():
        shown = installation.run("doctor", "--json")

    found = findings(shown.stdout)
    assert found["kernel"]["summary"] == "it runs"
    assert [check for check, finding in found.items() if not finding["ok"]] == ["play/ink"]
    assert "mend" not in found["kernel"]


class TestPermissions:
    def test_what_others_can_read_is_found(self, argent: Run, alone: Home) -> None:
        alone.config_file.chmod(0o644)

        found = findings(argent("doctor", "--json").stdout)

        assert not found["permissions"]["ok"]
        assert found["permissions"]["summary"] == f"others can read {alone.config_file}"

    def test_and_mended_if_that_is_wanted(self, argent: Run, alone: Home) -> None:
        alone.config_file.chmod(0o644)
        alone.root.chmod(0o755)

        mended = argent("doctor", "--fix")

        assert "mended: permissions" in mended.output
        assert findings(argent("doctor", "--json").stdout)["permissions"]["ok"]
        assert stat.S_IMODE(alone.root.stat().st_mode) == 0o700


def test_wrong_settings_are_said_and_the_kernel_is_not_tried(argent: Run, alone: Home) -> None:
    alone.config_file.write_text('{"version": 1, "loop": {"maxSteps": "many"}}')

    shown = argent("doctor", "--json")

    found = findings(shown.stdout)
    assert shown.exit_code == 1
    assert not found["settings"]["ok"] and "maxSteps" in found["settings"]["summary"]
    assert found["settings"]["remedy"] == "argent config check"
    assert "kernel" not in found


@pytest.mark.parametrize(
    "write",
    [
        lambda home: home.kernel_database.write_bytes(b"once upon a time " * 500),
        lambda home: (home.root / "argent.json").write_text("{"),
    ],
    ids=["database", "settings"],
)
def test_damage_is_a_finding_and_no_crash(
    argent: Run, alone: Home, write: Callable[[Home], object]
) -> None:
    write(alone)

    shown = argent("doctor")

    assert shown.exit_code == 1
    assert "!!" in shown.output and "what to do" in shown.output
    assert "Traceback" not in shown.output


def test_dead_events_are_found(argent: Run, remember: Remember) -> None:
    remember(hello=ModelRejected("no"))

    found = findings(argent("doctor", "--json").stdout)

    assert found["events"]["summary"] == "1 event could not be dealt with"
    assert found["events"]["remedy"] == "argent events list --state dead"


async def attach(home: Home, *contents: bytes) -> list[Path]:
    """Have attachments that an event refers to, and one that nothing does; return their places."""
    database = await Database.open(home.kernel_database, MIGRATIONS)
    store = FileStore(home.data / "files", database, SystemClock(), FilesSettings())
    files = [await store.add(content) for content in (*contents, b"unused")]
    await database.write(lambda tx: file_uses.record(tx, "e1", parts=files[:-1]))
    places = [store.path(file) for file in files]
    await database.close()
    return places


def test_attachments_that_are_gone_or_are_not_what_they_were_are_found(
    argent: Run, alone: Home
) -> None:
    gone, spoilt, *_ = asyncio.run(attach(alone, b"gone", b"spoilt", b"sound"))
    before = [one for one in json.loads(argent("doctor", "--json").stdout) if not one["ok"]]
    gone.unlink()
    spoilt.write_bytes(b"spoiled")
    told, *wrong = [
        one for one in json.loads(argent("doctor", "--json").stdout) if one["check"] == "files"
    ]

    assert not [one for one in before if one["check"] == "files"]
    assert told["ok"] and told["summary"].startswith("3 attachments, 0.0 MB of at most 2000 MB")
    assert "nothing refers to 1 of them" in told["summary"]
    assert [(one["ok"], one["summary"]) for one in wrong] == [
        (False, f"the attachment {gone.name[:12]} (of event e1) is not there any more"),
        (False, f"the attachment {spoilt.name[:12]} (of event e1) is not what it was"),
    ]
    assert str(gone) in wrong[0]["remedy"] and str(spoilt) in wrong[1]["remedy"]


def test_a_plugin_in_trouble_is_found(installation: Installation, home: Home) -> None:
    installation.add("argent-bad", plugins="bad = bad", bad="import no_such_module")
    home.create()
    home.config_file.write_text('{"version": 1, "agent": {"plugins": ["bad"]}}')

    shown = installation.run("doctor", "--json")

    found = findings(shown.stdout)
    assert shown.returncode == 1
    assert found["plugin"]["summary"].startswith("bad is failed: import raised ModuleNotFound")
    assert not found["model"]["ok"]


def test_a_tier_whose_provider_does_not_run_is_not_well(
    agents: Agents, installation: Installation, home: Home
) -> None:
    tier = {"name": "fast", "provider": "nobody", "model": "x"}
    home.models_file.write_text(json.dumps({"version": 1, "tiers": [tier]}))

    shown = installation.run("doctor").stdout

    assert "ok model: local: obedient-1\n" in shown
    assert "!! model: fast: x (the provider 'nobody' does not run)\n" in shown
    assert "argent plugins list; or name another at tiers[0].provider in models.json\n" in shown


class TestSettings:
    def test_what_is_odd_is_said_as_the_check_of_settings_says_it(
        self, agents: Agents, installation: Installation, home: Home
    ) -> None:
        odd = {
            "version": 1,
            "agent": {"plugins": ["play"]},
            "loop": {"maxStep": 3},
            "models": {"default": "fats"},
            "tools": {"policy": {"sned": "ask"}},
            "plugins": {"pley": {"x": 1}},
        }
        home.config_file.write_text(json.dumps(odd))

        checked = json.loads(installation.run("config", "check", "--json").stdout)
        examined = json.loads(installation.run("doctor", "--json").stdout)

        paths = [warning["path"] for warning in checked["warnings"]]
        assert sorted({*paths}) == [
            "loop.maxStep",
            "models.default",
            "plugins.pley",
            "tools.policy.sned",
        ]
        found = [one for one in examined if one["check"] == "settings"]
        assert len(found) == len(paths)
        assert not any(one["ok"] for one in found)
        for path, one in zip(paths, found, strict=True):
            assert one["summary"].startswith(f"argent.json: {path}: ")
            assert one["remedy"] == f"argent config unset {path}, or set what you mean"

    def test_wrong_ones_of_a_plugin_do_not_hide_the_rest(
        self, installation: Installation, home: Home
    ) -> None:
        installation.add("argent-picky", plugins="picky = picky_plugin", picky_plugin=PICKY)
        home.create()
        settings = {"agent": {"plugins": ["picky"]}, "plugins": {"picky": {"size": "x"}}}
        home.config_file.write_text(json.dumps(settings))

        found = findings(installation.run("doctor", "--json").stdout)

        assert "plugins.picky.size: expected a whole number" in found["settings"]["summary"]
        assert found["settings"]["remedy"] == "argent config check"
        assert found["kernel"]["ok"]
        assert found["plugin"]["summary"].startswith("picky is invalid settings: ")


class TestEncryption:
    @pytest.fixture(autouse=True)
    def _begin(self, argent: Run, alone: Home) -> None:
        assert argent("status").exit_code == 0

    def test_without_it_nothing_is_said_of_it(self, argent: Run) -> None:
        assert "encryption" not in findings(argent("doctor", "--json").stdout)

    def test_with_it_all_is_well(self, argent: Run, alone: Home) -> None:
        argent("config", "set", "storage.encrypted", "true")

        found = findings(argent("doctor", "--json").stdout)

        assert found["encryption"]["ok"]
        assert found["database"]["ok"]
        assert not alone.kernel_database.read_bytes().startswith(b"SQLite")

    def test_a_database_that_cannot_be_encrypted_is_named(self, argent: Run, alone: Home) -> None:
        kept, in_the_way = alone.data / "notes.db", alone.data / ".notes.db.changing-over"
        kept.write_bytes(alone.kernel_database.read_bytes())
        in_the_way.mkdir()
        argent("config", "set", "storage.encrypted", "true")

        found = findings(argent("doctor", "--json").stdout)

        assert found["kernel"]["ok"]
        assert not found["encryption"]["ok"]
        assert f"{kept}: cannot be changed over" in found["encryption"]["summary"]

    def test_what_was_set_aside_in_the_clear_is_named(self, argent: Run, alone: Home) -> None:
        aside = alone.data / "memory.db.broken"
        aside.write_bytes(alone.kernel_database.read_bytes())
        argent("config", "set", "storage.encrypted", "true")

        found = findings(argent("doctor", "--json").stdout)

        assert found["encryption"]["summary"].startswith(f"{aside} is not encrypted")
        assert str(aside) in found["encryption"]["remedy"]

    @pytest.mark.parametrize("before", [False, True], ids=["plain", "encrypted"])
    def test_a_log_that_was_not_read_to_its_end_is_named_if_it_can_be_read(
        self, argent: Run, alone: Home, before: bool
    ) -> None:
        argent("config", "set", "storage.encrypted", "true")
        argent("status")
        asyncio.run(damage_a_log(alone, encrypted=before))
        log = alone.data / "notes.db-wal.unread"

        found = findings(argent("doctor", "--json").stdout)["encryption"]

        assert log.exists()
        assert found["ok"] is before
        if not before:
            assert b"xyzzy" in log.read_bytes()
            assert found["summary"].startswith(f"{log} is not encrypted")
            assert found["remedy"].startswith(f"rm {log}")

    def test_the_log_of_a_memory_that_was_set_aside_is_named(
        self, argent: Run, alone: Home
    ) -> None:
        asyncio.run(damage_a_log(alone, encrypted=False))
        kept = (alone.data / "notes.db-wal.unread").rename(alone.data / "memory.db.broken-wal")
        argent("config", "set", "storage.encrypted", "true")

        found = findings(argent("doctor", "--json").stdout)

        assert found["encryption"]["summary"].startswith(f"{kept} is not encrypted")

    @pytest.mark.parametrize("wanted", ["true", "false"])
    def test_without_the_key_it_says_what_to_bring_back(
        self, argent: Run, alone: Home, wanted: str
    ) -> None:
        argent("config", "set", "storage.encrypted", "true")
        argent("status")
        for name in ("secrets.db", "secrets.key"):
            (alone.data / name).unlink()
        argent("config", "set", "storage.encrypted", wanted)
        before = alone.kernel_database.read_bytes()

        started = argent("status")
        found = findings(argent("doctor", "--json").stdout)

        assert started.exit_code == 1
        for words in (found["kernel"]["summary"], started.output):
            assert "encrypted with a key that is gone" in words
            assert "Bring data/secrets.db and data/secrets.key back" in words
        assert alone.kernel_database.read_bytes() == before

    def test_without_the_key_of_the_store_it_says_so(self, argent: Run, alone: Home) -> None:
        argent("config", "set", "storage.encrypted", "true")
        argent("status")
        (alone.data / "secrets.key").unlink()

        found = findings(argent("doctor", "--json").stdout)

        assert "secrets.key, the key of the secret store, is gone" in found["kernel"]["summary"]
        assert "encrypted databases stay closed" in found["kernel"]["summary"]


def test_a_setting_that_waits_for_the_next_start_is_told(
    agents: Agents, installation: Installation
) -> None:
    with agents():
        installation.run("config", "set", "storage.encrypted", "true")
        shown = installation.run("doctor", "--json")

    found = findings(shown.stdout)
    assert not found["encryption"]["ok"]
    assert "at the next start" in found["encryption"]["summary"]
