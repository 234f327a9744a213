"""What can be wrong with a home, how it is found, and how it is mended."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from argent_core import config as configuration
from argent_core import encryption, wal
from argent_core.absences import missing_channel, missing_model
from argent_core.config import Problem
from argent_core.config.problems import KERNEL_FILE
from argent_core.guard import attempt
from argent_core.hosted_plugin import TROUBLE
from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_core.plugin_trust.approval import ACCEPT, AUDIT
from argent_core.remedies import remedy
from argent_core.settings_check import beside, check_settings, provider_setting
from argent_core.words import counted
from argent_hookspecs import ArgentError

_LEAST_FREE = 256 << 20
_CHECK = "argent config check"


@frozen(kw_only=True)
class Finding:
    """What one check found.

    Args:
        check: What was looked at.
        ok: Whether all is well.
        summary: What was found.
        remedy: What the person can do.
        mend: Does it, where a program can.
    """

    check: str
    ok: bool
    summary: str
    remedy: str = ""
    mend: Callable[[], None] | None = None


async def examine(home: Home) -> list[Finding]:
    """Check all that can be, which is less where the kernel cannot start."""
    found = list(_check_files(home))
    if any(finding.check == "home" for finding in found):
        return found
    of_kernel = await _check_kernel(home) if _can_start(home) else []
    if not any(finding.check == "settings" for finding in (*found, *of_kernel)):
        found.append(Finding(check="settings", ok=True, summary=f"{home.config_file} is right"))
    return [*found, *of_kernel]


def _check_files(home: Home) -> Iterator[Finding]:
    """Check what can be checked without a kernel: folders, permissions, room, settings."""
    if not os.path.lexists(home.root):
        yield _home_is_wrong(f"there is no agent in {home.root} yet", "argent init")
        return
    open_paths = [path for path in _private_paths(home) if _is_open(path)]
    created = attempt(home.create)
    if created.error is not None:
        yield _home_is_wrong(str(created.error), "see the message")
        return
    yield Finding(
        check="permissions",
        ok=not open_paths,
        summary=(
            f"others can read {', '.join(str(path) for path in open_paths)}"
            if open_paths
            else "only you can read the home"
        ),
        remedy=f"chmod -R go-rwx {home.root}",
        mend=lambda: _close(open_paths),
    )
    free, journal = shutil.disk_usage(home.root).free, attempt(home.kernel_database.stat).value
    taken = 0 if journal is None else journal.st_size  # there is none before the first start
    yield Finding(
        check="disk",
        ok=free > _LEAST_FREE,
        summary=f"{free >> 20} MB are free, the journal takes {taken / 2**20:.1f} MB",
        remedy="free some space; without it new messages are refused",
    )
    yield from _check_settings(home)


def _can_start(home: Home) -> bool:
    """Tell whether the kernel's own settings let it start."""
    inspected = attempt(configuration.inspect, home)
    return inspected.error is None and not inspected.get().errors


def _check_settings(home: Home) -> Iterator[Finding]:
    """Say what ``argent config check`` says."""
    inspected = attempt(check_settings, home)
    if inspected.error is not None:
        yield Finding(check="settings", ok=False, summary=str(inspected.error), remedy=_CHECK)
        return
    found = inspected.get()
    if found.errors:
        words = "; ".join(map(str, found.errors))
        yield Finding(check="settings", ok=False, summary=words, remedy=_CHECK)
    yield from map(_odd, found.warnings)


def _odd(problem: Problem) -> Finding:
    other = f"correct it in {problem.file}"
    known = f"argent config unset {problem.path}, or set what you mean"
    remedy = known if problem.path and problem.file == KERNEL_FILE else other
    return Finding(check="settings", ok=False, summary=str(problem), remedy=remedy)


def _home_is_wrong(summary: str, remedy: str) -> Finding:
    return Finding(check="home", ok=False, summary=summary, remedy=remedy)


async def _check_kernel(home: Home) -> list[Finding]:
    """Check what needs a kernel: the running one, or one made for the purpose."""
    from argent_core.local import LocalCommandContext

    local = LocalCommandContext(home)
    try:
        status, running = await local.operate("status", with_plugins=True, deep=True)
        attached, _ = await local.operate("files.check")
    except ArgentError as error:
        return [Finding(check="kernel", ok=False, summary=str(error), remedy="see the message")]
    except OSError as error:
        words = f"{error.filename}: {error.strerror}"
        return [Finding(check="kernel", ok=False, summary=words, remedy=remedy(error))]
    found = [Finding(check="kernel", ok=True, summary="it runs" if running else "it would start")]
    if not running:
        found.append(await _check_database(home))
    found += [*_check_attachments(home, attached), *_check_models(status)]
    for plugin in status["plugins"]:
        if plugin["state"] in TROUBLE:
            words = f"{plugin['name']} is {plugin['state']}: {plugin['reason']}"
            found.append(
                Finding(check="plugin", ok=False, summary=words, remedy="argent plugins list")
            )
    found += _check_trust(status)
    found += _check_encryption(home, status)
    found += [
        Finding(
            check=f"{h['plugin']}/{h['check']}",
            ok=h["ok"],
            summary=h["summary"],
            remedy=h["remedy"],
        )
        for h in status["health"]
    ]
    odd = beside(
        home,
        tools=status["tools"],
        tiers=status["models"],
        providers=status["providers"],
        sources=status["sources"],
    )
    return [*found, *map(_odd, odd), *_check_queues(status)]


def _check_attachments(home: Home, found: Mapping[str, Any]) -> Iterator[Finding]:
    """Say what the store of attachments takes, and what of it is not as it was handed in."""
    summary = (
        f"{counted(found['files'], 'attachment')}, {found['bytes'] / 1e6:.1f} MB of at most"
        f" {found['total'] / 1e6:.0f} MB"
    )
    if found["unused"]:
        size = found["unused_bytes"] / 1e6
        summary += (
            f"; nothing refers to {found['unused']} of them ({size:.1f} MB), which go in time"
        )
    yield Finding(check="files", ok=True, summary=summary)
    folder = home.data / "files"
    for wrong, says in (("missing", "not there any more"), ("damaged", "not what it was")):
        for id, turn in found[wrong].items():
            named = f" (of event {turn})" if turn else ""
            yield Finding(
                check="files",
                ok=False,
                summary=f"the attachment {id[:12]}{named} is {says}",
                remedy=f"restore {folder / id[:2] / id} from a backup, or have it sent again",
            )
        if (more := found["counts"][wrong] - len(found[wrong])) > 0:
            words = f"{counted(more, 'more attachment')} of which the same is true"
            yield Finding(check="files", ok=False, summary=words, remedy=f"restore {folder}")


def _check_trust(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Say which plugins wait for approval, and what has changed since it was given."""
    for name in status["unapproved"]:
        yield Finding(
            check="approval",
            ok=False,
            summary=f"{name} is installed, and may not load",
            remedy=f"argent plugins audit {name}; then argent plugins approve {name}",
        )
    for drift in status["drift"]:
        yield Finding(
            check="drift",
            ok=False,
            summary=f"{drift}, since it was approved",
            remedy=f"if you have installed or updated something, that is why: {ACCEPT}; if not,"
            f" look first: {AUDIT}",
        )


def _check_encryption(home: Home, status: Mapping[str, Any]) -> Iterator[Finding]:
    """Say what is not kept as is wanted."""
    storage, wanted = status["storage"], configuration.load(home).storage.encrypted
    astray = [(words, "see the message; then start Argent again") for words in storage["astray"]]
    if wanted != storage["encrypted"]:
        words = "will be encrypted" if wanted else "are encrypted until they are changed back"
        astray.append(
            (f"the databases {words} at the next start", "argent stop --agent; argent start")
        )
    if wanted:
        for path in encryption.set_aside(home.data):
            words = f"{path} is not encrypted, as nothing opens it any more"
            astray.append((words, f"rm {path}, once you miss nothing"))
    for summary, todo in astray:
        yield Finding(check="encryption", ok=False, summary=summary, remedy=todo)
    if wanted and not astray:
        yield Finding(check="encryption", ok=True, summary="the databases are encrypted")


def _check_models(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Say of each tier whether its model can answer, and whether somebody can ask it."""
    if (absent := missing_channel(status)) is not None:
        summary = f"{absent.what}; {absent.remedy}"
        yield Finding(check="channel", ok=True, summary=summary, remedy=absent.remedy)
    if (absent := missing_model(status)) is not None:
        yield Finding(check="model", ok=False, summary=absent.what, remedy=absent.remedy)
    for model in status["models"]:
        problem = f" ({model['problem']})" if "problem" in model else ""
        yield Finding(
            check="model",
            ok=not problem,
            summary=f"{model['tier']}: {model['model']}{problem}",
            remedy=_remedy_of(model),
        )


def _remedy_of(model: Mapping[str, Any]) -> str:
    runs = "local" in model
    look = f"argent models list --provider {model['provider']}" if runs else "argent plugins list"
    file, _, path = model["setting"].rpartition(": ")
    if not path:
        return look
    path = path if runs else provider_setting(path)
    return f"{look}; or name another at {path} in {file or KERNEL_FILE}"


def _check_queues(status: dict[str, Any]) -> Iterator[Finding]:
    dead, unknown = status["events"]["dead"], status["replies"].get("unknown", 0)
    if dead:
        yield Finding(
            check="events",
            ok=False,
            summary=f"{counted(dead, 'event')} could not be dealt with",
            remedy="argent events list --state dead",
        )
    if unknown:
        yield Finding(
            check="replies",
            ok=False,
            summary=f"whether {counted(unknown, 'reply', many='replies')} arrived is not known",
            remedy="argent replies list --state unknown",
        )


async def _check_database(home: Home) -> Finding:
    async with Kernel(home, listening=False, plugins=()) as kernel:
        damage = await kernel.journal.database.check()
    unread = wal.copy_of(home.kernel_database)
    if damage is None and unread.exists():
        return Finding(
            check="database",
            ok=False,
            summary=f"{home.kernel_database} could not be read to its end at a start",
            remedy=f"restore a backup if something is missing; then remove {unread}",
        )
    return Finding(
        check="database",
        ok=damage is None,
        summary=damage or f"{home.kernel_database} is sound",
        remedy="keep a copy of it, then restore a backup or move it away",
    )


def _private_paths(home: Home) -> Iterator[Path]:
    yield home.root
    for folder in (home.data, home.run, home.logs):
        yield folder
        inside = attempt(os.listdir, folder).value or ()
        yield from (folder / name for name in inside if not (folder / name).is_symlink())
    yield home.config_file


def _is_open(path: Path) -> bool:
    found = attempt(path.stat).value  # a running kernel's files come and go
    return found is not None and bool(stat.S_IMODE(found.st_mode) & 0o077)


def _close(paths: list[Path]) -> None:
    for path in paths:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o700)
