"""What is installed, and what belongs to a plugin: the closure of its dependencies."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import Distribution, distributions
from pathlib import Path

from attrs import define, field, frozen

from argent_core.plugin_trust.markers import UnreadableMarker, holds, normal

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][\w.\-]*)\s*(?:\[([^\]]*)\])?\s*(@)?")

log = logging.getLogger("argent.trust")


@frozen
class Requirement:
    """What a distribution needs.

    Args:
        name: Its normal name.
        extras: The extras of it that are asked for.
        marker: When it is needed; always, if empty.
    """

    name: str
    extras: frozenset[str] = frozenset()
    marker: str = ""

    @classmethod
    def read(cls, text: str) -> Requirement | None:
        """Read one line of metadata; None if it names nothing.

        >>> Requirement.read('Httpx[http2] (>=0.28) ; extra == "web"')
        Requirement(name='httpx', extras=frozenset({'http2'}), marker='extra == "web"')
        """
        found = _REQUIREMENT.match(text)
        if found is None:
            return None
        name, extras, address = found.groups()
        end = re.search(r"\s;" if address else ";", text)  # an address may hold a semicolon
        asked = frozenset(normal(one.strip()) for one in (extras or "").split(",") if one.strip())
        return cls(normal(name), asked, text[end.end() :].strip() if end else "")

    def is_needed(self, extra: str = "") -> bool:
        """Tell whether it is needed here. What cannot be read counts as needed."""
        try:
            return not self.marker or holds(self.marker, extra)
        except UnreadableMarker:
            log.debug("%s: the marker %r is not understood", self.name, self.marker)
            return True


@define(eq=False)
class Installed:
    """A distribution that is installed.

    Args:
        name: Its normal name.
        distribution: What the interpreter knows of it.
    """

    name: str
    distribution: Distribution

    @cached_property
    def _metadata(self) -> Mapping[str, list[str]]:
        found = self.distribution.metadata
        return {key: found.get_all(key) or [] for key in ("Requires-Dist", "Provides-Extra")}

    @cached_property
    def version(self) -> str:
        """Its version."""
        return self.distribution.version

    @cached_property
    def requirements(self) -> list[Requirement]:
        """What it needs, and would need for its extras."""
        read = map(Requirement.read, self._metadata["Requires-Dist"])
        return [requirement for requirement in read if requirement is not None]

    @property
    def extras(self) -> list[str]:
        """The extras that it has."""
        return [normal(extra) for extra in self._metadata["Provides-Extra"]]

    @property
    def folder(self) -> Path:
        """The folder that paths in its RECORD start from."""
        return Path(str(self.distribution.locate_file("")))

    @cached_property
    def record(self) -> str | None:
        """Its RECORD, the list of its files with their hashes."""
        return self.distribution.read_text("RECORD")

    @cached_property
    def is_editable(self) -> bool:
        """Whether it is a checkout that is worked on, whose files nobody has listed."""
        text = self.distribution.read_text("direct_url.json")
        if text is None:
            return False
        try:
            address = json.loads(text)
            return bool(address.get("dir_info", {}).get("editable"))
        except (ValueError, AttributeError):
            return False

    @property
    def digest(self) -> str:
        """The hash of its RECORD; empty if it is editable or has none."""
        if self.is_editable or self.record is None:
            return ""
        return f"sha256:{hashlib.sha256(self.record.encode()).hexdigest()}"

    @property
    def mark(self) -> list[str | int]:
        """What shows at a glance that it is still the same: where its RECORD is, when, how long."""
        folder = _folder(self.distribution)
        if not folder:
            return [self.name, -1, -1]  # as nothing ever looks, so that it is looked at closely
        return look(os.path.join(folder, "RECORD"))  # noqa: PTH118 - a start makes many


def look(path: str) -> list[str | int]:
    """Return a file's path, time of change in nanoseconds, and size; zeros if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a start makes many
    except OSError:
        return [path, 0, 0]
    return [path, found.st_mtime_ns, found.st_size]


@define(eq=False)
class Installation:
    """All that is installed for this interpreter."""

    distributions: dict[str, Installed] = field(factory=dict)

    @classmethod
    def find(cls) -> Installation:
        """Look at what is installed; reads no metadata yet."""
        found: dict[str, Installed] = {}
        for distribution in distributions():
            name = _name(distribution)
            found.setdefault(name, Installed(name, distribution))
        return cls(found)

    def get(self, name: str) -> Installed | None:
        """Return a distribution."""
        return self.distributions.get(normal(name))

    def closure(self, name: str) -> dict[str, Installed]:
        """Return a distribution and all that it brings, by name.

        Which extras a person has asked for is written down nowhere. One of the distribution itself
        counts as asked for when all that it adds is installed; one of another, when it is named.
        """
        root = self.get(name)
        if root is None:
            return {}
        waiting = [(root, extra) for extra in ("", *self._complete_extras(root))]
        seen: set[tuple[str, str]] = set()
        found: dict[str, Installed] = {}
        while waiting:
            one, extra = waiting.pop()
            if (one.name, extra) not in seen:
                seen.add((one.name, extra))
                found[one.name] = one
                waiting += self._needed(one, extra)
        return dict(sorted(found.items()))

    def _needed(self, one: Installed, extra: str) -> Iterator[tuple[Installed, str]]:
        for requirement in one.requirements:
            target = self.distributions.get(requirement.name)
            if target is not None and requirement.is_needed(extra):
                yield from ((target, asked) for asked in ("", *requirement.extras))

    def _complete_extras(self, one: Installed) -> Iterator[str]:
        for extra in one.extras:
            added = [r for r in one.requirements if r.is_needed(extra) and not r.is_needed()]
            if added and all(r.name in self.distributions for r in added):
                yield extra


def _name(distribution: Distribution) -> str:
    """Return the normal name, from the name of its folder if that says it."""
    stem, dot, kind = Path(_folder(distribution)).name.rpartition(".")
    if dot and kind in ("dist-info", "egg-info") and stem:
        return normal(stem.partition("-")[0])
    return normal(distribution.metadata["Name"])


def _folder(distribution: Distribution) -> str:
    """Return the folder of what was written down of it; empty if it has none.

    It is that of the standard library's class, or of the one that the backport puts in its place.
    """
    return str(getattr(distribution, "_path", None) or "")
