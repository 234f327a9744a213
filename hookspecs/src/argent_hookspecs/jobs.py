"""Jobs: work that a plugin does every so often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from attrs import field, frozen
from attrs.validators import gt


@frozen(kw_only=True)
class Job:
    """Work that is repeated while the plugin runs; never two runs of one job at once.

    Args:
        id: Unique within the plugin.
        run: Does the work once.
        every: Time between the end of a run and the start of the next.
        timeout: Seconds that one run may take.
    """

    id: str
    run: Callable[[], Awaitable[None]]
    every: timedelta = field(validator=gt(timedelta(0)))
    timeout: float = 300.0
    order: int = 0
