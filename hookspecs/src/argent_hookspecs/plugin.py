"""The plugin's own record: who it is and what it needs."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from argent_hookspecs.services import ServiceKey

CONTRACT = 1
"""Version of this contract. The kernel runs plugins that were written for the same one."""


@frozen(kw_only=True)
class Plugin:
    """Who a plugin is.

    Args:
        summary: What it adds, in one line.
        settings: Its settings class (attrs), whose fields are made with ``setting``.
        requires: Services without which it does not run.
        uses: Services that it takes when they are there.
        contract: The version of the contract that it was written for.
    """

    summary: str
    settings: type[Any] | None = None
    requires: tuple[ServiceKey[Any], ...] = ()
    uses: tuple[ServiceKey[Any], ...] = ()
    contract: int = CONTRACT
