"""A plugin of pytest: of each mutant it runs only the test that must catch it.

It imports nothing of the kit: pytest loads it before it knows whose assertions it is to explain.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from attrs import asdict

from tests.mutants.expectations import Expected


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the name of the contract to which the run is limited."""
    parser.addoption("--contract", default="")


def pytest_collection_modifyitems(config: pytest.Config, items: list[Any]) -> None:
    """Leave out what need not be run. Raises ``UsageError`` if a mutant is left with no test."""
    only = config.getoption("--contract")
    meant = [item for item in items if item.cls is not None and only in ("", contract_of(item.cls))]
    items[:] = [item for item in meant if _is_to_run(item)]
    untried = {item.cls.__name__ for item in meant} - {item.cls.__name__ for item in items}
    if untried:
        raise pytest.UsageError(f"no such test, for {', '.join(sorted(untried))}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any) -> Generator[None, Any, Any]:
    """Write into each report whose it is."""
    report: Any = yield
    expected = expected_of(item.cls)
    report.mutant = {
        "name": f"{item.module.__name__.rpartition('.')[2]}.{item.cls.__name__}",
        "test": item.originalname,
        "contract": contract_of(item.cls),
        "expected": None if expected is None else asdict(expected),
    }
    return report


def expected_of(contract: type[Any]) -> Expected | None:
    """Return what must become of a class; None if its plugin is right."""
    found: Expected | None = vars(contract).get("expected")
    return found


def contract_of(contract: type[Any]) -> str:
    """Return the name of the kit's class that it is made of."""
    names = [c.__name__ for c in contract.__mro__ if c.__module__.startswith("argent_testing.")]
    return names[0]


def _is_to_run(item: Any) -> bool:
    expected = expected_of(item.cls)
    return expected is None or item.originalname == expected.test
