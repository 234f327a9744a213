"""Full disks: work waits and says so, nothing is half-written, and all goes on with room again."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_hookspecs import DiskFull, EventRefused, Observer, Progress
from argent_testing import Argent, MadePlugin, eventually

from .commanding import NO_PLUGINS, Person, Process, commands

UNTIL_ROOM = "The disk is full; work waits until there is room"


@pytest.fixture(scope="module")
def process() -> Iterator[Process]:
    with commands() as process:
        yield process


@pytest.fixture
def person(process: Process, tmp_path: Path) -> Person:
    return Person(process, Home(tmp_path / "home"))


@pytest.fixture
def used(person: Person) -> Person:
    """Somebody whose home was in use."""
    person.begin()
    return person


class TestCommands:
    @pytest.mark.parametrize("limit", [0, 100, 400])
    def test_init_makes_no_half_files_and_ends_what_it_began(
        self, person: Person, limit: int
    ) -> None:
        refused = person.run("init --yes --json", limit=limit)

        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "cannot be written (File too large); nothing was changed." in refused.stderr
        assert person.run("init --yes --json").exit_code == 0
        fresh = Person(person.process, Home(person.home.root.with_name("fresh")))
        fresh.run("init --yes")
        assert files(person.home.root) == files(fresh.home.root)

    def test_a_setting_that_cannot_be_written_leaves_the_file_as_it_was(self, used: Person) -> None:
        refused = used.run("config set loop.maxSteps 7 --json", limit=10)

        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "argent.json cannot be written (File too large); nothing was ch" in refused.stderr
        assert used.home.config_file.read_text() == NO_PLUGINS
        assert [path.name for path in used.home.root.iterdir() if path.name.startswith(".")] == []
        assert used.run("config set loop.maxSteps 7").exit_code == 0

    @pytest.mark.parametrize("command", ["events list --json", "start --quiet", "init --yes"])
    def test_an_agent_that_cannot_open_its_database_says_why(
        self, used: Person, command: str
    ) -> None:
        refused = used.run(command, limit=0)

        assert refused.exit_code == 1
        assert "Error: " in refused.stderr and str(used.home.root) in refused.stderr
        assert "ulimit -f" in refused.stderr
        assert used.run("events list").stdout == "There are none.\n"

    @pytest.mark.parametrize("limit", [0, 20, 100])
    def test_a_secret_is_stored_or_not_and_the_others_stay(self, used: Person, limit: int) -> None:
        if limit:
            used.run("secrets set first")

        refused = used.run("secrets set second", limit=limit)

        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr.startswith("Error: The ") and "ulimit -f" in refused.stderr
        names = [one["name"] for one in json.loads(used.run("secrets list --json").stdout)]
        assert names == (["first"] if limit else [])
        assert used.run("secrets set second").exit_code == 0


def files(root: Path) -> dict[str, bytes]:
    """Return what a home holds that people write or read."""
    found = (path for path in root.rglob("*") if path.suffix in (".md", ".json"))
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


@pytest.mark.anyio
class TestTurns:
    """The database may not grow for a while, as on a full disk; the ballast is used up."""

    async def test_an_answer_that_cannot_be_put_on_record_waits_and_says_so(
        self, argent: Argent
    ) -> None:
        told: list[Progress] = []
        full = asyncio.Event()

        async def think(_: Any) -> str:
            await full.wait()
            return "the answer " * 20_000

        async with argent(plugins=[watch(told)], model=[think, "again"]) as kernel:
            await argent.channel.say("Hello?")
            await argent.model.asked(1)
            async with no_room(kernel, argent):
                full.set()
                await eventually(lambda: told, what="word that the disk is full")
                assert told[0].activity == UNTIL_ROOM
                assert argent.channel.replies == []

            assert (await argent.channel.next_reply()).text == "the answer " * 20_000
            await eventually(lambda: len(told) == 2, what="word that there is room")
            assert told[1].activity == UNTIL_ROOM and told[1].total == 0
            assert await argent.channel.ask("Still there?") == "again"

    async def test_a_message_that_cannot_be_stored_is_refused_and_then_taken(
        self, argent: Argent
    ) -> None:
        async with argent(model=["fine"]) as kernel:
            async with no_room(kernel, argent):
                with pytest.raises(EventRefused, match=r"no room left.*Free some space.*16 MB"):
                    await argent.channel.say("x" * 500_000)
            assert await argent.channel.ask("Still there?") == "fine"


def test_on_a_real_disk_nothing_is_lost_and_all_goes_on(tmp_path: Path) -> None:
    script = Path(__file__).with_name("full_disk.py")
    mount = f"mount -t tmpfs -o size=40m none {tmp_path}"
    command = f"{mount} && {sys.executable} {script} {tmp_path} || exit 77"
    own_disk = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if shutil.which("unshare") is None or subprocess.run([*own_disk, "sh", "-c", mount]).returncode:
        pytest.skip("this system lets nobody mount a disk of their own")

    done = subprocess.run(
        [*own_disk, "sh", "-c", command], capture_output=True, text=True, timeout=100, check=False
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("in the middle") == [UNTIL_ROOM, 1]
    assert "no room left on the disk" in found.pop("refused")
    assert "no room left on the disk" in found.pop("start")
    assert found.pop("events") == ["done"] * 5
    assert found == {
        "at first": "one",
        "then": "full in the middle",
        "at delivery": "full at delivery",
        "last": "last",
        "again": "in the reserve",
    }


def watch(told: list[Progress]) -> MadePlugin:
    async def notify(notice: Any) -> None:
        told.append(notice)

    return MadePlugin("watch", Observer(id="watch", notify=notify, kinds=(Progress,)))


@asynccontextmanager
async def no_room(kernel: Kernel, argent: Argent) -> AsyncIterator[None]:
    """Keep the database from growing, with the ballast gone."""
    database = kernel.journal.database
    pages = (await database.read(lambda tx: tx.execute("PRAGMA page_count").fetchone()))[0]
    (argent.home.data / "ballast").unlink(missing_ok=True)
    await limit(database, pages + 4)
    yield
    await limit(database, 1 << 30)


async def limit(database: Any, pages: int) -> None:
    sql = f"PRAGMA max_page_count={pages}"
    while True:
        try:
            await database.write(lambda tx: tx.execute(sql).fetchone())
            return
        except DiskFull:  # what is written at the same time fails together
            continue
