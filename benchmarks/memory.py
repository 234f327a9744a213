"""Does the memory find what answers a question?

Conversations come with questions and with the turns that hold the evidence, in the format of LoCoMo
(Maharana et al., ACL 2024, https://arxiv.org/abs/2402.17753). Every conversation is a memory of its
own; recall at k is the share of a question's evidence among the first k that are found. No language
model takes part: what is measured is the search alone.

The weights were chosen on five conversations, from round numbers. Chosen on four, each time, and
reported on the fifth, recall at 10 is 0.798 without an embedder, 0.837 with static vectors and
0.859 with MiniLM. The shape of the search was found on these five, too, and is not held out.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
from attrs import define, evolve, field, frozen

from argent_hookspecs import NewMemory, Trust
from argent_memo.items import Place
from argent_memo.ranking import WEIGHTS, Weights
from benchmarks.memory_home import EMBEDDERS, OpenMemory, open_memory

_FOUND = 10
_WHOLE = "nothing"
_PARTS = MappingProxyType(
    {name: (name,) for name in ("meaning", "speaker", "time", "when", "substance", "life")}
    | {"words": ("words", "alone")}
)
_BATCH = 256


@frozen
class Turn:
    """Something that was said."""

    id: str
    text: str
    at: datetime
    speaker: str


@frozen
class Asked:
    """A question, and the turns that answer it."""

    text: str
    category: int
    evidence: frozenset[str]


@frozen
class Conversation:
    """What was said, in order, and what is asked about it."""

    name: str
    turns: Sequence[Turn]
    questions: Sequence[Asked]


@define
class Tally:
    """What came of the questions.

    Args:
        rows: For each question its category and its figures.
        seconds: How long each took.
    """

    rows: list[tuple[int, dict[str, float]]] = field(factory=list)
    seconds: list[float] = field(factory=list)
    items: int = 0
    ingest: float = 0.0

    def figures(self) -> dict[str, float]:
        """Return the means."""
        took = sorted(self.seconds)
        means = {
            name: statistics.fmean(row[name] for _, row in self.rows) for name in self.rows[0][1]
        }
        return {
            **means,
            "ingest_per_s": self.items / self.ingest if self.ingest else 0.0,
            "p50_ms": statistics.median(took) * 1e3,
            "p95_ms": took[min(len(took) - 1, round(0.95 * (len(took) - 1)))] * 1e3,
            "questions": len(self.rows),
        }


@click.command()
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Conversations with questions; .json or .json.gz.",
)
@click.option(
    "--embedder",
    type=click.Choice(EMBEDDERS),
    default="none",
    show_default=True,
    help="What makes the vectors.",
)
@click.option("--ablate", is_flag=True, help="Ask again without each part of the score.")
@click.option("--json", "as_json", is_flag=True, help="Print one object with the figures last.")
def main(data: Path, embedder: str, *, ablate: bool, as_json: bool) -> None:
    """Ask the memory questions whose answers are known.

    \b
    Examples:
      python -m benchmarks.memory --data locomo5.json.gz --embedder none
      python -m benchmarks.memory --data locomo5.json.gz --embedder minilm --json
    """
    conversations = list(read(data))
    if not any(one.questions for one in conversations):
        raise click.ClickException(f"{data} has no question with evidence")
    tallies = {name: Tally() for name in (_WHOLE, *(_PARTS if ablate else ()))}
    asyncio.run(_run(conversations, embedder, tallies))
    tally = tallies.pop(_WHOLE)
    figures = tally.figures()
    for name, value in figures.items():
        click.echo(f"{name:14} {value:10.4f}")
    for category in sorted({category for category, _ in tally.rows}):
        rows = [row["recall_at_10"] for of, row in tally.rows if of == category]
        click.echo(f"category {category:5} {statistics.fmean(rows):10.4f}  of {len(rows)}")
    for name, without in tallies.items():
        recall = without.figures()["recall_at_10"]
        click.echo(f"without {name:9} {recall:7.4f}  {recall - figures['recall_at_10']:+.4f}")
    if as_json:
        click.echo(json.dumps(figures))


async def _run(
    conversations: Sequence[Conversation], embedder: str, tallies: Mapping[str, Tally]
) -> None:
    tally = tallies[_WHOLE]
    for number, conversation in enumerate(conversations, 1):
        with tempfile.TemporaryDirectory() as folder:
            async with open_memory(Path(folder), embedder) as memory:
                ids = await _tell_all(memory, conversation, tally)
                for name, one in tallies.items():
                    memory.memo.searching.weights = _without(name)
                    await _ask_all(memory, conversation, ids=ids, tally=one)
        said = f"{number} of {len(conversations)}: {len(tally.rows)} questions"
        click.echo(f"{said}, recall at 10 {tally.figures()['recall_at_10']:.4f}", err=True)


def _without(part: str) -> Weights:
    """Return the weights without a part; words count for nothing alone, either."""
    return evolve(WEIGHTS, **dict.fromkeys(_PARTS.get(part, ()), 0.0))


async def _tell_all(
    memory: OpenMemory, conversation: Conversation, tally: Tally
) -> Mapping[int, list[str]]:
    began = time.perf_counter()
    ids = await _tell(memory, conversation.turns)
    tally.ingest += time.perf_counter() - began
    tally.items += len(conversation.turns)
    await memory.search("warm up", _FOUND)
    return ids


async def _ask_all(
    memory: OpenMemory,
    conversation: Conversation,
    *,
    ids: Mapping[int, list[str]],
    tally: Tally,
) -> None:
    for asked in conversation.questions:
        began = time.perf_counter()
        found = await memory.search(asked.text, _FOUND)
        tally.seconds.append(time.perf_counter() - began)
        named = [name for one in found for name in ids[one.id]][:_FOUND]
        tally.rows.append((asked.category, score(named, asked.evidence)))


async def _tell(memory: OpenMemory, turns: Sequence[Turn]) -> Mapping[int, list[str]]:
    """Tell what was said; return which turns each item stands for."""
    ids: dict[int, list[str]] = {}
    for start in range(0, len(turns), _BATCH):
        batch = turns[start : start + _BATCH]
        kept = await memory.store.add_all(
            [(_new(turn), Place(origin="turn", name="chat")) for turn in batch]
        )
        for turn, id in zip(batch, kept, strict=True):
            ids.setdefault(id, []).append(turn.id)
    await memory.settle()
    return ids


def _new(turn: Turn) -> NewMemory:
    return NewMemory(
        text=turn.text,
        key=turn.id,
        speaker=turn.speaker,
        said_at=turn.at,
        trust=Trust.OWNER,
    )


def score(found: Sequence[str], evidence: frozenset[str]) -> dict[str, float]:
    """Return what an answer is worth: recall, reciprocal rank, normalised gain (nDCG)."""
    ranks = [rank for rank, name in enumerate(found) if name in evidence]
    ideal = sum(1 / math.log2(rank + 2) for rank in range(min(_FOUND, len(evidence))))
    return {
        "recall_at_1": sum(rank < 1 for rank in ranks) / len(evidence),
        "recall_at_10": len(ranks) / len(evidence),
        "mrr": 1 / (ranks[0] + 1) if ranks else 0.0,
        "ndcg_at_10": sum(1 / math.log2(rank + 2) for rank in ranks) / ideal,
    }


def read(path: Path) -> Iterator[Conversation]:
    """Read conversations in the format of LoCoMo."""
    raw = path.read_bytes()
    try:
        samples = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    except (ValueError, OSError, EOFError) as error:
        raise click.ClickException(f"{path} cannot be read: {error}") from error
    for sample in samples:
        turns = list(_turns(sample["conversation"]))
        known = {turn.id for turn in turns}
        questions = [_asked(one, known) for one in sample["qa"]]
        answerable = [one for one in questions if one.evidence]
        yield Conversation(sample["sample_id"], turns, answerable)


def _turns(conversation: Mapping[str, Any]) -> Iterator[Turn]:
    found = [(re.fullmatch(r"session_(\d+)", key), key) for key in conversation]
    sessions = sorted((int(match[1]), key) for match, key in found if match is not None)
    for _, key in sessions:
        began = _time(conversation[f"{key}_date_time"]).timestamp()
        for second, turn in enumerate(conversation[key]):
            text = turn["text"].strip()
            if turn.get("blip_caption"):
                text = f"{text} [shares {turn['blip_caption'].strip()}]".strip()
            at = datetime.fromtimestamp(began + second, UTC)
            yield Turn(turn["dia_id"], text, at, turn["speaker"])


def _asked(question: Mapping[str, Any], known: set[str]) -> Asked:
    named = re.findall(r"D:?(\d+):(\d+)", " ".join(question.get("evidence") or []))
    evidence = frozenset(f"D{int(a)}:{int(b)}" for a, b in named)
    return Asked(question["question"], question["category"], evidence & known)


def _time(text: str) -> datetime:
    return datetime.strptime(text.strip(), "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)


if __name__ == "__main__":
    main()
