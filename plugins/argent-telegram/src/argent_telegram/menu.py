"""The menu of commands that Telegram offers where one types."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from argent_telegram.faults import TelegramFault
from argent_telegram.wire import Api

COMMANDS: Mapping[str, str] = {
    "new": "Begin anew; what was said before is left behind",
    "status": "How the agent is",
    "model": "Which model answers here",
    "stop": "Stop the answer being given",
    "tasks": "What is planned",
    "help": "What can be said",
}

log = logging.getLogger("argent.plugin.telegram")


async def show_menu(api: Api) -> None:
    """Tell Telegram the commands; without a menu they work all the same."""
    try:
        await api.call("set_my_commands", commands=list(COMMANDS.items()))
    except TelegramFault as error:
        log.info("the menu of commands is not shown: %s", error)
