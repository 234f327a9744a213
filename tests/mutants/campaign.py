"""All mutants, tried out at once, and what came of each."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen

from tests.mutants.expectations import Expected

HERE = Path(__file__).parent
MODULES = (
    "channels",
    "context",
    "documents",
    "embedders",
    "event_sources",
    "filters",
    "health",
    "jobs",
    "memories",
    "model_stores",
    "observers",
    "outages",
    "output_handlers",
    "providers",
    "records",
    "scorers",
    "services",
    "text_embedders",
    "tiers",
    "tools",
    "whole_plugins",
)
WORKERS = 4
"""Most mutants are waited for: more workers than processors do no harm."""


@frozen
class Outcome:
    """What came of one class.

    Args:
        name: Of the class.
        contract: Name of the contract.
        expected: What should become of it; None if its plugin is right.
        failures: What failed, by test.
    """

    name: str
    contract: str
    expected: Expected | None
    failures: dict[str, str] = field(factory=dict)

    @property
    def is_as_it_should(self) -> bool:
        """Whether a mutant was caught by the right test in the right words; a right one passed."""
        if self.expected is None:
            return not self.failures
        return self.expected.words in self.failures.get(self.expected.test, "")

    @property
    def story(self) -> str:
        """What happened, in a line."""
        if self.expected is None:
            failed = "; ".join(f"{test}: {words}" for test, words in self.failures.items())
            return f"{self.name} is right, and failed: {failed:.500}"
        said = self.failures.get(self.expected.test)
        if said is None:
            return f"{self.name} survived {self.expected.test}"
        return f"{self.name} was caught, but not for {self.expected.words!r}: {said:.500}"


def run(only: str = "", *, say: Callable[[str], None]) -> list[Outcome]:
    """Try out all mutants, and the right plugins beside them.

    Args:
        only: Name of the contract to which the run is limited.
        say: Is told what goes on, in lines.
    """
    tally = _Tally(say)
    files = [str(HERE / f"{name}.py") for name in MODULES]
    quiet = ["-q", "-p", "no:cacheprovider", "-p", "tests.mutants.collecting"]
    workers = 1 if only else WORKERS
    options = [f"--contract={only}", f"--numprocesses={workers}", "--dist=load", "--tb=short"]
    # What pytest itself prints of the failures that are wanted here would only confuse.
    with redirect_stdout(io.StringIO()):
        pytest.main([*quiet, *options, f"--rootdir={HERE.parent.parent}", *files], plugins=[tally])
    return sorted(tally.outcomes.values(), key=lambda one: (one.contract, one.name))


@define(eq=False)
class _Tally:
    """Hears the reports of pytest."""

    say: Callable[[str], None]
    outcomes: dict[str, Outcome] = field(factory=dict)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note what failed."""
        told = report.mutant
        outcome = self.outcomes.get(told["name"])
        if outcome is None:
            expected = Expected(**told["expected"]) if told["expected"] else None
            outcome = self.outcomes[told["name"]] = Outcome(
                told["name"], told["contract"], expected
            )
        if report.failed:
            before = outcome.failures.get(told["test"], "")
            outcome.failures[told["test"]] = f"{before} {_words_of(report)}".strip()
        if report.when == "teardown" and outcome.expected is not None:
            caught = "caught" if outcome.is_as_it_should else "NOT CAUGHT"
            self.say(f"{caught}: {outcome.contract}, {outcome.name}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Say what cannot be run at all."""
        if report.failed:
            self.say(str(report.longrepr))

    def pytest_internalerror(self, excrepr: Any) -> None:
        """Say what went wrong with the run itself."""
        self.say(str(excrepr))


def _words_of(report: pytest.TestReport) -> str:
    """Return the error's own words: the code around it may hold any."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message) if crash is not None else report.longreprtext
