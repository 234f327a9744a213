"""A database that was cut, overwritten, or lost a bit: it works, or says what is damaged."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import apsw
import pytest
from attrs import frozen
from click.testing import CliRunner

from argent_core.cli import main
from argent_core.paths import Home
from argent_hookspecs import (
    FREE,
    ArgentError,
    DatabaseDamaged,
    EventRefused,
    Finish,
    ModelInfo,
    ModelProvider,
    ModelRequest,
    ModelTier,
    TextDelta,
)
from argent_testing import Argent, MadePlugin, eventually

pytestmark = pytest.mark.anyio

MESSAGES = 8
NO_PLUGINS = '{"version": 1, "agent": {"plugins": []}}'
Damage = Callable[[bytes], bytes]


class Echo:
    """A model that repeats what was said."""

    async def stream(self, request: ModelRequest) -> object:
        yield TextDelta(f"echo: {request.messages[-1].text[:20]}")
        yield Finish()

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=100_000, price=FREE)


def echo() -> MadePlugin:
    return MadePlugin(
        "echo",
        ModelProvider(id="echo", open=lambda: nullcontext(Echo())),
        ModelTier(id="echo", name="local", below=0.3, provider="echo", model="echo"),
    )


@frozen
class Used:
    """Two copies of a home that was in use: one that was closed, and one whose process died."""

    closed: Path
    died: Path


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Used:
    folder = tmp_path_factory.mktemp("used")

    async def use() -> None:
        argent = Argent(folder)
        async with argent(plugins=[echo()], home=Home(folder / "closed")) as kernel:
            (argent.home.data / "ballast").unlink()
            for number in range(MESSAGES):
                await argent.channel.ask(f"message {number} " * 20, f"conversation {number % 3}")
            while (await kernel.agent.status())["replies"].get("sending"):
                pass
            shutil.copytree(folder / "closed", folder / "died")

    asyncio.run(use())
    (folder / "died" / "run" / "link.json").unlink()
    return Used(folder / "closed", folder / "died")


@frozen
class Copy:
    """A copy of a used home, of which a file was damaged."""

    home: Home
    file: Path

    def damage(self, how: Damage) -> None:
        self.file.write_bytes(how(self.file.read_bytes()))


@pytest.fixture
def copy(used: Used, tmp_path: Path) -> Callable[..., Copy]:
    def make(name: str = "kernel.db", *, died: bool = False) -> Copy:
        shutil.copytree(used.died if died else used.closed, tmp_path / "copy")
        home = Home(tmp_path / "copy")
        (home.data / "ballast").unlink(missing_ok=True)
        return Copy(home, home.data / name)

    return make


def flip(seed: int, *, first: int = 0, last: int | None = None) -> Damage:
    """Turn one bit over, somewhere."""

    def damage(content: bytes) -> bytes:
        dice = random.Random(seed)
        place = dice.randrange(first, min(last or len(content), len(content)))
        changed = content[place] ^ 1 << dice.randrange(8)
        return content[:place] + bytes([changed]) + content[place + 1 :]

    return damage


def said(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return any(words in record.getMessage() for record in caplog.records)


async def answered(argent: Argent, words: str) -> None:
    """Wait for a reply; what a lost record leaves open is answered first."""
    while (await argent.channel.next_reply()).text != words:
        pass


async def holds_or_says_so(argent: Argent, home: Home) -> bool:
    """Start on a home; return whether all is there and it works, or else what it says is clear."""
    try:
        async with argent(plugins=[echo()], home=home, allow_faults=True) as kernel:
            try:
                listed = len(await kernel.agent.events.list(limit=100))
                await argent.channel.say("Still there?", "new")
                await answered(argent, "echo: Still there?")
            except ArgentError as error:
                assert "damaged" in str(error) and "restore a backup" in str(error)
                return False
            return listed == MESSAGES
    except ArgentError as error:
        assert str(home.kernel_database) in str(error)
        assert "restore a backup" in str(error) or "Upgrade Argent" in str(error)
        return False


CUTS: dict[str, Damage] = {
    "to a byte": lambda content: content[:1],
    "within its header": lambda content: content[:60],
    "to its header": lambda content: content[:100],
    "in the middle": lambda content: content[: len(content) // 2],
    "by a page": lambda content: content[:-4096],
    "at its beginning": lambda content: content[4096:],
    "header overwritten": lambda content: bytes(100) + content[100:],
    "overwritten with text": lambda content: b"hello " * 100 + content[600:],
    "all zero": lambda content: bytes(len(content)),
}


@pytest.mark.parametrize("case", CUTS)
async def test_a_file_that_was_cut_is_refused_with_what_to_do_and_left_alone(
    argent: Argent, copy: Callable[..., Copy], case: str
) -> None:
    damaged = copy()
    damaged.damage(CUTS[case])
    before = damaged.file.read_bytes()

    with pytest.raises(
        DatabaseDamaged, match=r"kernel\.db: the file is damaged .*restore a backup"
    ):
        async with argent(plugins=[echo()], home=damaged.home):
            pass

    assert damaged.file.read_bytes() == before


async def test_an_empty_file_beside_a_log_is_not_begun_anew(
    argent: Argent, copy: Callable[..., Copy]
) -> None:
    damaged = copy(died=True)
    damaged.damage(lambda content: b"")
    log = damaged.home.data / "kernel.db-wal"
    before = log.read_bytes()

    with pytest.raises(DatabaseDamaged, match="only 0 bytes of it are left"):
        async with argent(plugins=[echo()], home=damaged.home):
            pass

    assert log.read_bytes() == before


@pytest.mark.parametrize("died", [False, True])
async def test_an_agent_without_its_memory_says_so(
    argent: Argent, copy: Callable[..., Copy], died: bool, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = copy("kernel.db-wal" if died else "kernel.db", died=died)
    damaged.file.unlink()

    async with argent(plugins=[echo()], home=damaged.home):
        assert await argent.channel.ask("Hello") == "echo: Hello"

    assert said(caplog, "is empty, though this agent has run before")


@pytest.mark.parametrize("seed", range(12))
async def test_a_bit_in_the_header(argent: Argent, copy: Callable[..., Copy], seed: int) -> None:
    damaged = copy()
    damaged.damage(flip(seed, last=100))

    await holds_or_says_so(argent, damaged.home)


@pytest.mark.parametrize("seed", range(16))
async def test_a_bit_in_the_pages(argent: Argent, copy: Callable[..., Copy], seed: int) -> None:
    damaged = copy()
    damaged.damage(flip(seed, first=100))

    await holds_or_says_so(argent, damaged.home)


@pytest.mark.parametrize("seed", range(16))
async def test_a_bit_in_the_log_of_one_that_died(
    argent: Argent, copy: Callable[..., Copy], seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = copy("kernel.db-wal", died=True)
    damaged.damage(flip(seed, last=32 if seed < 4 else None))
    log = damaged.file.read_bytes()

    holds = await holds_or_says_so(argent, damaged.home)

    kept = damaged.home.data / "kernel.db-wal.unread"
    assert holds or (said(caplog, "cannot be read") and kept.read_bytes() == log)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
async def test_a_log_that_was_cut_loses_only_what_it_held(
    argent: Argent, copy: Callable[..., Copy], share: float
) -> None:
    damaged = copy("kernel.db-wal", died=True)
    damaged.damage(lambda content: content[: int(len(content) * share)])

    async with argent(plugins=[echo()], home=damaged.home, allow_faults=True) as kernel:
        assert 0 < len(await kernel.agent.events.list()) <= MESSAGES
        assert await kernel.journal.database.check() is None


def spoil(damaged: Copy) -> None:
    """Overwrite a page that nothing needs before the first turn does."""
    connection = apsw.Connection(str(damaged.file))
    sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'blocks'"
    page = connection.execute(sql).get
    connection.close()
    start = (page - 1) * 4096
    damaged.damage(lambda content: content[:start] + b"\xa5" * 100 + content[start + 100 :])


class TestWhileItRuns:
    async def test_damage_is_found_and_said_to_everybody(
        self, argent: Argent, copy: Callable[..., Copy]
    ) -> None:
        damaged = copy()
        spoil(damaged)

        async with argent(plugins=[echo()], home=damaged.home, allow_faults=True) as kernel:
            await argent.clock.advance(31)
            await eventually(lambda: kernel.intake.closed, what="the damage to be found")

            assert "kernel.db: the file is damaged" in kernel.agent.refusing()
            for conversation in ("home", "other"):
                with pytest.raises(EventRefused, match=r"is damaged .*restore a backup"):
                    await argent.channel.say("Hello?", conversation)

    async def test_a_turn_that_meets_it_gets_an_apology_and_nobody_waits_in_silence(
        self, argent: Argent, copy: Callable[..., Copy]
    ) -> None:
        damaged = copy()
        spoil(damaged)
        once = {"loop": {"maxAttempts": 1}}

        async with argent(
            plugins=[echo()], home=damaged.home, config=once, allow_faults=True
        ) as kernel:
            answer = await argent.channel.ask("Hello?")

            assert "Sorry" in answer and "the file is damaged" in answer
            assert "restore a backup" in answer
            assert (await kernel.agent.status())["events"]["dead"] == 1

    async def test_a_sound_file_disturbs_nobody(
        self, argent: Argent, copy: Callable[..., Copy]
    ) -> None:
        async with argent(plugins=[echo()], home=copy().home) as kernel:
            await argent.clock.advance(31)

            assert await argent.channel.ask("Hello") == "echo: Hello"
            assert kernel.agent.refusing() == ""


class TestDoctor:
    def found(self, home: Home) -> dict[str, str]:
        home.config_file.write_text(NO_PLUGINS)
        home.config_file.chmod(0o600)
        shown = CliRunner(env={"ARGENT_HOME": str(home.root)}).invoke(main, ["doctor", "--json"])
        assert shown.exit_code == 1
        return {one["check"]: one["summary"] for one in json.loads(shown.stdout) if not one["ok"]}

    def test_it_says_that_the_file_is_none(self, copy: Callable[..., Copy]) -> None:
        damaged = copy()
        damaged.damage(CUTS["header overwritten"])

        assert "kernel.db: the file is damaged" in self.found(damaged.home)["kernel"]

    def test_it_finds_damage_that_nobody_met_yet(self, copy: Callable[..., Copy]) -> None:
        damaged = copy()
        spoil(damaged)

        assert "database" in self.found(damaged.home)

    def test_it_says_that_a_log_could_not_be_read_to_its_end(
        self, copy: Callable[..., Copy]
    ) -> None:
        damaged = copy("kernel.db-wal", died=True)
        damaged.damage(flip(1, first=4000))

        assert "could not be read to its end" in self.found(damaged.home)["database"]
