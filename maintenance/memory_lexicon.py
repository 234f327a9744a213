"""Makes the memory's names of times anew, from the data of dateparser: CLDR's, and what it adds.

It is read out of dateparser's wheel; nothing of it is imported or run:

    pip download --no-deps dateparser
    python maintenance/memory_lexicon.py dateparser-*.whl \\
        plugins/argent-memo/src/argent_memo/lexicon.json

Needs argent-memo, whose way of folding words it goes by.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from argent_memo.words import fold

_DATA = "dateparser/data/date_translation_data"
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_UNITS = ["day", "week", "month", "year"]
_RELATIVE = re.compile(r"(in )?(\d+) (day|week|month|year)( ago)?")
_LANGUAGES = re.compile(
    "en|de|fr|es|it|pt|nl|sv|da|nb|fi|pl|cs|sk|sl|hr|sr|bs|bg|uk|ru|be|ro|hu|el|tr|az|kk|lt|lv|et|ca"
    "|gl|eu|ga|cy|is|mt|sq|mk|ar|fa|ur|he|hi|bn|pa|gu|mr|ne|ta|te|kn|ml|si|th|lo|km|my|zh(-.*)?|ja|ko"
    "|vi|id|ms|fil|tl|sw|af|ka|hy|mn|uz"
)


def main(wheel: str, target: str) -> None:
    """Read a wheel and write the names."""
    months: dict[str, set[int]] = {}
    relative: dict[str, set[tuple[str, int]]] = {}
    said: set[str] = set()
    for info in _languages(wheel):
        for number, key in enumerate(_MONTHS, 1):
            for name in _month(info.get(key, [])):
                months.setdefault(name, set()).add(number)
        for what, phrases in info.get("relative-type", {}).items():
            if found := _RELATIVE.fullmatch(what):
                amount = int(found[2]) * (1 if found[1] else -1)
                for phrase in _telling(phrases, least=4):
                    relative.setdefault(phrase, set()).add((found[3], amount))
        for key in _DAYS:  # abbreviations ("so", "mi", "do") are other words
            said.update(_telling(info.get(key, []), least=5, other=3))
        for key in _UNITS:  # "two weeks ago", "next year"
            said.update(_telling(info.get(key, []), least=4))
    lexicon: dict[str, Any] = {
        "months": {name: sorted(numbers) for name, numbers in sorted(months.items())},
        "relative": {phrase: sorted(meant) for phrase, meant in sorted(relative.items())},
        "time_words": sorted(said),
    }
    text = json.dumps(lexicon, ensure_ascii=False, indent=0)
    Path(target).write_text(text, encoding="utf-8")
    print(", ".join(f"{len(names)} {kind}" for kind, names in lexicon.items()))


def _languages(wheel: str) -> Iterator[Mapping[str, Any]]:
    """Yield what each language calls times."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if Path(name).parent.as_posix() == _DATA and _LANGUAGES.fullmatch(Path(name).stem):
                (statement,) = ast.parse(archive.read(name)).body
                assert isinstance(statement, ast.Assign)
                yield ast.literal_eval(statement.value)


def _month(names: list[str]) -> Iterator[str]:
    """Yield the names of a month that are no other words; its longest at any rate."""
    for name in names:
        folded = fold(name).strip(". ")
        long = len(folded) > 3 or (not folded.isascii() and len(folded) > 1)
        if long or (folded == fold(max(names, key=len)) and len(folded) > 2):
            yield folded


def _telling(names: list[str], *, least: int, other: int = 2) -> Iterator[str]:
    """Yield the names that are long enough to mean a time; fewer letters do out of ASCII."""
    for name in names:
        folded = fold(name).strip(". ")
        if len(folded) >= least or (not folded.isascii() and len(folded) >= other):
            yield folded


if __name__ == "__main__":
    main(*sys.argv[1:])
