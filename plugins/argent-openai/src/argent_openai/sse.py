"""Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream.

Bytes stay bytes, since what they hold is read as JSON, which costs a third of decoding them first.
"""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"


class EventTooLarge(Exception):
    """Report an event that does not end."""


class EventParser:
    """Finds the data of events in a stream, however it is cut into pieces.

    Only data is of interest here: the names, ids and retry times of events are passed over.

    Args:
        largest: Bytes of the largest event.
    """

    def __init__(self, largest: int = 1 << 26) -> None:
        self._largest = largest
        self._pieces: list[bytes] = []
        self._size = 0
        self._data: list[bytes] = []
        self._begun = False
        self._after_return = False

    def feed(self, piece: bytes) -> list[bytes]:
        """Take the next bytes and return the data of the events that end in them.

        Raises:
            EventTooLarge: An event has grown over the limit.
        """
        if self._after_return and piece[:1] == b"\n":
            piece = piece[1:]
            self._after_return = False
        if not piece:
            return []
        self._after_return = piece.endswith(b"\r")
        if b"\r" in piece:
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._largest:
            raise EventTooLarge
        return self._lines() if b"\n" in piece else []

    def _lines(self) -> list[bytes]:
        *lines, rest = b"".join(self._pieces).split(b"\n")
        self._pieces = [rest]
        if not self._begun:
            self._begun = True
            lines[0] = lines[0].removeprefix(_BOM)
        found = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif not line:
                if self._data:
                    found.append(b"\n".join(self._data))
                    self._data = []
            elif line == b"data":
                self._data.append(b"")
        self._size = len(rest) + sum(map(len, self._data))
        return found
