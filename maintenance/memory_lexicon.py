"""Makes the memory's names of times anew, out of the data of well-kept libraries.

Months, days, weeks and phrases such as "last week" are dateparser's: CLDR's, and what it adds. The
seasons have the names that Home Assistant's translators gave them; plurals and quarters are CLDR's
(Babel), dates of moving feasts those of holidays and python-dateutil, numbers those of num2words,
and the time zones of the south IANA's (tzdata). What nobody has a table for, such as "before" and
other cases of the seasons, is kept by hand in ``memory_times.toml``; which of it are common words
of other languages is looked up in wordfreq. The wheels are only read:

    pip download --no-deps dateparser homeassistant holidays
    pip install babel num2words python-dateutil tzdata wordfreq
    python maintenance/memory_lexicon.py . plugins/argent-memo/src/argent_memo/lexicon.json

Needs argent-memo, whose way of folding words it goes by.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from dateutil.easter import easter
from memory_spellings import Spelt
from num2words import num2words

from argent_memo.words import UNSPACED, fold, words

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
_OTHER_WORDS = {"segunda", "terca", "quarta", "quinta", "sexta", "more"}
"""Names of days that are common words as well: "the second", and "more" in English."""
_SEASON_NAMES = "homeassistant/components/season/translations/"
_SEASONS = ["spring", "summer", "autumn", "winter"]
_DECADES = {"sixties": 60, "seventies": 70, "eighties": 80, "nineties": 90}
_WAYS = {"last": -1, "this": 0, "next": 1, "before_last": -2}
_NAMED = {
    "today": ("day", 0),
    "yesterday": ("day", -1),
    "last_year": ("year", -1),
    "year_before_last": ("year", -2),
}
_RELATIONS = {"before", "after", "since", "until", "while"}
_YEARS = range(1990, 2051)
_SHORT = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_MOST = 12
_SHORTEST = 2
_RELATIVE = re.compile(r"(in )?(\d+) (day|week|month|year)( ago)?")
_LANGUAGES = re.compile(
    "en|de|fr|es|it|pt|nl|sv|da|nb|fi|pl|cs|sk|sl|hr|sr|bs|bg|uk|ru|be|ro|hu|el|tr|az|kk|lt|lv|et|ca"
    "|gl|eu|ga|cy|is|mt|sq|mk|ar|fa|ur|he|hi|bn|pa|gu|mr|ne|ta|te|kn|ml|si|th|lo|km|my|zh(-.*)?|ja|ko"
    "|vi|id|ms|fil|tl|sw|af|ka|hy|mn|uz"
)


def main(folder: str, target: str) -> None:
    """Read the wheels in a folder and write the names."""
    months: dict[str, set[int]] = {}
    said: set[str] = set()
    entries = _Entries()
    for language, info in _languages(_wheel(folder, "dateparser")):
        for number, key in enumerate(_MONTHS, 1):
            for name in _month(info.get(key, [])):
                months.setdefault(name, set()).add(number)
        for what, phrases in info.get("relative-type", {}).items():
            if found := _RELATIVE.fullmatch(what):
                amount = int(found[2]) * (1 if found[1] else -1)
                for phrase in _telling(phrases, least=4):
                    if phrase not in _OTHER_WORDS:
                        entries.add(phrase, "relative", found[3], amount)
        for number, key in enumerate(_DAYS):  # abbreviations ("so", "mi", "do") are other words
            for name in _telling(info.get(key, []), least=5, other=3):
                said.add(name)
                if name not in _OTHER_WORDS:
                    entries.add(name, "weekday", number)
        for key in _UNITS:  # "two weeks ago", "next year"
            for name in _telling(info.get(key, []), least=4, other=1):
                entries.add(name, "unit", key)
            said.update(_telling(info.get(key, []), least=4))
        _ago(entries, info)
        _counted(entries, info, language)
        _shifts(entries, info)
    _seasons(entries, _wheel(folder, "homeassistant"))
    pack = tomllib.loads(Path(__file__).with_name("memory_times.toml").read_text("utf-8"))
    fixed, moving = pack.pop("fixed"), pack.pop("moving")
    spelt = Spelt(pack)
    for language in pack.values():
        _by_hand(entries, language, spelt)
    lexicon: dict[str, Any] = {
        "months": {name: sorted(numbers) for name, numbers in sorted(months.items())},
        "time_words": sorted(said),
        "entries": entries.sorted(),
        "written": spelt.sorted(),
        "feasts": {**fixed, **dict(_feasts(_wheel(folder, "holidays"), moving))},
    }
    text = json.dumps(lexicon, ensure_ascii=False, separators=(",", ":"))
    Path(target).write_text(re.sub(r'(\],|\},|",)(?=")', r"\1\n", text), encoding="utf-8")
    Path(target).with_name("south.txt").write_text("\n".join(sorted(_south())) + "\n", "utf-8")
    print(", ".join(f"{len(names)} {kind}" for kind, names in lexicon.items()))


class _Entries:
    """What phrases mean; a number in one is ``#``."""

    def __init__(self) -> None:
        self._all: dict[str, set[tuple[Any, ...]]] = {}

    def add(self, phrase: str, *meaning: Any) -> None:
        key = " ".join(_parts(phrase))
        if key and key != "#":
            self._all.setdefault(key, set()).add(meaning)

    def add_counted(self, phrase: str, unit: str, sign: int) -> None:
        """Add "# weeks ago", if it says more than "# weeks"."""
        parts = [part for part in _parts(phrase) if part != "#"]
        if len(parts) > 1 or (parts and len(parts[0]) > 1 and UNSPACED.fullmatch(parts[0])):
            self.add(phrase, "counted", unit, sign)

    def sorted(self) -> dict[str, list[list[Any]]]:
        """Return them in a fixed order."""
        return {
            phrase: sorted([list(one) for one in meant], key=str)
            for phrase, meant in sorted(self._all.items())
        }


def _parts(phrase: str) -> Iterator[str]:
    """Yield the words of a phrase, as they are looked up one by one."""
    for part in re.split("(#)", fold(phrase)):
        yield from ["#"] if part == "#" else words(part)


def _wheel(folder: str, name: str) -> Path:
    """Return the wheel of a distribution."""
    (found,) = Path(folder).glob(f"{name}-*.whl")
    return found


def _counted(entries: _Entries, info: Mapping[str, Any], language: str) -> None:
    """Take "two weeks ago" and number words."""
    for what, patterns in info.get("relative-type-regex", {}).items():
        if found := re.fullmatch(r"(in )?\\1 (day|week|month|year)( ago)?", what):
            for pattern in patterns:
                phrase = re.sub(r"\(\\d[^)]*\)", "#", pattern)
                if re.fullmatch(r"[^\\()?*+\[\]]+", phrase):
                    entries.add_counted(phrase, found[2], 1 if found[1] else -1)
    try:
        fields = Locale.parse(language.replace("-", "_"))._data["date_fields"]
    except (UnknownLocaleError, ValueError):
        return
    for unit in _UNITS:
        for side, sign in (("past", -1), ("future", 1)):
            for plural, pattern in fields[unit].get(side, {}).items():
                phrase = pattern.replace("{0}", "#")
                entries.add_counted(phrase, unit, sign)
                if plural == "one" and sign < 0 and len(words(phrase)) > 1:
                    entries.add(phrase.replace("#", ""), "relative", unit, sign)
    quarters = Locale.parse(language.replace("-", "_")).quarters
    for width in ("wide", "abbreviated"):
        for number, name in quarters["stand-alone"][width].items():
            entries.add(name, "quarter", number)
    for simplification in info.get("simplifications", []):
        for pattern, to in simplification.items():
            if to.isdigit() and 1 <= int(to) <= _MOST:
                for word in _alternatives(pattern):
                    entries.add(word, "number", int(to))
    for number in range(1, _MOST + 1):
        try:
            entries.add(num2words(number, lang=language), "number", number)
        except (NotImplementedError, IndexError, KeyError, ValueError):
            return


def _ago(entries: _Entries, info: Mapping[str, Any]) -> None:
    """Take what "two weeks ago" has besides the two weeks: it goes with summers, too."""
    names = {word for unit in _UNITS for name in info.get(unit, []) for word in words(name)}
    for unit in _UNITS:
        for pattern in info.get("relative-type-regex", {}).get(rf"\1 {unit} ago", []):
            parts = list(_parts(re.sub(r"\(\\d[^)]*\)", "#", pattern)))
            left = [part for part in parts if part != "#" and part not in names]
            if len("".join(left)) > _SHORTEST and len(left) == len(parts) - 2:
                entries.add(" ".join(left), "ago")


def _alternatives(pattern: str) -> Iterator[str]:
    """Yield the words that a plain pattern stands for: дв(а|е) for два and две."""
    if found := re.fullmatch(r"(\w+)(?:\(([\w|]+)\))?", pattern):
        for ending in (found[2] or "").split("|"):
            yield found[1] + ending


def _shifts(entries: _Entries, info: Mapping[str, Any]) -> None:
    """Take what "last week" has besides the week: it goes with a summer, too."""
    types = info.get("relative-type", {})
    names = {word for unit in _UNITS for name in info.get(unit, []) for word in words(name)}
    for unit in ("week", "month", "year"):
        ways = {
            -1: types.get(f"1 {unit} ago", []),
            0: types.get(f"0 {unit} ago", []),
            1: types.get(f"in 1 {unit}", []),
        }
        found = {way: {w for phrase in said for w in words(phrase)} for way, said in ways.items()}
        for way, said in found.items():
            others = {w for other, theirs in found.items() if other != way for w in theirs}
            for word in said - others - names:
                if len(word) > _SHORTEST + word.isascii() and not UNSPACED.search(word):
                    entries.add(word, "shift", way)


def _seasons(entries: _Entries, wheel: Path) -> None:
    """Take the names of the seasons."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if not name.startswith(_SEASON_NAMES) or Path(name).name.startswith("sensor."):
                continue
            sensor = json.loads(archive.read(name)).get("entity", {}).get("sensor", {})
            states = sensor.get("season", {}).get("state", {})
            for number, season in enumerate(_SEASONS):
                if season in states:
                    entries.add(states[season], "season", number)


def _by_hand(entries: _Entries, language: Mapping[str, Sequence[str]], spelt: Spelt) -> None:
    """Take what is kept by hand for a language."""
    meaning: dict[str, tuple[Any, ...]] = {
        **{season: ("season", number) for number, season in enumerate(_SEASONS)},
        **{name: ("decade", tens) for name, tens in _DECADES.items()},
        **{name: ("shift", way) for name, way in _WAYS.items()},
        **{name: ("relative", *amount) for name, amount in _NAMED.items()},
        **{name: (name,) for name in ("ago", "in_season", "in_month", "in_itself", "of")},
        "formerly": ("formerly",),
        "weekend": ("unit", "weekend"),
        "quarter": ("unit", "quarter"),
    }
    for name, phrases in language.items():
        relation = name.removesuffix("_behind")
        if relation in _RELATIONS:
            means: tuple[Any, ...] = ("cue", relation, name != relation)
        else:
            means = meaning.get(name, ("feast", name))
        for phrase in phrases:
            if means[0] not in ("cue", "formerly") or spelt.may_stand(phrase, name):
                entries.add(phrase, *means)


def _feasts(wheel: Path, moving: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the feasts whose date is another one each year: their dates, and how many days."""
    for name, (calendar, table, days) in moving.items():
        with zipfile.ZipFile(wheel) as archive:
            tree = ast.parse(archive.read(f"holidays/calendars/{calendar}.py"))
        assigned = next(
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign | ast.AnnAssign)
            and ast.unparse(node).startswith(table)
            and isinstance(node.value, ast.Dict)
        )
        yield name, [sorted(_dates(assigned)), days]
    easters = [easter(year) - timedelta(2) for year in _YEARS]
    yield "easter", [[day.isoformat() for day in easters], 4]
    first = [date(year, 11, 1) for year in _YEARS]
    fourth = [day + timedelta((3 - day.weekday()) % 7 + 21) for day in first]
    yield "thanksgiving", [[day.isoformat() for day in fourth], 2]


def _dates(table: ast.Dict) -> Iterator[str]:
    """Yield the dates in a table of holidays: by year, a month's name and a day, or several."""
    for year, value in zip(table.keys, table.values, strict=True):
        assert isinstance(year, ast.Constant) and isinstance(year.value, int)
        assert isinstance(value, ast.Tuple)
        if year.value in _YEARS:
            pairs = value.elts if isinstance(value.elts[0], ast.Tuple) else [value]
            for pair in pairs:
                assert isinstance(pair, ast.Tuple)
                month, day = pair.elts[:2]
                number = _SHORT.index(ast.unparse(month)) + 1
                yield date(year.value, number, ast.literal_eval(day)).isoformat()


def _south() -> Iterator[str]:
    """Yield the time zones south of the equator (the sign of their latitude in zone.tab)."""
    lines: Iterable[str] = files("tzdata").joinpath("zoneinfo/zone.tab").read_text().splitlines()
    for line in lines:
        if not line.startswith("#") and line.split("\t")[1].startswith("-"):
            yield line.split("\t")[2]


def _languages(wheel: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what each language calls times."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if Path(name).parent.as_posix() == _DATA and _LANGUAGES.fullmatch(Path(name).stem):
                (statement,) = ast.parse(archive.read(name)).body
                assert isinstance(statement, ast.Assign)
                yield Path(name).stem, ast.literal_eval(statement.value)


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
