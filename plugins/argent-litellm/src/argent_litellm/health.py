"""Whether LiteLLM is there."""

from __future__ import annotations

import asyncio

from argent_hookspecs import Health
from argent_litellm.library import INSTALL, PINNED, wrong_version


async def check() -> Health:
    """Look at the version, without importing it."""
    wrong = await asyncio.to_thread(wrong_version)
    if wrong:
        return Health(False, wrong, remedy=INSTALL)
    return Health(True, f"LiteLLM {PINNED} is installed")
