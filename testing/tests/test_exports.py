from __future__ import annotations

import pathlib
import typing

import argent_testing
from argent_hookspecs import Notice
from argent_testing import contracts, sample_notices

README = (pathlib.Path(__file__).parent.parent / "README.md").read_text("utf-8")


def test_every_name_is_there_and_sorted() -> None:
    for module in (argent_testing, contracts):
        assert module.__all__ == sorted(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__)


def test_every_contract_can_be_had_from_the_top() -> None:
    assert set(contracts.__all__) <= set(argent_testing.__all__)


def test_every_contract_is_documented() -> None:
    concrete = [name for name in contracts.__all__ if name.endswith("Contract")]
    bases = {"Contract", "RecordContract", "OpenedContract"}

    assert [name for name in concrete if f"| `{name}` |" not in README and name not in bases] == []


def test_there_is_a_notice_of_each_kind() -> None:
    assert {type(notice) for notice in sample_notices()} == set(typing.get_args(Notice))
