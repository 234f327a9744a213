"""The pytest plugin: fixtures that are there wherever ``argent-testing`` is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from argent_testing.guards import Canary
    from argent_testing.kernels import Argent
    from argent_testing.specimen import Specimen

_canary = pytest.StashKey["Canary"]()


@pytest.fixture
def argent(tmp_path: Path) -> Argent:
    """Run whole kernels: ``async with argent(plugins=[…], model=[…]) as kernel``."""
    from argent_testing.kernels import Argent

    return Argent(tmp_path)


@pytest.fixture
def load_plugin(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[Specimen]]:
    """Load one plugin: ``async with load_plugin("argent_basics") as plugin``."""
    from argent_testing.specimen import load_plugin

    homes = iter(range(1, 1000))

    def load(target: Any, **options: Any) -> AbstractAsyncContextManager[Specimen]:
        return load_plugin(target, folder=tmp_path / f"specimen-{next(homes)}", **options)

    return load


@pytest.fixture
def canary(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Canary]:
    """A secret for a setting; the test fails when its value is logged, printed or stored."""
    from argent_hookspecs import Secret
    from argent_testing.guards import Canary

    canary = Canary(Secret("env:ARGENT_CANARY"))
    monkeypatch.setenv("ARGENT_CANARY", canary.value)
    request.node.stash[_canary] = canary
    yield canary
    seen = [str(path.relative_to(tmp_path)) for path in canary.seen_in(tmp_path)]
    assert not seen, f"the secret was written to: {', '.join(seen)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Fail a test whose output or log shows its canary."""
    report = yield
    canary = item.stash.get(_canary, None)
    if canary is None or report.when != "teardown" or not report.passed:
        return report
    seen = [name for name, text in report.sections if canary.value in text]
    if seen:
        report.outcome = "failed"
        report.longrepr = f"the secret was shown in: {', '.join(seen)}"
    return report
