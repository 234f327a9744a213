"""The parse modes ``HTML`` and ``MarkdownV2``: what is malformed is refused.

See https://core.telegram.org/bots/api#formatting-options.
"""

from __future__ import annotations

import html
import re
from typing import Any

from attrs import define, field

from bot_api.entities import Entity, units
from bot_api.refusal import Refusal, bad_request

_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
}
_TAG = re.compile(r"<(/?)([^\s>/]*)([^>]*)>")
_MARKS = {"**": "", "*": "bold", "__": "underline", "_": "italic", "~": "strikethrough"}
_MARKS |= {"||": "spoiler", "`": "code", "```": "pre", "[": "text_link"}
_TOKEN = re.compile(r"\\([\x01-\x7e])|(```|`|__|_|\*|~|\|\||\[|\])|([()>#+\-=|{}.!])", re.DOTALL)


def parse(text: str, mode: str) -> tuple[str, list[Entity]]:
    """Return the plain text and its entities."""
    if not mode:
        return text, []
    modes: dict[str, type[_Reader]] = {"html": _Html, "markdownv2": _MarkdownV2}
    if mode.lower() not in modes:
        raise bad_request("unsupported parse_mode")
    reader = modes[mode.lower()](text)
    reader.read()
    entities = [entity for entity in reader.entities if entity["length"]]
    return reader.plain, sorted(entities, key=lambda one: (one["offset"], -one["length"]))


def _cannot(words: str) -> Refusal:
    return bad_request(f"can't parse entities: {words}")


@define
class _Reader:
    text: str
    plain: str = ""
    entities: list[Entity] = field(factory=list)
    open: list[tuple[str, int, Entity]] = field(factory=list)

    def read(self) -> None:
        raise NotImplementedError

    def bytes_before(self, at: int) -> int:
        return len(self.text[:at].encode())

    def begin(self, name: str, at: int, type: str, **more: Any) -> None:
        entity = {"type": type, "offset": units(self.plain), "length": 0, **more}
        self.open.append((name, at, entity))

    def end(self) -> Entity:
        entity = self.open.pop()[2]
        entity["length"] = units(self.plain) - entity["offset"]
        self.entities.append(entity)
        return entity


class _Html(_Reader):
    def read(self) -> None:
        at = 0
        while at < len(self.text):
            if self.text[at] != "<":
                end = self.text.find("<", at)
                end = len(self.text) if end < 0 else end
                self.plain += html.unescape(self.text[at:end])
                at = end
                continue
            match = _TAG.match(self.text, at)
            if match is None:
                raise _cannot(f"Unclosed start tag at byte offset {self.bytes_before(at)}")
            self._tag(match)
            at = match.end()
        if self.open:
            raise _cannot(f'Can\'t find end tag corresponding to start tag "{self.open[-1][0]}"')

    def _tag(self, match: re.Match[str]) -> None:
        closing, name, rest = match[1], match[2].lower(), match[3]
        where = f"at byte offset {self.bytes_before(match.start())}"
        if not closing:
            if name not in _TAGS:
                raise _cannot(f'Unsupported start tag "{name}" {where}')
            link = re.search(r"href\s*=\s*[\"']?([^\"'>]*)", rest)
            self.begin(
                name,
                match.start(),
                _TAGS[name],
                **({"url": html.unescape(link[1])} if link else {}),
            )
        elif not self.open:
            raise _cannot(f"Unexpected end tag {where}")
        elif (expected := self.open[-1][0]) != name:
            raise _cannot(f'Unmatched end tag {where}, expected "</{expected}>", found "</{name}>"')
        else:
            self.end()


class _MarkdownV2(_Reader):
    def read(self) -> None:
        at = 0
        while at < len(self.text):
            match = _TOKEN.match(self.text, at)
            if match is None:
                self.plain += self.text[at]
                at += 1
                continue
            at = self._token(match)
        if self.open:
            _, begun, entity = self.open[-1]
            type = str(entity["type"]).title().replace("_", "").replace("Link", "Url")
            raise _cannot(
                f"Can't find end of {type} entity at byte offset {self.bytes_before(begun)}"
            )

    def _token(self, match: re.Match[str]) -> int:
        escaped, mark, reserved = match.groups()
        inside = self.open[-1][0] if self.open else ""
        if escaped:
            self.plain += escaped
        elif inside in ("`", "```") and mark != inside:
            self.plain += match[0]
        elif reserved == ">" and (match.start() == 0 or self.text[match.start() - 1] == "\n"):
            pass
        elif reserved or (mark == "]" and inside != "["):
            character = match[0]
            raise _cannot(
                f"Character '{character}' is reserved and must be escaped with the preceding '\\'"
            )
        elif mark == "]":
            return self._link(match.end())
        elif mark == inside:
            self.end()
        else:
            self.begin(mark, match.start(), _MARKS[mark])
        return match.end()

    def _link(self, at: int) -> int:
        entity = self.end()
        if self.text[at : at + 1] != "(":
            self.entities.remove(entity)
            return at
        close = re.compile(r"\((?P<url>(?:\\.|[^)\\])*)\)", re.DOTALL).match(self.text, at)
        if close is None:
            raise _cannot(f"Can't find end of a URL at byte offset {self.bytes_before(at)}")
        entity["url"] = re.sub(r"\\(.)", r"\1", close["url"])
        return close.end()
