"""The methods of the Bot API: what a bot may ask for.

See https://core.telegram.org/bots/api#available-methods.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from bot_api.accounts import Account
from bot_api.arguments import Arguments
from bot_api.platform import Platform
from bot_api.refusal import bad_request
from bot_api.updates import Webhook

Method = Callable[[Platform, Account, Arguments], Awaitable[Any]]
METHODS: dict[str, Method] = {}
"""By name, in lower case: Telegram does not mind."""

_LARGEST_DOWNLOAD = 20 * 1024 * 1024
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_MOST_COMMANDS = 100


def method(name: str) -> Callable[[Method], Method]:
    """Make a function the method of this name."""

    def add(function: Method) -> Method:
        METHODS[name.lower()] = function
        return function

    return add


@method("getMe")
async def get_me(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Say who the bot is."""
    return bot.me


@method("getUpdates")
async def get_updates(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Confirm the updates before the offset, and hand out those after it."""
    if (allowed := given.structure("allowed_updates")) is not None:
        bot.updates.allowed = tuple(allowed)
    return await bot.updates.poll(
        given.integer("offset") or 0, given.integer("limit") or 100, given.integer("timeout") or 0
    )


@method("setWebhook")
async def set_webhook(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Post updates to an address. Unlike Telegram, one without encryption will do."""
    url, secret = given.text("url"), given.text("secret_token")
    if secret and not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    if (allowed := given.structure("allowed_updates")) is not None:
        bot.updates.allowed = tuple(allowed)
    if given.flag("drop_pending_updates"):
        bot.updates.confirm_before(bot.updates.next_id)
    most = given.integer("max_connections") or 40
    await bot.updates.set_webhook(
        Webhook(url=url, secret=secret, max_connections=most) if url else None
    )
    return True


@method("deleteWebhook")
async def delete_webhook(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Hand updates out again."""
    if given.flag("drop_pending_updates"):
        bot.updates.confirm_before(bot.updates.next_id)
    await bot.updates.set_webhook(None)
    return True


@method("getWebhookInfo")
async def get_webhook_info(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Say where updates are posted to."""
    webhook = bot.updates.webhook
    return {
        "url": webhook.url if webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(bot.updates.waiting),
        **({"max_connections": webhook.max_connections} if webhook else {}),
        **({"allowed_updates": list(bot.updates.allowed)} if bot.updates.allowed else {}),
    }


@method("deleteMessage")
async def delete_message(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Take a message away."""
    chat = bot.chat_to_write_to(given.integer("chat_id"))
    message = chat.must_hold(given.integer("message_id"), "message to delete not found")
    del chat.messages[message["message_id"]]
    chat.deleted.append(message["message_id"])
    return True


_ACTIONS = frozenset(
    {"typing", "choose_sticker", "find_location", "upload_photo", "upload_document"}
    | {"upload_video", "record_video", "upload_voice", "record_voice"}
    | {"upload_video_note", "record_video_note"}
)


@method("sendChatAction")
async def send_chat_action(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Show that the bot is busy."""
    chat = bot.chat_to_write_to(given.integer("chat_id"))
    if given.text("action") not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    platform.actions.append((chat.id, given.text("action")))
    return True


@method("setMessageReaction")
async def set_message_reaction(platform: Platform, bot: Account, given: Arguments) -> Any:
    """React to a message."""
    chat = bot.chat_to_write_to(given.integer("chat_id"))
    chat.must_hold(given.integer("message_id"), "message to react not found")
    return True


@method("getChat")
async def get_chat(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Say what is known of a chat."""
    chat = bot.chat_to_write_to(given.integer("chat_id"))
    return chat.wire | {"accent_color_id": 0, "max_reaction_count": 11}


@method("getFile")
async def get_file(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Say where a file can be fetched."""
    kept = platform.files.get(given.text("file_id"))
    if kept is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(kept.content) > _LARGEST_DOWNLOAD:
        raise bad_request("file is too big")
    return kept.wire | {"file_path": kept.path}


@method("answerCallbackQuery")
async def answer_callback_query(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Answer the press of a button."""
    query = given.text("callback_query_id")
    if query not in bot.queries:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if len(given.text("text")) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    bot.queries.discard(query)
    platform.answers[query] = given.text("text")
    return True


def _scope(given: Arguments) -> str:
    scope = given.structure("scope") or {"type": "default"}
    return f"{scope} {given.text('language_code')}"


@method("setMyCommands")
async def set_my_commands(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Fill the menu of commands."""
    commands = given.structure("commands")
    if not isinstance(commands, list) or len(commands) > _MOST_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH" if commands else "can't parse BotCommand")
    for command in commands:
        if not _COMMAND.fullmatch(str(command.get("command", ""))):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    bot.commands[_scope(given)] = commands
    return True


@method("getMyCommands")
async def get_my_commands(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Say what is in the menu of commands."""
    return bot.commands.get(_scope(given), [])


@method("deleteMyCommands")
async def delete_my_commands(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Empty the menu of commands."""
    bot.commands.pop(_scope(given), None)
    return True
