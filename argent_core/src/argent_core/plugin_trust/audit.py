"""The audit: what each plugin and all that it needs bring, and how that compares with the lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from attrs import frozen

from argent_core.paths import Home
from argent_core.plugin_trust import lock as locks
from argent_core.plugin_trust.contents import Contents, contents, differences, writers
from argent_core.plugin_trust.installed import Installation, Installed
from argent_core.plugin_trust.lock import Drift, Lock
from argent_core.plugin_trust.markers import normal
from argent_core.plugins import installed_plugins
from argent_hookspecs import ConfigError


@frozen(kw_only=True)
class Audited:
    """A distribution, as the audit found it.

    Args:
        name: Its normal name.
        version: Its version.
        plugins: Which plugins bring it.
        locked: ``locked``, ``editable, not locked``, ``no list of files, not locked`` or ``not
            approved``.
        brings: What is in it.
        wrong: Which of its files are not as its list says, if they were compared.
    """

    name: str
    version: str
    plugins: tuple[str, ...]
    locked: str
    brings: Contents
    wrong: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {**attrs.asdict(self), "brings": self.brings.as_json()}


@frozen(kw_only=True)
class Audit:
    """What the audit found.

    Args:
        distributions: All that the plugins bring.
        drift: What has changed since it was approved.
        unapproved: Plugins that may not load yet.
        problem: Why the lock cannot be read; empty if it can, or there is none yet.
    """

    distributions: tuple[Audited, ...]
    drift: tuple[Drift, ...] = ()
    unapproved: tuple[str, ...] = ()
    problem: str = ""

    @property
    def is_well(self) -> bool:
        """Whether nothing has changed, as far as can be known."""
        wrong = any(one.wrong for one in self.distributions)
        return not (self.drift or self.problem or wrong)


def audit(home: Home, names: Sequence[str] = (), *, verify: bool = False) -> Audit:
    """Look at plugins and all that they bring.

    Args:
        names: Of plugins; all, if there are none.
        verify: Whether each file is compared with its hash.

    Raises:
        ConfigError: There is no such plugin.
    """
    installed = {plugin.name: normal(plugin.distribution) for plugin in installed_plugins()}
    for name in names:
        if name not in installed:
            known = ", ".join(installed) or "none"
            raise ConfigError(f"there is no plugin {name!r}; there are: {known}")
    wanted = {name: by for name, by in installed.items() if name in names or not names}
    (lock, problem), installation = _read(home), Installation.find()
    found = locks.brought(wanted, installation)
    folders = writers(installation.distributions.values())
    distributions = tuple(
        Audited(
            name=one.name,
            version=one.version,
            plugins=plugins,
            locked=_standing(one, lock),
            brings=contents(one, folders),
            wrong=tuple(differences(one)) if verify and not one.is_editable else (),
        )
        for one, plugins in found.values()
    )
    if lock is None:
        return Audit(distributions=distributions, problem=problem)
    drift = locks.compare(lock.distributions, locks.locked(lock.plugins, installation))
    return Audit(
        distributions=distributions,
        drift=tuple(one for one in drift if not names or {*one.plugins} & wanted.keys()),
        unapproved=tuple(name for name, by in wanted.items() if lock.plugins.get(name) != by),
    )


def _read(home: Home) -> tuple[Lock | None, str]:
    """Read the lock; an audit is what a person is to do when that fails."""
    try:
        return locks.read(home), ""
    except ConfigError as error:
        return None, str(error)


def _standing(one: Installed, lock: Lock | None) -> str:
    if one.is_editable:
        return "editable, not locked"
    if one.record is None:
        return "no list of files, not locked"
    if lock is None:
        return "not locked yet"
    return "locked" if one.name in lock.distributions else "not approved"
