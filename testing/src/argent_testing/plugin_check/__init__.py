"""Checks of a plugin that is installed: one module a rule, and three levels."""

from __future__ import annotations

from argent_testing.plugin_check.checking import RULES, check
from argent_testing.plugin_check.report import LEVELS, Report, Rule, Verdict
from argent_testing.plugin_check.settings_table import table

__all__ = ["LEVELS", "RULES", "Report", "Rule", "Verdict", "check", "table"]
