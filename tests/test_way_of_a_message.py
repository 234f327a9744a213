"""The way of a message, as ARCHITECTURE.md tells it, is the way that one goes."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path
from types import FrameType

import pytest

import argent_core
from argent_hookspecs import ToolCall
from argent_testing import Argent

pytestmark = pytest.mark.anyio

KERNEL = Path(argent_core.__file__).parent
STAGES = {
    "inbound/event_sources.py": "emit",
    "inbound/intake.py": "emit",
    "inbound/journal.py": "append",
    "loop/agent_loop.py": "_begin",
    "loop/agent_turn.py": "run",
    "loop/context.py": "gather",
    "loop/model_router.py": "plan",
    "loop/model_stream.py": "answer",
    "loop/tools.py": "run",
    "outbound/outbox.py": "put",
    "outbound/output_handlers.py": "_deliver",
}
"""Where a message is taken up in each file, in order."""


class Footprints:
    """Notes the stages in the order in which a message is first taken up in them."""

    def __init__(self) -> None:
        self.files: list[str] = []

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(KERNEL):
            name = path.relative_to(KERNEL).as_posix()
            if STAGES.get(name) == frame.f_code.co_name and name not in self.files:
                self.files.append(name)


async def test_a_message_goes_the_way_that_is_told(argent: Argent, root: Path) -> None:
    text = (root / "ARCHITECTURE.md").read_text("utf-8")
    told = [name for name in re.findall(r"`(\w+/\w+\.py)`", text) if name in STAGES]
    footprints = Footprints()
    threading.setprofile(footprints)  # transactions run on the database's thread
    sys.setprofile(footprints)
    try:
        script = [ToolCall("", "calc", {"expression": "6*7"}), "It is 42."]
        async with argent(plugins=["argent_basics"], model=script):
            answer = await argent.channel.ask("What is 6*7?")
    finally:
        sys.setprofile(None)
        threading.setprofile(None)

    assert answer == "It is 42."
    assert told == list(STAGES)
    assert footprints.files == list(STAGES)
