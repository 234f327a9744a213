"""What the learned router earns: quality over cost on questions with known answers of two models.

Reads every ``*.jsonl.gz`` of a folder: one question a line, with ``prompt``, ``weak`` and
``strong`` (quality of the weak and of the strong model's answer), and ``group`` if it has one. The
arithmetic is that of RouteLLM (arXiv 2406.18665).

- ``apgr_learned``: every question is judged once in each repeat, by a model that was trained on
  other questions of the same file. Mean over the repeats; the spread is printed beside it.
- ``apgr_default``: the kernel's table. ``apgr_length``: the length of the prompt. ``apgr_random``:
  chance.
- ``cpt50_learned``, ``cpt80_learned``: share of calls to the strong model that recovers half, and
  four fifths, of what it does better.
- Domains never seen: ``apgr_unseen_groups`` trains on some groups and judges the others;
  ``apgr_from_NAME`` trains on another file. Both are to be compared with ``apgr_length``. Each
  single run, with all labels and with a fifth of them, is compared with the length of the same
  prompts: ``KIND_over_length`` is the mean, ``KIND_over_length_worst`` the worst with its 95 %
  interval, ``KIND_runs_below_length`` in how many of ``KIND_runs`` the interval is below zero.
- ``cpu_ms_per_decision``: reading and scoring one prompt, mean over all prompts;
  ``cpu_ms_2000_characters`` is that of prompts of 2,000 characters, after learning from as many
  such prompts as are learned from at most.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import random
import statistics
import string
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from argent_core.loop.scorer import TableScorer, read_signals
from argent_core.loop.tokens import estimate
from argent_hookspecs import Event
from argent_router_learned.curve import Curve, draw, jittered
from argent_router_learned.evidence import folds
from argent_router_learned.gain_model import GainModel
from argent_router_learned.learning import MOST as _MOST
from argent_router_learned.reading import Reading, read
from argent_router_learned.training import train
from benchmarks.router_domains import Run, compare, summary

_LARGE = 2000
"""Questions from which a file is large, and 1,500 labels are learned from, and not 600."""
_FOLDS = 5
_MOST_FOLDS = 20
_FEWER = 5
"""Domains never seen are also judged with so many times fewer labels."""
_TIMED = 400


@frozen
class Questions:
    """The questions of a file."""

    name: str
    prompts: Sequence[str]
    groups: Sequence[str]
    weak: Sequence[float]
    strong: Sequence[float]
    readings: Sequence[Reading]

    @property
    def gains(self) -> list[float]:
        """What the strong model gains on each."""
        return [s - w for w, s in zip(self.weak, self.strong, strict=True)]

    def labels(self, wanted: int | None) -> int:
        """How many labels to learn from."""
        return wanted or (1500 if len(self.prompts) >= _LARGE else 600)

    def curve(self, scores: Sequence[float], seed: int) -> Curve:
        """Draw the curve of a score."""
        return draw(scores, weak=self.weak, strong=self.strong, seed=seed)

    def run(self, name: str, scores: Sequence[float], chosen: Sequence[int]) -> Run:
        """Compare a score of some of the questions with the length of their prompts."""
        weak, strong, gains = (
            [values[i] for i in chosen] for values in (self.weak, self.strong, self.gains)
        )
        length = [float(len(self.prompts[i])) for i in chosen]
        learned, plain = (draw(s, weak=weak, strong=strong).apgr() for s in (scores, length))
        ranks = zip(_ranks(scores), _ranks(length), strict=True)
        return compare(name, learned - plain, ranks=ranks, gains=gains)

    def train(self, chosen: Sequence[int]) -> GainModel:
        """Learn from some of the questions."""
        gains = self.gains
        return train([self.readings[i] for i in chosen], [gains[i] for i in chosen])


@click.command()
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with the questions.",
)
@click.option("--labels", type=click.IntRange(1), help="Outcomes to learn from.")
@click.option("--seed", default=0, show_default=True, help="Of folds, choice of labels and ties.")
@click.option("--repeats", default=3, show_default=True, help="Cross-validations of each file.")
@click.option("--splits", default=3, show_default=True, help="Choices of domains left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one object with the figures last.")
def main(
    data: Path, labels: int | None, seed: int, *, repeats: int, splits: int, as_json: bool
) -> None:
    """Measure what the learned router earns, beside the table, prompt length and chance.

    \b
    Examples:
      python -m benchmarks.router --data routing
      python -m benchmarks.router --data routing --labels 300 --seed 7 --json
    """
    files = [_load(path) for path in sorted(data.glob("*.jsonl.gz"))]
    if not files:
        raise click.ClickException(f"there is no *.jsonl.gz in {data}")
    figures: dict[str, Any] = {}
    for questions in files:
        found = {
            **_seen(questions, labels, seed, repeats=repeats),
            **_unseen_groups(questions, labels, seed, splits=splits),
        }
        for other in files:
            if other is not questions:
                found |= _from_other(questions, other, labels, seed, splits=splits)
        figures[questions.name] = found
        click.echo(f"{questions.name}: {len(questions.prompts)} questions")
        for name, figure in found.items():
            click.echo(f"  {name:34} {figure:8.4f}")
    figures |= _cpu(files)
    for name in ("cpu_ms_per_decision", "cpu_ms_2000_characters"):
        click.echo(f"{name:26} {figures[name]:8.4f}")
    if as_json:
        click.echo(json.dumps(figures))


def _ranks(scores: Sequence[float]) -> list[float]:
    jittered_scores = jittered(scores, 0)
    ranks = [0.0] * len(scores)
    for place, i in enumerate(sorted(range(len(scores)), key=jittered_scores.__getitem__)):
        ranks[i] = place / len(scores)
    return ranks


def _load(path: Path) -> Questions:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows: list[Mapping[str, Any]] = [json.loads(line) for line in lines if line.strip()]
    prompts = [str(row["prompt"]) for row in rows]
    return Questions(
        name=path.name.removesuffix(".jsonl.gz"),
        prompts=prompts,
        groups=[str(row.get("group") or "") for row in rows],
        weak=[float(row["weak"]) for row in rows],
        strong=[float(row["strong"]) for row in rows],
        readings=[read(prompt) for prompt in prompts],
    )


def _seen(questions: Questions, labels: int | None, seed: int, *, repeats: int) -> dict[str, float]:
    """Return the figures of questions of a kind that was learned from, and of the others."""
    n = len(questions.prompts)
    wanted = questions.labels(labels)
    count = math.ceil(n / (n - wanted)) if wanted < n else _MOST_FOLDS
    count = min(n, _MOST_FOLDS, max(_FOLDS, count))

    def judge(seed: int) -> Curve:
        return questions.curve(
            _cross_validated(questions, folds(questions.gains, count, seed=seed), wanted, seed),
            seed,
        )

    curves = [judge(seed + repeat) for repeat in range(repeats)]
    learned = [curve.apgr() for curve in curves]
    length = [float(len(prompt)) for prompt in questions.prompts]
    chance = random.Random(seed + 1)
    return {
        "apgr_learned": statistics.fmean(learned),
        "apgr_default": questions.curve(_table(questions.prompts), seed).apgr(),
        "apgr_length": questions.curve(length, seed).apgr(),
        "apgr_random": questions.curve([chance.random() for _ in length], seed).apgr(),
        "cpt50_learned": statistics.fmean(curve.cpt(0.5) for curve in curves),
        "cpt80_learned": statistics.fmean(curve.cpt(0.8) for curve in curves),
        "apgr_learned_spread": statistics.pstdev(learned),
        "labels": float(min(wanted, n - math.ceil(n / count))),
    }


def _cross_validated(
    questions: Questions, fold: Sequence[int], wanted: int, seed: int
) -> list[float]:
    """Score each question by a model that has learned from other folds only."""
    order = list(range(len(fold)))
    random.Random(seed).shuffle(order)
    scores = [0.0] * len(fold)
    for one in sorted(set(fold)):
        model = questions.train([i for i in order if fold[i] != one][:wanted])
        for i in order:
            if fold[i] == one:
                scores[i] = model.standing(questions.readings[i])
    return scores


def _unseen_groups(
    questions: Questions, labels: int | None, seed: int, *, splits: int
) -> dict[str, float]:
    """Return the figures of groups that were left out of learning."""
    names = sorted(set(questions.groups))
    if len(names) < _FOLDS:
        return {}
    wanted = questions.labels(labels)
    whole: list[float] = []
    runs: list[Run] = []
    for split in range(seed, seed + splits):
        random.Random(split).shuffle(names)
        place = {name: i % _FOLDS for i, name in enumerate(names)}
        fold = [place[group] for group in questions.groups]
        for count in (wanted, wanted // _FEWER):
            scores = _cross_validated(questions, fold, count, split)
            if count == wanted:
                whole.append(questions.curve(scores, split).apgr())
            for one in range(_FOLDS):
                held = [i for i, f in enumerate(fold) if f == one]
                name = f"groups {split}.{one}, {count} labels"
                runs.append(questions.run(name, [scores[i] for i in held], held))
    return {
        "apgr_unseen_groups": statistics.fmean(whole),
        **dict(_told("unseen_groups", runs)),
    }


def _from_other(
    questions: Questions, other: Questions, labels: int | None, seed: int, *, splits: int
) -> dict[str, float]:
    """Return the figures of what was learned from another file alone."""
    n = len(other.prompts)
    wanted = min(n, other.labels(labels))
    everything = range(len(questions.prompts))
    whole: list[float] = []
    runs: list[Run] = []
    for split in range(seed, seed + splits):
        for count in (wanted, max(1, wanted // _FEWER)):
            model = other.train(random.Random(split).sample(range(n), count))
            scores = [model.standing(reading) for reading in questions.readings]
            if count == wanted:
                whole.append(questions.curve(scores, split).apgr())
            name = f"from {other.name} {split}, {count} labels"
            runs.append(questions.run(name, scores, everything))
    return {
        f"apgr_from_{other.name}": statistics.fmean(whole),
        **dict(_told(f"from_{other.name}", runs)),
    }


def _told(kind: str, runs: Sequence[Run]) -> Iterator[tuple[str, float]]:
    """Print each run, and return what they come to."""
    for run in runs:
        click.echo(
            f"  {run.name:32} {run.better:+.4f} over length ({run.low:+.4f} {run.high:+.4f})"
        )
    return summary(kind, runs)


def _table(prompts: Sequence[str]) -> list[float]:
    """Score prompts as the kernel does that has no other scorer, no tools and no history."""

    async def score() -> list[float]:
        scorer = TableScorer()
        values = []
        for prompt in prompts:
            event = Event(conversation="benchmark", content=prompt)
            signals = read_signals(event, tools=(), input_tokens=estimate(prompt), depth=0)
            values.append((await scorer.score(signals)).value)
        return values

    return asyncio.run(score())


def _cpu(files: Sequence[Questions]) -> dict[str, float]:
    largest = max(files, key=lambda questions: len(questions.prompts))
    model = largest.train(range(min(len(largest.prompts), _MOST)))
    prompts = [prompt for questions in files for prompt in questions.prompts]
    long = ("\n".join(prompts) * (1 + 2000 * _TIMED // sum(map(len, prompts))))[: 2000 * _TIMED]
    pieces = [long[i : i + 2000] for i in range(0, len(long), 2000)]
    readings = [read(piece) for piece in pieces] * (_MOST // _TIMED + 1)
    alike = train(readings[:_MOST], [float(i % 2) for i in range(_MOST)])
    return {
        "cpu_ms_per_decision": _timed(model, prompts),
        "cpu_ms_2000_characters": max(_timed(alike, pieces), _timed(alike, [_noise()] * _TIMED)),
    }


def _noise() -> str:
    """Return 2,000 characters of words that are all different."""
    chance = random.Random(0)
    words = ("".join(chance.choices(string.ascii_letters, k=4)) for _ in range(_TIMED))
    return " ".join(words)[:2000]


def _timed(model: GainModel, prompts: Sequence[str]) -> float:
    """Return the CPU time of one decision that is not the first, in milliseconds."""
    model.standing(read(prompts[0]))
    began = time.process_time()
    for prompt in prompts:
        model.standing(read(prompt))
    return (time.process_time() - began) / len(prompts) * 1000


if __name__ == "__main__":
    main()
