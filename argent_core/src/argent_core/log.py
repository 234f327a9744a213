"""The log: JSON lines in ``logs/argent.log``, free of secrets.

Code writes with ``logging.getLogger("argent.…")``. While a log is open, every record of these
loggers is cleaned before anything else sees it, and written by a thread of its own.
"""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import os
import queue
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from io import TextIOWrapper
from typing import Any, TextIO, cast

from argent_core.paths import Home
from argent_core.redaction import Redactor

current_event: ContextVar[str | None] = ContextVar("current_event", default=None)
"""Id of the event that is being worked on; every line carries it."""

LOGGERS = ("argent", "asyncio")
FILE_SIZE = 10_000_000
"""Bytes after which a new file is begun."""
OLD_FILES = 5

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@contextlib.contextmanager
def configure(
    home: Home, level: str, *, redactor: Redactor, stderr: bool | TextIO = False
) -> Iterator[None]:
    """Keep a log while the block runs, and leave everything as it was afterwards.

    Args:
        home: Where the log is; its folders must be there.
        level: Least importance: debug, info, warning or error.
        redactor: Takes the secrets out.
        stderr: Whether people read along; or where they do.
    """
    sinks: list[logging.Handler] = [_open_file(home)]
    if stderr:
        sinks.append(_Sink(sys.stderr if stderr is True else stderr))
        sinks[-1].setFormatter(_Lines())
    entrance = _Entrance(redactor)
    listener = logging.handlers.QueueListener(entrance.queue, *sinks)
    listener.start()
    before = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).addHandler(entrance)
    logging.getLogger("argent").setLevel(level.upper())
    try:
        yield
    finally:
        for name, old in before.items():
            logging.getLogger(name).removeHandler(entrance)
            logging.getLogger(name).setLevel(old)
        listener.stop()
        for sink in sinks:
            sink.close()


class _Entrance(logging.handlers.QueueHandler):
    """Cleans a record in place, so that handlers of others that come later see it clean too."""

    queue: queue.SimpleQueue[Any]

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(queue.SimpleQueue())
        self._redactor = redactor

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return a copy that needs nothing of this thread any more."""
        self._clean(record)
        copy = logging.makeLogRecord(vars(record))
        copy.exc_info = None
        copy.event = vars(record).get("event") or current_event.get()
        return copy

    def handleError(self, record: logging.LogRecord) -> None:
        """Say that a line is lost, and nothing of what was in it."""
        _report(record)

    def _clean(self, record: logging.LogRecord) -> None:
        redact = self._redactor.redact
        record.msg, record.args = redact(_message(record)), None
        if record.exc_info and record.exc_info[1] is not None:
            text = "".join(traceback.format_exception(record.exc_info[1])).rstrip()
            record.exc_text = redact(text)
            if record.exc_text != text:
                record.exc_info = None
        elif record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        for key, value in _extras(record).items():
            setattr(record, key, self._redactor.redact_value(value))


class _Sink(logging.StreamHandler[TextIO]):
    """A stream for people."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say that a line is lost, and nothing of what was in it."""
        _report(record)


class _File(logging.handlers.RotatingFileHandler):
    """A file that only this user can read."""

    def _open(self) -> TextIOWrapper:
        def private(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        opened = open(  # noqa: SIM115 - closed by logging
            self.baseFilename, self.mode, encoding=self.encoding, opener=private
        )
        return cast(TextIOWrapper, opened)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say that a line is lost, and nothing of what was in it."""
        _report(record)


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        extras = _extras(record)
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "plugin": extras.pop("plugin", None),
            "event": extras.pop("event", None),
            "message": record.msg,
            "extra": extras,
            "traceback": record.exc_text,
            "stack": record.stack_info,
        }
        return json.dumps({key: value for key, value in line.items() if value}, ensure_ascii=False)


class _Lines(logging.Formatter):
    """One line for people to read, and the traceback after it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        extras = _extras(record)
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        where = extras.pop("plugin", None) or record.name.removeprefix("argent.")
        event = extras.pop("event", None)
        rest = {"event": event, **extras} if event else extras
        pairs = "".join(f"  {key}={value}" for key, value in rest.items())
        message = str(record.msg).removeprefix(f"{where}: ")  # which is said already
        line = f"{time} {record.levelname.lower():7} {where}: {message}{pairs}"
        return f"{line}\n{record.exc_text}" if record.exc_text else line


def _open_file(home: Home) -> logging.Handler:
    path = home.logs / "argent.log"
    file = _File(path, maxBytes=FILE_SIZE, backupCount=OLD_FILES, encoding="utf-8")
    file.setFormatter(_Json())
    return file


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args!r}"


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    given: Mapping[str, Any] = vars(record)
    return {key: value for key, value in given.items() if key not in _STANDARD}


def _report(record: logging.LogRecord) -> None:
    problem = sys.exc_info()[0]
    reason = problem.__name__ if problem else "unknown reason"
    print(f"argent: a line of {record.name} could not be logged ({reason})", file=sys.stderr)
