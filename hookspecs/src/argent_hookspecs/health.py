"""Health checks: what ``argent doctor`` and ``argent status --deep`` ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import frozen


@frozen
class Health:
    """Outcome of a check.

    Args:
        ok: Whether all is well.
        summary: What was found, in one line.
        remedy: What the person can do, if something is wrong.
    """

    ok: bool
    summary: str
    remedy: str = ""


@frozen(kw_only=True)
class HealthCheck:
    """Something that can be asked whether it is well."""

    id: str
    check: Callable[[], Awaitable[Health]]
    timeout: float = 10.0
    order: int = 0
