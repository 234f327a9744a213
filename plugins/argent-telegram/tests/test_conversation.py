"""Words to and fro, through a whole kernel."""

from __future__ import annotations

from typing import Any

import pytest
from bot_api import BotApi

from argent_testing import Argent

pytestmark = pytest.mark.anyio


async def test_a_message_is_answered(argent: Argent, api: BotApi, config: dict[str, Any]) -> None:
    async with argent(plugins=["argent_telegram"], model=["It is **4**."], config=config):
        await api.say("What is 2+2?")
        (answer,) = await api.settled(1, says=1)

    assert answer["text"] == "It is 4."
    assert answer["entities"] == [{"type": "bold", "offset": 6, "length": 1}]
