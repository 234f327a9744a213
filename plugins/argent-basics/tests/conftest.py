from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

import argent_basics
from argent_basics.settings import BasicsSettings


class StoppedClock:
    def now(self) -> datetime:
        return datetime(2026, 11, 20, 5, 30, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def use() -> Callable[..., Awaitable[Any]]:
    """Run a tool of the plugin, for a person in Berlin on a Friday morning."""
    ctx: Any = SimpleNamespace(clock=StoppedClock(), settings=BasicsSettings(zone="Berlin"))
    tools = {tool.id: tool for tool in argent_basics.argent_tools(ctx)}

    async def run(tool: str, **arguments: str) -> Any:
        return await tools[tool].run(**arguments)

    return run
