"""The tool: dice, as players write them."""

from __future__ import annotations

import re
import secrets
from typing import Annotated

from argent_hookspecs import Effect, Tool, ToolError, tool

from argent_dice.settings import Settings

_LARGEST = 1000
"""Sides of a die, and the most that is added."""
_DICE = re.compile(r"(?P<count>[0-9]{0,4})d(?P<sides>[0-9]{1,4}|%)(?P<add>[+-][0-9]{1,4})?", re.I)


def dice_tool(settings: Settings) -> Tool:
    """Return the tool, as a person has set it."""

    @tool(effect=Effect.IDEMPOTENT, hints=("dice", "die", "roll"))
    async def dice(
        roll: Annotated[str, "number of dice, d, sides, and what is added: d6, 2d6+1, 3d10-2, d%"],
    ) -> str:
        """Roll dice with real chance, and return each of them and the sum."""
        found = _DICE.fullmatch("".join(roll.split()))
        if found is None:
            raise ToolError(f"{roll!r:.50} is no roll; write it like 2d6+1")
        count = int(found["count"] or 1)
        sides = 100 if found["sides"] == "%" else int(found["sides"])
        add = int(found["add"] or 0)
        if not 1 <= count <= settings.most:
            raise ToolError(f"between 1 and {settings.most} dice can be rolled, not {count}")
        if not 2 <= sides <= _LARGEST or abs(add) > _LARGEST:
            raise ToolError(f"a die has between 2 and {_LARGEST} sides, and no more is added")
        rolled = [secrets.randbelow(sides) + 1 for _ in range(count)]
        return f"{' + '.join(map(str, rolled))}{found['add'] or ''} = {sum(rolled) + add}"

    return dice
