"""Holds the plugin to the contracts of what it brings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from argent_hookspecs import Tool, ToolCall, ToolError
from argent_testing import Argent, PluginContract, Specimen, ToolContract

ROLLS = ("d6", "2d6+1", "3d10-2", "d%", " 4 D 20 ", "1d2", "100d1000+1000")


class TestPlugin(PluginContract):
    plugin = "dice"


class TestTools(ToolContract):
    plugin = "dice"
    calls: ClassVar = {"dice": [{"roll": roll} for roll in ROLLS]}
    mistakes: ClassVar = {
        "dice": [
            {"roll": roll}
            for roll in ("", "six", "d", "0d6", "101d6", "d1", "d1001", "d6+1001", "d6+", "٣d6")
        ]
    }

    async def done(self, specimen: Specimen) -> Sequence[Any]:
        # Dice leave nothing behind.
        return []

    @pytest.mark.anyio
    @pytest.mark.parametrize("roll", ROLLS)
    async def test_the_sum_is_right(self, specimen: Specimen, roll: str) -> None:
        (dice,) = specimen.of(Tool)
        terms, _, total = (await dice.run(roll=roll)).partition(" = ")

        assert sum(map(int, re.findall(r"[+-]?\d+", terms.replace(" ", "")))) == int(total)

    @pytest.mark.anyio
    async def test_every_side_comes_up(self, specimen: Specimen) -> None:
        (dice,) = specimen.of(Tool)
        rolled = {await dice.run(roll="d2") for _ in range(200)}

        assert rolled == {"1 = 1", "2 = 2"}


class TestFewerDice(ToolContract):
    """A person has set how many there are."""

    plugin = "dice"
    settings: ClassVar = {"most": 2}
    calls: ClassVar = {"dice": [{"roll": "2d6"}]}
    mistakes: ClassVar = {"dice": [{"roll": "3d6"}]}

    async def done(self, specimen: Specimen) -> Sequence[Any]:
        return []

    @pytest.mark.anyio
    async def test_how_many_is_said(self, specimen: Specimen) -> None:
        (dice,) = specimen.of(Tool)
        with pytest.raises(ToolError, match="between 1 and 2 dice"):
            await dice.run(roll="3d6")


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_agent_rolls_them(argent: Argent) -> None:
    script = [ToolCall("1", "dice", {"roll": "2d1000"}), lambda request: str(request.messages[-1])]
    async with argent(plugins=["dice"], model=script):
        answer = await argent.channel.ask("Roll two dice with a thousand sides.")

    assert re.search(r"\d+ \+ \d+ = \d+", answer)
