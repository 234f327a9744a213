"""The power goes at any moment, and afterwards Argent knows what it must know.

Runs of the kernel are recorded once, and cut at many places; see ``tests/power``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.power.cuts import Barriers, Outcome, cut, fsyncs_per_message, temporary_folder
from tests.power.cuts import recordings as record_some
from tests.power.disk import Disk
from tests.power.recording import Recording, compiler

SEED = 1
CUTS = 75
"""Of each recording: 300 of all."""

pytestmark = pytest.mark.skipif(
    compiler() is None, reason="needs Linux and a C compiler that is called cc"
)


@pytest.fixture(scope="module")
def recordings() -> Iterator[list[Recording]]:
    with temporary_folder() as folder:
        yield list(record_some(Path(folder), seed=SEED, count=4))


def cut_all(recordings: list[Recording], count: int, barriers: Barriers) -> Outcome:
    """Cut each recording so many times."""
    outcome = Outcome()
    for n, recording in enumerate(recordings):
        outcome.cuts += cut(recording, count, seed=SEED + n, barriers=barriers)
    return outcome


def test_every_change_to_a_file_is_on_record(recordings: list[Recording]) -> None:
    for recording in recordings:
        disk = Disk(recording)
        disk.make(until=len(recording.changes))

        files = (path for path in recording.root.rglob("*") if path.is_file())
        real = {path.relative_to(recording.root).as_posix(): path.read_bytes() for path in files}
        assert disk.contents() == real


def test_nothing_is_lost_doubled_or_damaged(recordings: list[Recording]) -> None:
    outcome = cut_all(recordings, CUTS, Barriers.ALL)

    assert [fault for one in outcome.cuts for fault in one.faults] == []
    assert outcome.figures() == {"cuts": 4 * CUTS, "lost": 0, "doubled": 0, "damaged": 0}


def test_without_barriers_much_is_lost_and_damaged(recordings: list[Recording]) -> None:
    outcome = cut_all(recordings, 12, Barriers.NONE)

    assert outcome.count("lost") and outcome.count("damaged")


def test_without_durable_commits_much_is_lost_and_doubled(recordings: list[Recording]) -> None:
    outcome = cut_all(recordings, 12, Barriers.CHECKPOINTS)

    assert outcome.count("lost") and outcome.count("doubled")
    assert not outcome.count("damaged")


def test_a_message_takes_three_fsyncs_at_most(recordings: list[Recording]) -> None:
    assert max(map(fsyncs_per_message, recordings)) <= 3


def test_nothing_is_lost_while_databases_are_encrypted_and_decrypted() -> None:
    with temporary_folder() as folder:
        changing = list(record_some(Path(folder), seed=SEED, count=2, encryption=True))
        outcome = cut_all(changing, 40, Barriers.ALL)

    assert outcome.figures() == {"cuts": 80, "lost": 0, "doubled": 0, "damaged": 0}
