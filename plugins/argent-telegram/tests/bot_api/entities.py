"""Message entities: offsets and lengths are UTF-16 code units, and must fit the text.

See https://core.telegram.org/bots/api#messageentity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from bot_api.refusal import bad_request

Entity = dict[str, Any]

TYPES = frozenset(
    {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"}
    | {"bold", "italic", "underline", "strikethrough", "spoiler", "blockquote"}
    | {"expandable_blockquote", "code", "pre", "text_link", "text_mention", "custom_emoji"}
    | {"date_time"}
)
_FOUND_BY_ITSELF = (
    ("bot_command", re.compile(r"(?<![\w/])/\w{1,32}(?:@\w+)?")),
    ("mention", re.compile(r"(?<![\w@])@\w{3,32}")),
    ("url", re.compile(r"https?://[^\s<>]+")),
)


def units(text: str) -> int:
    """Return the length in UTF-16 code units.

    >>> units("a\N{GRINNING FACE}")
    3
    """
    return len(text.encode("utf-16-le")) // 2


def found_in(text: str) -> list[Entity]:
    """Return what Telegram marks by itself in what a person writes."""
    found = [
        {"type": type, "offset": units(text[: match.start()]), "length": units(match[0])}
        for type, pattern in _FOUND_BY_ITSELF
        for match in pattern.finditer(text)
    ]
    return sorted(found, key=lambda entity: int(entity["offset"]))


def checked(text: str, given: Any) -> list[Entity]:
    """Return the entities if they fit the text; refuse them as Telegram does if not."""
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(entity, dict) for entity in given):
        raise bad_request("can't parse MessageEntity: expected an Array of Objects")
    entities = [_parsed(entity) for entity in given]
    ordered = sorted(
        (entity for entity in entities if entity["length"]),
        key=lambda entity: (entity["offset"], -entity["length"]),
    )
    _check_places(text, ordered)
    _check_nesting(ordered)
    return ordered


def _parsed(entity: Entity) -> Entity:
    for name in ("type", "offset", "length"):
        if name not in entity:
            raise bad_request(f"can't parse MessageEntity: Can't find field \"{name}\"")
    for name in ("offset", "length"):
        if not isinstance(entity[name], int) or not 0 <= entity[name] <= 1_000_000:
            raise bad_request(f"receive an entity with incorrect {name} {entity[name]}")
    if entity["type"] not in TYPES:
        raise bad_request("can't parse MessageEntity: Unsupported type specified")
    if entity["type"] == "text_link":
        _check_url(entity)
    return entity


def _check_url(entity: Entity) -> None:
    if "url" not in entity:
        raise bad_request("can't parse MessageEntity: Can't find field \"url\"")
    url = str(entity["url"])
    if not re.fullmatch(r"(?:[a-z]+://)?[^\s/]+\.[^\s]+|tg://\S+|https?://\S+", url, re.IGNORECASE):
        raise bad_request(f"entity URL '{url}' is invalid: Wrong HTTP URL")


def _check_places(text: str, entities: Sequence[Entity]) -> None:
    raw = text.encode("utf-16-le")
    length = len(raw) // 2

    def within_a_symbol(unit: int) -> bool:
        return (
            unit < length
            and 0xDC00 <= int.from_bytes(raw[2 * unit : 2 * unit + 2], "little") < 0xE000
        )

    for entity in entities:
        begin, end = entity["offset"], entity["offset"] + entity["length"]
        who = f"entity beginning at UTF-16 offset {begin}"
        if begin >= length:
            raise bad_request(f"entity begins after the end of the text at UTF-16 offset {begin}")
        if end > length:
            raise bad_request(f"{who} ends after the end of the text at UTF-16 offset {end}")
        at = len(raw[: 2 * begin].decode("utf-16-le", "replace").encode())
        if within_a_symbol(begin):
            raise bad_request(f"entity begins in a middle of a UTF-16 symbol at byte offset {at}")
        if within_a_symbol(end):
            raise bad_request(f"{who} ends in a middle of a UTF-16 symbol at byte offset {at}")


def _check_nesting(entities: Sequence[Entity]) -> None:
    for crossing, around in _pairs(entities):
        begin, end = crossing["offset"], crossing["offset"] + crossing["length"]
        if around["offset"] + around["length"] < end:
            raise bad_request(
                f"entity beginning at UTF-16 offset {begin} ends after the end of the text at "
                f"UTF-16 offset {end}"
            )


def _pairs(entities: Sequence[Entity]) -> Iterator[tuple[Entity, Entity]]:
    open: list[Entity] = []
    for entity in entities:
        open = [one for one in open if one["offset"] + one["length"] > entity["offset"]]
        yield from ((entity, around) for around in open)
        open.append(entity)
