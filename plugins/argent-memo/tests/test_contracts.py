"""The plugin under the contracts that every plugin is under."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from argent_hookspecs import MEMORY, Event, NewMemory
from argent_testing import (
    ContextProviderContract,
    EventSourceContract,
    HealthCheckContract,
    JobContract,
    MemoryContract,
    ObserverContract,
    PluginContract,
    Specimen,
    ToolContract,
)


class Memo:
    plugin = "argent_memo"
    settings: ClassVar[Mapping[str, Any]] = {"workerPort": 0}


class TestPlugin(Memo, PluginContract):
    pass


class TestMemory(Memo, MemoryContract):
    pass


class TestRecall(Memo, ContextProviderContract):
    events: ClassVar[Sequence[Event]] = (
        Event(conversation="home", content="Where is the violin?", trust="owner"),
        Event(conversation="club", content='"violin" OR (NOT', trust="paired", group=True),
        Event(conversation="home", content="", trust="owner"),
        Event(kind="task", conversation="home", content="Look for the violin.", trust="owner"),
    )


class TestCapture(Memo, ObserverContract):
    pass


class TestNight(Memo, JobContract):
    pass


class TestHealth(Memo, HealthCheckContract):
    pass


class TestTools(Memo, ToolContract):
    @pytest.fixture(autouse=True)
    async def something_to_correct(self, specimen: Specimen) -> None:
        memory = specimen.ctx.services.get(MEMORY)
        await memory.add(NewMemory(text="The violin lies in the bank.", audience="contract"))

    calls: ClassVar[Mapping[str, Sequence[Mapping[str, Any]]]] = {
        "memory_search": [{"query": "violin"}, {"query": "violin", "limit": 3, "page": 2}],
        "memory_store": [{"text": "The violin lies in the attic.", "kind": "fact"}],
        "memory_update": [{"id": 1, "text": "The violin lies in the safe."}],
        "memory_forget": [{"ids": []}, {"ids": [7, 8]}],
        "memory_timeline": [
            {"since": "2025-01-01"},
            {"since": "2025-01-01", "until": "2025-02-01"},
        ],
    }
    mistakes: ClassVar[Mapping[str, Sequence[Mapping[str, Any]]]] = {
        "memory_search": [{"query": "violin", "page": 0}],
        "memory_store": [{"text": " "}, {"text": "It is.", "kind": "secret"}],
        "memory_update": [{"id": 999, "text": "There is none."}],
        "memory_forget": [{"ids": [1] * 101}],
        "memory_timeline": [{"since": "yesterday"}],
    }


class TestWorker(EventSourceContract):
    """It takes nothing in: other programs ask, and nothing happens by that."""

    plugin = "argent_memo"

    @pytest.fixture
    def plugin_settings(self) -> Mapping[str, Any]:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            return {"workerPort": found.getsockname()[1]}
