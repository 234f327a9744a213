"""Words as IRC has them: short lines, marks of colour, names in which {} and [] are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LINE = 510
"""Bytes of a line, without its end (RFC 2812, section 2.3)."""
MOST = 40
"""Lines of a text at most; those of more are put behind one another, or it would take too long."""
_LONGEST_USER = 10 + len("!@") + 63
"""What a server puts before a message besides the nickname: user and host (section 1.2.1)."""
_MARKS = re.compile(r"\x03(\d{1,2}(,\d{1,2})?)?|\x04([0-9a-fA-F]{6})?|[\x00-\x1f]")
_SAME = str.maketrans("[]\\~", "{}|^")


def fold(name: str) -> str:
    """Return a name as servers compare it (RFC 2812, section 2.2).

    >>> fold("Ada[away]")
    'ada{away}'
    """
    return name.lower().translate(_SAME)


def plain(text: str) -> str:
    r"""Return the text without marks of colour and style (modern.ircdocs.horse/formatting).

    >>> plain("\x02Look\x02, \x0304,01red\x03!")
    'Look, red!'
    """
    return _MARKS.sub("", text).strip()


def lines(text: str, *, sender: str, to: str) -> Iterator[str]:
    """Cut a text into lines that arrive whole, at spaces where there are any.

    Args:
        text: What is said.
        sender: The nickname of who says it.
        to: Who or which channel is told.
    """
    room = _LINE - len(f":{sender} PRIVMSG {to} :".encode()) - _LONGEST_USER
    told = [line.strip() for line in text.replace("\0", "").splitlines() if line.strip()]
    for line in told if len(told) <= MOST else [" | ".join(told)]:
        while line.strip():
            head = line.encode()[:room].decode(errors="ignore")
            if head != line and " " in head.strip():
                head = head[: head.rindex(" ") + 1]
            yield head.rstrip()
            line = line[len(head) :]


def addressed(text: str, nickname: str) -> str | None:
    """Return what is said to somebody of a name in a channel, or None if it is not said to them.

    >>> addressed("argent: what time is it?", "argent")
    'what time is it?'
    >>> addressed("I like argent.", "argent")
    'I like argent.'
    >>> addressed("I like Margents.", "argent")
    """
    name = re.escape(nickname)
    if spoken := re.match(rf"@?{name}\s*[:,]\s*(.*)", text, re.IGNORECASE):
        return spoken[1]
    return text if re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE) else None
