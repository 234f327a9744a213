"""A Bot API server on loopback, for tests: the documented wire format, limits and refusals.

It is the platform: what it keeps outlives the bots that are started, killed and started again.

    async with BotApi() as api:
        ...  # start a bot with api.token at api.url
        await api.say("hello", chat=1)
        (answer,) = await api.settled(1, says=1)

See https://core.telegram.org/bots/api.
"""

from bot_api.accounts import Account, Message
from bot_api.faults import BAD_GATEWAY, CUT, LOST, Fault, Gate
from bot_api.limits import TELEGRAM, Limits
from bot_api.people import Button, Said
from bot_api.refusal import Refusal
from bot_api.server import BotApi

__all__ = [
    "BAD_GATEWAY",
    "CUT",
    "LOST",
    "TELEGRAM",
    "Account",
    "BotApi",
    "Button",
    "Fault",
    "Gate",
    "Limits",
    "Message",
    "Refusal",
    "Said",
]
