"""Our own plugins are as good as we ask of others."""

from __future__ import annotations

from typing import Any

from argent_testing.plugin_check import check


def test_every_plugin_of_ours_is_gold(members: list[Any]) -> None:
    reports = [check(str(member.folder)) for member in members if member.is_plugin]

    lacking = [
        f"{report.name}: {verdict.rule}: {problem}"
        for report in reports
        for verdict in report.verdicts
        for problem in verdict.problems
    ]
    assert reports
    assert lacking == []
    assert all(report.reaches("gold") for report in reports)
