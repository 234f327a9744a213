"""The chats of the memory benchmarks, and a small run of one."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.memory_texts import chats, question, vector

ROOT = Path(__file__).parent.parent


def likeness(one: str, other: str) -> float:
    return sum(a * b for a, b in zip(vector(one), vector(other), strict=True))


def test_the_same_chats_are_made_up_each_time() -> None:
    some = [(new.text, new.speaker, new.said_at) for new, _ in chats(100)]

    assert some == [(new.text, new.speaker, new.said_at) for new, _ in chats(100)]
    assert question([text for text, _, _ in some], seed=3) == question(
        [text for text, _, _ in some], seed=3
    )


def test_few_words_are_common_and_most_are_rare() -> None:
    counted = Counter(itertools.chain(*(new.text.split() for new, _ in chats(2000))))
    counts = sorted(counted.values(), reverse=True)

    assert sum(counts[:30]) > 0.2 * sum(counts)
    assert sum(count <= 3 for count in counts) > 0.4 * len(counts)


def test_what_shares_rare_words_is_near() -> None:
    rare = "kagubimo nulefapi dotibaru"

    assert likeness(rare, f"ba be bi {rare}") == pytest.approx(1.0)
    assert likeness(rare, "kagubimo nulefapi sofumeki") > 0.5
    assert abs(likeness(rare, "sofumeki gadimelo pifuroda")) < 0.2


def test_a_small_memory_is_measured() -> None:
    command = [sys.executable, "-m", "benchmarks.memory_scale", "--items", "200", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout.splitlines()[-1])

    assert {"p50_ms", "p95_ms", "rss_mb", "ingest_per_s"} <= figures.keys()
    assert all(value > 0 for value in figures.values())
