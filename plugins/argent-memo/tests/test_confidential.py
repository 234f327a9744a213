"""What looks like a key is found; no text takes long to look at."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

import argent_memo
from argent_memo.confidential import is_confidential

LONG = 100_000
PARTS = (
    *("eyJ-", "eyJaaaaaaaa-", "eyJaaaaaaaa.", "ghp_a", "github_pat_", "sk-", "xoxb-", "123456:"),
    *("://a:", "://", "-----BEGIN ", "1 ", "1-", "1,", "1", "a", "_", "a'", "a.", " ", "\n", "? "),
    *("-", "#", "# ", "1年 ", "年 ", "<!-- ", "<!-- 1 abcdef01 ", "--> ", "@a", "あ"),
)
ANCHORED = (
    "times._NUMBER",
    "pages._MARK",
    "mirror_page._POINT",
    "mirror_page._SILENT",
    "notes._HEADING",
    "tellings._MEASURE",
)
"""Those that are only asked whether a text begins with them, or is one."""
SHORT = ("names._BEGINS",)
"""Those that are asked about a few letters."""


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for module in pkgutil.walk_packages(argent_memo.__path__, "argent_memo."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern) and not f"{module.name}.{name}".endswith(SHORT):
                yield f"{module.name}.{name}", value


def look(name: str, pattern: re.Pattern[str], text: str) -> None:
    pattern.match(text)
    pattern.fullmatch(text)
    if not name.endswith(ANCHORED):
        for _ in pattern.finditer(text):
            pass


@pytest.mark.parametrize("part", PARTS)
def test_no_text_takes_long_to_look_at(part: str) -> None:
    text = (part * LONG)[:LONG]
    slow = []
    for name, pattern in patterns():
        for begin in ("", "# a", "<!--", "?"):
            began = time.thread_time()
            look(name, pattern, f"{begin}{text}!")
            if time.thread_time() - began > 1.0:
                slow.append((name, begin))
    assert slow == []


@pytest.mark.parametrize("before", ["", " ", "Bearer:", "token-", "x=", "(", "."])
def test_a_token_is_found_behind_whatever_stands_before_it(before: str) -> None:
    assert is_confidential(f"{before}eyJhbGciOiJIUzI1.eyJzdWIiOi.c2lnbmF0dXJl and more")


def test_a_token_is_found_with_all_letters_of_its_alphabet() -> None:
    assert is_confidential("eyJh-bGci_OiJI.eyJz-dWIiOi.c2-nbmF0dXJl")
