"""Which plugins may load: those that were there when the home was set up, and those approved since.

It cannot make a bad plugin harmless, since a plugin runs within the agent. It sees to it that none
begins to run, and none is exchanged, without its owner hearing of it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence

from attrs import define, evolve, field

from argent_core.paths import Home
from argent_core.plugin_trust import lock as locks
from argent_core.plugin_trust.installed import Installation
from argent_core.plugin_trust.lock import Drift, Lock
from argent_core.plugin_trust.markers import normal
from argent_core.plugins import InstalledPlugin, installed_plugins
from argent_hookspecs import ConfigError

AUDIT = "argent plugins audit"
ACCEPT = "argent plugins audit --accept"

log = logging.getLogger("argent.trust")


@define(eq=False, repr=False)
class PluginTrust:
    """What one kernel knows of the plugins that may load.

    Args:
        home: Whose lock it is.
        drift: What has changed since it was approved.
        waiting: Why each plugin that waits for approval does.
        first: The plugins that were approved unasked, since this was the first start.
    """

    home: Home
    drift: tuple[Drift, ...] = ()
    waiting: dict[str, str] = field(factory=dict)
    first: tuple[str, ...] = ()

    def begin(self, plugins: Sequence[InstalledPlugin], named: Collection[str] = ()) -> None:
        """Compare what is installed with the lock; the first time, approve all of it.

        Args:
            plugins: The plugins that are installed.
            named: Those that the settings name one by one, which is an approval.
        """
        try:
            lock = locks.read(self.home)
        except ConfigError as error:
            self.waiting = waiting(self.home, plugins)
            log.error("no plugin may load: %s", error)
            return
        mine = _by(plugins)
        if lock is None:
            self._keep(approved(Lock(), mine))
            self.first = () if named else tuple(sorted(mine))
            log.info("these plugins are approved, since they were there first: %s", _list(mine))
            return
        if new := {name: mine[name] for name in named if name in mine.keys() - lock.plugins.keys()}:
            lock = approved(lock, new)
            self._keep(lock)
            log.info("these plugins are approved, since agent.plugins names them: %s", _list(new))
        self._look(lock)
        self.waiting = _waiting(lock, mine)

    def approve(self, names: Sequence[str]) -> list[str]:
        """Let plugins load, now and from now on; all that are installed, if none is named."""
        new = approve(self.home, names) if names else approve_all(self.home)
        for name in names or list(self.waiting):
            self.waiting.pop(name, None)
        if not names:
            self.drift = ()
        return new

    def accept(self) -> list[Drift]:
        """Take what the approved plugins bring as it is now; return what had changed."""
        changed, self.drift = accept(self.home), ()
        return changed

    def _look(self, lock: Lock) -> None:
        """Find what has changed: at a glance if nothing seems to, closely otherwise."""
        if lock.sight.still_holds():
            self.drift = lock.sight.drift
        else:
            installation = Installation.find()
            now = locks.locked(lock.plugins, installation)
            self.drift = locks.compare(lock.distributions, now)
            seen = locks.sight(installation, now, drift=self.drift)
            self._keep(evolve(lock, sight=seen))
        for drift in self.drift:
            log.warning("%s; see %s; if that is well: %s", drift, AUDIT, ACCEPT)

    def _keep(self, lock: Lock) -> None:
        try:
            locks.write(self.home, lock)
        except ConfigError as error:  # an agent whose disk is full is to run all the same
            log.warning("what was seen of the plugins is not kept: %s", error)


def waiting(
    home: Home, plugins: Sequence[InstalledPlugin], *, named: Collection[str] = ()
) -> dict[str, str]:
    """Say of each plugin that may not load why it does not.

    Args:
        named: Those that the settings name one by one.
    """
    mine = _by(plugins)
    try:
        lock = locks.read(home)
    except ConfigError as error:
        return dict.fromkeys(mine, str(error))
    if lock is None:
        return {}
    found = _waiting(lock, mine)
    return {name: why for name, why in found.items() if name not in named or name in lock.plugins}


def approve(home: Home, names: Iterable[str]) -> list[str]:
    """Let plugins load from the next start on; return those that could not before.

    Where no lock is yet, all that is installed is approved, as at a first start.

    Raises:
        ConfigError: One is not installed, or the lock cannot be read or written.
    """
    mine, wanted = _by(installed_plugins()), list(names)
    for name in wanted:
        if name not in mine:
            raise ConfigError(f"there is no plugin {name!r}; there are: {_list(mine) or 'none'}")
    lock = locks.read(home)
    new = {
        name: mine[name] for name in wanted if lock is None or lock.plugins.get(name) != mine[name]
    }
    if lock is None:
        locks.write(home, approved(Lock(), mine))
    elif new:
        locks.write(home, approved(lock, new))
    return list(new)


def approve_all(home: Home) -> list[str]:
    """Approve all that is installed, as it is; return the names. Raises ``ConfigError``."""
    mine = _by(installed_plugins())
    locks.write(home, approved(Lock(), mine))
    return list(mine)


def accept(home: Home) -> list[Drift]:
    """Take what the approved plugins bring as it is now; return what has changed.

    Raises:
        ConfigError: The lock cannot be read or written.
    """
    lock = locks.read(home)
    installation = Installation.find()
    if lock is None:
        locks.write(home, approved(Lock(), _by(installed_plugins())))
        return []
    new = locks.relocked(lock, installation)
    locks.write(home, new)
    return list(locks.compare(lock.distributions, new.distributions))


def approved(lock: Lock, plugins: Mapping[str, str]) -> Lock:
    """Add plugins to a lock, with all that they bring.

    What others have brought before stays locked as it was, so that a change of it is still told.
    """
    installation = Installation.find()
    everyone = {**lock.plugins, **plugins}
    now, mine = locks.locked(everyone, installation), locks.locked(plugins, installation)
    kept = {
        name: evolve(one, plugins=now[name].plugins) if name in now else one
        for name, one in lock.distributions.items()
        if name in now or not plugins.keys() >= {*one.plugins}
    }
    known = {**{name: now[name] for name in mine}, **kept}
    seen = locks.sight(installation, now, drift=locks.compare(known, now))
    return Lock(plugins=everyone, distributions=known, sight=seen)


def said_first(names: Iterable[str]) -> str:
    """Say which plugins were approved unasked at a first start, or nothing."""
    known = _list(names)
    words = f"First start: these plugins are there, and so they are approved: {known}; see {AUDIT}"
    return words if known else ""


def _by(plugins: Iterable[InstalledPlugin]) -> dict[str, str]:
    """Say by which distribution each plugin comes."""
    return {plugin.name: normal(plugin.distribution) for plugin in plugins}


def _waiting(lock: Lock, plugins: Mapping[str, str]) -> dict[str, str]:
    return {
        name: _why(name, by, before=lock.plugins.get(name, ""))
        for name, by in plugins.items()
        if lock.plugins.get(name) != by
    }


def _why(name: str, by: str, *, before: str) -> str:
    other = f"it comes from {by} now, and was approved as part of {before}"
    what = other if before else f"{by} was installed after this agent was set up"
    return f"{what}. See what it brings: {AUDIT} {name}. Then: argent plugins approve {name}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
