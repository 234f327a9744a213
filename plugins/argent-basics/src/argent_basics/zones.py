"""Time zones by the names that people use."""

from __future__ import annotations

import difflib
import re
import unicodedata
from datetime import datetime, timedelta, timezone, tzinfo
from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

from attrs import frozen

from argent_hookspecs import ToolError

_AREAS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe",
    "Indian", "Pacific",
)  # fmt: skip
_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+-])(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_ALSO = {
    "bangalore": "Asia/Kolkata",
    "barcelona": "Europe/Madrid",
    "beijing": "Asia/Shanghai",
    "bombay": "Asia/Kolkata",
    "boston": "America/New_York",
    "cape town": "Africa/Johannesburg",
    "central european time": "Europe/Berlin",
    "cest": "Europe/Berlin",
    "delhi": "Asia/Kolkata",
    "edt": "America/New_York",
    "est": "America/New_York",
    "cdt": "America/Chicago",
    "cst": "America/Chicago",
    "england": "Europe/London",
    "frankfurt": "Europe/Berlin",
    "geneva": "Europe/Zurich",
    "hamburg": "Europe/Berlin",
    "houston": "America/Chicago",
    "ist": "Asia/Kolkata",
    "jst": "Asia/Tokyo",
    "mdt": "America/Denver",
    "miami": "America/New_York",
    "milan": "Europe/Rome",
    "montreal": "America/Toronto",
    "mst": "America/Denver",
    "mumbai": "Asia/Kolkata",
    "munich": "Europe/Berlin",
    "new delhi": "Asia/Kolkata",
    "nyc": "America/New_York",
    "osaka": "Asia/Tokyo",
    "pdt": "America/Los_Angeles",
    "pst": "America/Los_Angeles",
    "rio de janeiro": "America/Sao_Paulo",
    "san francisco": "America/Los_Angeles",
    "seattle": "America/Los_Angeles",
    "shenzhen": "Asia/Shanghai",
    "st petersburg": "Europe/Moscow",
    "washington": "America/New_York",
    "z": "UTC",
}
"""Large cities and common abbreviations that the zone list does not have."""


@frozen
class Zone:
    """A time zone and the name to show for it."""

    name: str
    rules: tzinfo


class ZoneList:
    """The zones of the tz database, found by key, city, country or offset."""

    def __init__(self) -> None:
        keys = {key for key in available_timezones() if not key.startswith(("posix/", "right/"))}
        self._names = {_plain(key): key for key in keys}
        for key in sorted(keys, key=_rank):
            self._names.setdefault(_plain(key.rpartition("/")[2]), key)
        for name, key in _ALSO.items():
            self._names[name] = key
        self._countries = _zones_by_country(keys)

    def find(self, name: str, now: datetime) -> Zone:
        """Return the zone that a name means.

        Raises:
            ToolError: There is none, or several whose times differ now; says which come near.
        """
        offset = _OFFSET.fullmatch(name.strip())
        if offset is not None:
            return _fixed(offset)
        wanted = _plain(name)
        for candidate in (wanted, _plain(name.split(",")[0]), _plain(name.split("(")[0])):
            if key := self._names.get(candidate):
                return Zone(key, ZoneInfo(key))
            if keys := self._countries.get(candidate):
                return _of_country(name, keys, now)
        near = difflib.get_close_matches(wanted, [*self._names, *self._countries], n=4, cutoff=0.7)
        known = [self._names.get(match, match.title()) for match in near]
        hint = f"did you mean {' or '.join(known)}?" if known else "give a large city near it"
        raise ToolError(f"no time zone is known for {name!r}; {hint} (or a name like Europe/Paris)")


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name)
    ascii_only = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.sub(r"[\s_.]+", " ", ascii_only.strip().lower())
    return words.removesuffix(" time").removesuffix(" city") or words


def _rank(key: str) -> tuple[bool, int, str]:
    area = key.partition("/")[0]
    return (area not in _AREAS, key.count("/"), key)


def _fixed(match: re.Match[str]) -> Zone:
    sign, hours, minutes = match.groups()
    delta = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if delta > timedelta(hours=14):
        raise ToolError(f"no place is {hours} hours from UTC")
    name = f"UTC{sign}{int(hours):02}:{int(minutes or 0):02}"
    return Zone(name, timezone(delta if sign == "+" else -delta))


def _of_country(name: str, keys: list[str], now: datetime) -> Zone:
    offsets: dict[timedelta | None, str] = {}
    for key in keys:
        offsets.setdefault(now.astimezone(ZoneInfo(key)).utcoffset(), key)
    if len(offsets) > 1:
        choice = ", ".join(offsets.values())
        raise ToolError(f"{name} has several time zones; choose a city: {choice}")
    return Zone(keys[0], ZoneInfo(keys[0]))


def _zones_by_country(keys: set[str]) -> dict[str, list[str]]:
    """Read the tables that come with the tz database: tab-separated, most populous zone first."""
    folder = resources.files("tzdata").joinpath("zoneinfo")
    codes: dict[str, list[str]] = {}
    for code, _, key, *_ in _rows(folder.joinpath("zone.tab").read_text(encoding="utf-8")):
        if key in keys:
            codes.setdefault(code, []).append(key)
    names = _rows(folder.joinpath("iso3166.tab").read_text(encoding="utf-8"))
    countries = {_plain(name): codes[code] for code, name in names if code in codes}
    for short, code in (("usa", "US"), ("united states of america", "US"), ("uk", "GB")):
        countries[short] = codes[code]
    return countries


def _rows(table: str) -> list[list[str]]:
    return [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
