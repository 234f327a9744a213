"""What every turn works with."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from argent_core.inbound.journal import Journal
from argent_core.loop.approvals import Approvals
from argent_core.loop.budget import Budget
from argent_core.loop.commands import Commands
from argent_core.loop.context import Context
from argent_core.loop.filters import Filters
from argent_core.loop.model_router import ModelRouter
from argent_core.loop.model_stream import ModelStream
from argent_core.loop.prices import Prices
from argent_core.loop.provider_health import ProviderHealth
from argent_core.loop.tools import Tools
from argent_hookspecs import Address, Notice


@frozen(kw_only=True, repr=False)
class Workshop:
    """What every turn works with.

    Args:
        publish: Tells observers.
        redact: Takes secrets out of a text.
        make_room: Called when the disk is too full to go on.
        longest: Tells how long a message to an address may be; None if there is no limit.
    """

    journal: Journal
    filters: Filters
    context: Context
    router: ModelRouter
    commands: Commands
    model_stream: ModelStream
    health: ProviderHealth
    budget: Budget
    prices: Prices
    approvals: Approvals
    tools: Tools
    max_steps: int
    publish: Callable[[Notice], None]
    redact: Callable[[str], str]
    make_room: Callable[[], None]
    longest: Callable[[Address | None], int | None]

    def clean(self, reason: str) -> str:
        """Return a reason as it may be stored and told to anybody."""
        return self.redact(reason).encode(errors="replace").decode()
