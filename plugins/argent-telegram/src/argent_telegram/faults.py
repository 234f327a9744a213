"""What can go wrong between here and Telegram, by what it means for a reply.

::

    TelegramFault
    ├── Blocked         the person does not want the bot, or the chat is gone
    ├── Flooded         too much was sent; says how long to wait
    ├── Moved           the group has a new id
    ├── NotReached      nobody got the request
    ├── Refused         the request is not one that Telegram does
    │   └── Unchanged   the message says that already
    ├── Rivalled        another program, or a webhook, takes what comes for this bot
    ├── Unsure          the request may have been done, or not
    └── WrongToken      Telegram does not know the token
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from argent_hookspecs import ArgentError

if TYPE_CHECKING:
    from telegram.error import TelegramError

_GONE = ("chat not found", "user is deactivated", "bot was kicked", "peer_id_invalid")


class TelegramFault(ArgentError):
    """Root of what goes wrong with Telegram."""


class Blocked(TelegramFault):
    """Report somebody who does not want to hear from the bot, or is not there."""


class Flooded(TelegramFault):
    """Report that Telegram wants to be left alone for some seconds."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Moved(TelegramFault):
    """Report that a group has become a supergroup, with an id of its own."""

    def __init__(self, message: str, chat: int) -> None:
        super().__init__(message)
        self.chat = chat


class NotReached(TelegramFault):
    """Report that Telegram was not reached."""


class Refused(TelegramFault):
    """Report a request that Telegram does not do."""


class Unchanged(Refused):
    """Report a change of a message that would change nothing."""


class Rivalled(TelegramFault):
    """Report somebody else who takes this bot's updates."""


class Unsure(TelegramFault):
    """Report a request that may have been done."""


class WrongToken(TelegramFault):
    """Report a token that Telegram does not know."""


def fault_of(error: TelegramError) -> TelegramFault:
    """Return what an error of the library means."""
    from telegram.error import (
        BadRequest,
        ChatMigrated,
        Conflict,
        Forbidden,
        InvalidToken,
    )

    if isinstance(error.__cause__, TelegramFault):
        return error.__cause__
    words = error.message.removeprefix("Bad Request: ").removeprefix("Forbidden: ")
    match error:
        case ChatMigrated():
            return Moved("the group has become a supergroup", error.new_chat_id)
        case Forbidden():
            return Blocked(f"Telegram does not let the bot write there: {words}")
        case InvalidToken():
            return WrongToken("Telegram does not know the bot's token")
        case Conflict():
            return Rivalled(f"something else takes what is sent to this bot: {words}")
        case BadRequest():
            return _of_refusal(words)
    if _was_not_sent(error):
        return NotReached(f"Telegram was not reached: {_cause(error)}")
    return Unsure(f"Telegram did not say whether it was done: {_cause(error)}")


def _of_refusal(words: str) -> TelegramFault:
    lower = words.lower()
    if "message is not modified" in lower:
        return Unchanged(words)
    if any(gone in lower for gone in _GONE):
        return Blocked(f"Telegram does not let the bot write there: {words}")
    return Refused(f"Telegram refused it: {words}")


def _was_not_sent(error: TelegramError) -> bool:
    import httpx

    not_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    return isinstance(error.__cause__, not_sent)


def _cause(error: TelegramError) -> str:
    """Name what happened, without the words of the network, which may hold addresses."""
    cause = error.__cause__
    return error.message if cause is None else type(cause).__name__
