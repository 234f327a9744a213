"""The methods that send and edit messages; each passes the flood gate.

See https://core.telegram.org/bots/api#sendmessage and the sections after it.
"""

from __future__ import annotations

import itertools
from typing import Any

from bot_api.accounts import Account, Chat, Message, StoredFile, described
from bot_api.arguments import Arguments
from bot_api.entities import Entity, checked, units
from bot_api.methods import method
from bot_api.parse_modes import parse
from bot_api.platform import Platform
from bot_api.refusal import NOT_MODIFIED, bad_request

_LONGEST_TEXT = 4096
_LONGEST_CAPTION = 1024
_LONGEST_DATA = 64
_LARGEST_UPLOAD = {"photo": 10 * 1024 * 1024}
_LARGEST = 50 * 1024 * 1024
_KINDS = ("photo", "document", "voice", "audio", "video", "animation", "video_note", "sticker")
_TYPES_OF_MEDIA = ("photo", "document", "audio", "video")
_albums = itertools.count(1)


def _formatted(words: str, mode: str, entities: Any) -> tuple[str, list[Entity]]:
    plain, parsed = parse(words, mode)
    found = parsed if mode else checked(plain, entities)
    kept = plain.rstrip()
    end = units(kept)
    fitting = [
        {**entity, "length": min(entity["length"], end - entity["offset"])}
        for entity in found
        if entity["offset"] < end
    ]
    return kept, fitting


def _text(given: Arguments) -> dict[str, Any]:
    words, entities = _formatted(
        given.text("text"), given.text("parse_mode"), given.structure("entities")
    )
    if not words.strip():
        raise bad_request("message text is empty")
    if units(words) > _LONGEST_TEXT:
        raise bad_request("message is too long")
    return {"text": words, **({"entities": entities} if entities else {})}


def _caption(words: str, mode: str, entities: Any) -> dict[str, Any]:
    words, found = _formatted(words, mode, entities)
    if units(words) > _LONGEST_CAPTION:
        raise bad_request("message caption is too long")
    if not words.strip():
        return {}
    return {"caption": words, **({"caption_entities": found} if found else {})}


def _caption_of(given: Arguments) -> dict[str, Any]:
    return _caption(
        given.text("caption"), given.text("parse_mode"), given.structure("caption_entities")
    )


def _markup(given: Arguments) -> dict[str, Any]:
    markup = given.structure("reply_markup")
    if not markup or "inline_keyboard" not in markup:
        return {}
    for button in itertools.chain(*markup["inline_keyboard"]):
        if not button.get("text"):
            raise bad_request("can't parse inline keyboard button: Text must be non-empty")
        if not {"callback_data", "url", "copy_text", "web_app"} & button.keys():
            raise bad_request(
                "can't parse inline keyboard button: Text buttons are unallowed in the inline "
                "keyboard"
            )
        if not 1 <= len(str(button.get("callback_data", "url")).encode()) <= _LONGEST_DATA:
            raise bad_request("BUTTON_DATA_INVALID")
    return {"reply_markup": markup} if markup["inline_keyboard"] else {}


def _replied(chat: Chat, given: Arguments) -> dict[str, Any]:
    wanted = given.structure("reply_parameters") or {}
    id = wanted.get("message_id") or given.integer("reply_to_message_id")
    if not id:
        return {}
    if id not in chat.messages:
        if wanted.get("allow_sending_without_reply"):
            return {}
        raise bad_request("message to be replied not found")
    original = {k: v for k, v in chat.messages[id].items() if k != "reply_to_message"}
    return {"reply_to_message": original}


def _send(platform: Platform, bot: Account, given: Arguments, content: dict[str, Any]) -> Message:
    chat = bot.chat_to_write_to(given.integer("chat_id"))
    thread = given.integer("message_thread_id")
    if thread is not None and thread not in chat.threads:
        raise bad_request("message thread not found")
    more = {**_replied(chat, given), **_markup(given)}
    platform.gate(bot).pass_one(chat.id)
    message = chat.add(bot.wire, {**content, **more}, thread)
    platform.sent.append(message)
    return message


@method("sendMessage")
async def send_message(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Send words."""
    bot.chat_to_write_to(given.integer("chat_id"))
    return _send(platform, bot, given, _text(given))


@method("sendLocation")
async def send_location(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Send a place."""
    place = {"latitude": given.number("latitude"), "longitude": given.number("longitude")}
    if abs(place["latitude"]) > 90 or abs(place["longitude"]) > 180:
        raise bad_request("wrong location specified")
    return _send(platform, bot, given, {"location": place})


@method("sendVenue")
async def send_venue(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Send a place with its name."""
    place = {"latitude": given.number("latitude"), "longitude": given.number("longitude")}
    venue = {"location": place, "title": given.text("title"), "address": given.text("address")}
    if not venue["title"] or not venue["address"]:
        raise bad_request("venue title or address is empty")
    return _send(platform, bot, given, {"location": place, "venue": venue})


def _file(platform: Platform, kind: str, given: Arguments, value: str) -> StoredFile:
    upload = given.upload(value)
    if upload is None:
        kept = platform.files.get(value)
        if kept is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return kept
    if not upload.content:
        raise bad_request("file must be non-empty")
    if len(upload.content) > _LARGEST_UPLOAD.get(kind, _LARGEST):
        raise bad_request("file is too big")
    return platform.files.add(kind, upload.content, name=upload.name, media_type=upload.media_type)


def _send_kind(kind: str) -> None:
    @method(f"send{kind.title().replace('_', '')}")
    async def send(platform: Platform, bot: Account, given: Arguments) -> Any:
        bot.chat_to_write_to(given.integer("chat_id"))
        if not given.text(kind) and kind not in given.uploads:
            raise bad_request(f"there is no {kind} in the request")
        kept = _file(platform, kind, given, given.text(kind) or kind)
        return _send(platform, bot, given, {**described(kind, kept), **_caption_of(given)})


for _kind in _KINDS:
    _send_kind(_kind)


@method("sendMediaGroup")
async def send_media_group(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Send an album."""
    bot.chat_to_write_to(given.integer("chat_id"))
    media = given.structure("media")
    if not isinstance(media, list) or not 2 <= len(media) <= 10:
        raise bad_request("wrong number of media in the album specified")
    contents = []
    for one in media:
        kind = one.get("type")
        if kind not in _TYPES_OF_MEDIA:
            raise bad_request(f"can't parse InputMedia: type {kind!r} is not allowed in an album")
        caption = _caption(
            one.get("caption", ""), one.get("parse_mode", ""), one.get("caption_entities")
        )
        contents.append(
            {**described(kind, _file(platform, kind, given, one.get("media", ""))), **caption}
        )
    group = {"media_group_id": str(next(_albums))}
    return [_send(platform, bot, given, {**content, **group}) for content in contents]


def _own(bot: Account, given: Arguments) -> Message:
    chat = bot.chat_to_write_to(given.integer("chat_id"))
    message = chat.must_hold(given.integer("message_id"), "message to edit not found")
    if message.get("from", {}).get("id") != bot.id:
        raise bad_request("message can't be edited")
    return message


def _edit(
    platform: Platform, bot: Account, message: Message, content: dict[str, Any], *kept: str
) -> Message:
    """Replace what a message says; what is neither given nor kept is taken away."""
    fields = {"text", "entities", "caption", "caption_entities", "reply_markup"} - set(kept)
    before = {name: message[name] for name in fields if name in message}
    if before == content:
        raise NOT_MODIFIED()
    platform.gate(bot).pass_one(message["chat"]["id"])
    for name in before:
        del message[name]
    message.update(content, edit_date=message["date"])
    platform.edits.append(dict(message))
    return message


@method("editMessageText")
async def edit_message_text(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Put other words into a message of one's own."""
    message, content = _own(bot, given), _text(given)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    return _edit(platform, bot, message, {**content, **_markup(given)})


@method("editMessageCaption")
async def edit_message_caption(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Put another caption under a file of one's own."""
    message = _own(bot, given)
    return _edit(platform, bot, message, {**_caption_of(given), **_markup(given)}, "text")


@method("editMessageReplyMarkup")
async def edit_message_reply_markup(platform: Platform, bot: Account, given: Arguments) -> Any:
    """Put other buttons under a message of one's own, or none."""
    kept = ("text", "entities", "caption", "caption_entities")
    return _edit(platform, bot, _own(bot, given), _markup(given), *kept)
