"""It thinks before it speaks."""

from __future__ import annotations

import time

from argent_hookspecs import Plugin, hookimpl

_BEGAN = time.process_time()
while time.process_time() - _BEGAN < 0.4:
    pass


@hookimpl
def argent_plugin() -> Plugin:
    return Plugin(summary="Thinks before it speaks.")
