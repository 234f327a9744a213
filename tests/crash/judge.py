"""The judge: compares the world's ledger with what the kernel shows its owner at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from attrs import frozen

from tests.crash.report import Report
from tests.crash.world import KINDS, Ledger, Sent, answered

LOST, DOUBLED, UNSAFE_DOUBLED, REPAID = "lost", "doubled", "unsafe_doubled", "repaid"
STUCK = "stuck"
FAULTS = (LOST, DOUBLED, UNSAFE_DOUBLED, REPAID)


@frozen
class Finding:
    """A promise that was broken.

    Args:
        figure: Which one, as in the figures, or ``stuck``: the quiet life did not come to its end,
            and nobody knows what would have become of some messages.
        words: What happened, to which message, in which life.
    """

    figure: str
    words: str

    @property
    def counts_as(self) -> str:
        """The figure that rises: who is stuck has lost what it was to do."""
        return LOST if self.figure == STUCK else self.figure


@frozen
class Verdict:
    """What came of a home.

    Args:
        unknown: Replies, and tool calls, of which the kernel says that it does not know.
        dead: Messages that were put aside, with an apology.
        beside: Drafts that stand beside the answers that they became: nobody was told what the
            platform had called them.
    """

    findings: tuple[Finding, ...]
    unknown: int
    dead: int
    beside: int = 0


def judge(ledger: Ledger, report: Report | None) -> Verdict:
    """Judge a home after its quiet life; without a report that life did not come to its end."""
    shown = report or Report((), {})
    found = [Finding(figure, words) for figure, words in ledger.broken]
    outcomes = _outcomes(ledger, shown)
    open = [name for name in ledger.messages if not outcomes[name]]
    if report is None:
        words = "the quiet life did not come to its end; without an answer were"
        found.append(Finding(STUCK, f"{words} {', '.join(open) or 'none'}"))
    for sent in ledger.messages.values():
        if report is not None or outcomes[sent.name]:
            found += _judge_message(ledger, sent, outcomes[sent.name])
    return Verdict(
        findings=tuple(found),
        unknown=len(shown.unknown) + len(ledger.told_unknown),
        dead=len(shown.dead),
    )


def _outcomes(ledger: Ledger, shown: Report) -> dict[str, dict[str, list[str]]]:
    """Return for each message the replies that it has, and what became of each."""
    turns = defaultdict(list)
    for text, turn in shown.dead.items():
        turns[turn].append(text.split()[-1])
    outcomes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for taken in ledger.delivered:
        for name in answered(taken.text) or turns[taken.turn]:
            if not taken.dropped:
                outcomes[name][taken.key].append(f"taken in life {taken.life}")
    for key, text in shown.unknown.items():
        for name in answered(text) or turns[key.rpartition("-")[0]]:
            outcomes[name].setdefault(key, [])
    return outcomes


def _judge_message(ledger: Ledger, sent: Sent, replies: dict[str, list[str]]) -> Iterator[Finding]:
    kind = KINDS[sent.channel]
    who = f"{sent.name} ({sent.channel}/{sent.chat} n={sent.n})"
    told = "; ".join(f"{key}: {', '.join(fates) or 'unknown'}" for key, fates in replies.items())
    if not replies:
        held = ledger.acknowledged[sent.channel] >= sent.n
        words = "was acknowledged, but" if held else "was never taken, and"
        yield Finding(LOST, f"{who} {words} has neither an answer nor one shown as unknown")
    elif len(replies) > 1:
        figure = DOUBLED if kind.idempotent else UNSAFE_DOUBLED
        yield Finding(figure, f"{who} has {len(replies)} replies: {told}")
    elif any(len(fates) > 1 for fates in replies.values()):
        yield Finding(UNSAFE_DOUBLED, f"{who} was answered twice with the same key: {told}")
