"""Weights that come from an http(s) address, streamed to disk and resumed after a break."""

from __future__ import annotations

import http.client
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path

from attrs import frozen

from argent_llama.background import in_thread
from argent_llama.weights import CHUNK, OTHER_FILE, FetchFailed, Report, need_room

_TRIES = 4
_PAUSE = 0.25
_TIMEOUT = 10.0
_PASSING = (408, 416, 425, 429)
_CODES = re.compile(r"\[[^\]]*\]\s*|\s*\(_ssl\.c:\d+\)")
_BREAKS = (OSError, http.client.HTTPException)


async def fetch_address(url: str, target: Path, *, report: Report, size: int | None) -> None:
    """Fetch a file, going on where an earlier fetch of the same address was broken off.

    Args:
        url: Of the file.
        target: Where to put it. A neighbour with the ending ``.etag`` remembers its version.
        report: Told how far it is.
        size: Bytes that the file must have, if known.

    Raises:
        FetchFailed: It could not be had.
    """
    await in_thread(_Fetch(url, target, report, size).run)


@frozen
class _Fetch:
    url: str
    target: Path
    report: Report
    size: int | None

    @property
    def _version(self) -> Path:
        return self.target.with_name(self.target.name + ".etag")

    def run(self, stop: threading.Event) -> None:
        """Try until the file is there, or several tries in a row brought nothing."""
        failures, problem, remedy = 0, "", ""
        while failures < _TRIES and not stop.wait(_PAUSE * failures):
            before = self._here()
            try:
                if self._stream(stop):
                    return
                problem = "the connection was cut"
            except urllib.error.HTTPError as error:
                error.close()
                problem = f"{error.code} {error.reason}"
                if error.code == 416:
                    self._version.unlink()
                elif error.code < 500 and error.code not in _PASSING:
                    remedy = "Correct the address in plugins.llama.model."
                    break
            except _BREAKS as error:
                problem = _in_words(error)
            failures = 1 if self._here() > before else failures + 1
        if not stop.is_set():
            raise FetchFailed(problem, remedy=remedy)

    def _here(self) -> int:
        """Bytes of a known version that are here already."""
        known = self._version.exists() and self.target.exists()
        return self.target.stat().st_size if known else 0

    def _stream(self, stop: threading.Event) -> bool:
        """Append what the server still has to give; return whether the file is complete."""
        start = self._here()
        if start and start == self.size:
            return True
        with urllib.request.urlopen(self._request(start), timeout=_TIMEOUT) as response:
            if response.status != 206 or _first_byte(response) != start:
                start = 0
            length = response.headers.get("Content-Length")
            total = start + int(length) if length else None
            if self.size is not None and total is not None and total != self.size:
                raise FetchFailed(
                    f"it has {total:,} bytes instead of {self.size:,}", remedy=OTHER_FILE
                )
            need_room(self.target.parent, (total or self.size or start) - start)
            self._remember(response.headers.get("ETag"), start)
            done = self._copy(response, start, total, stop)
        return done == total if total is not None else not stop.is_set()

    def _request(self, start: int) -> urllib.request.Request:
        request = urllib.request.Request(self.url, headers={"User-Agent": "argent-llama"})
        if start:
            request.add_header("Range", f"bytes={start}-")
            request.add_header("If-Range", self._version.read_text())
        return request

    def _remember(self, version: str | None, start: int) -> None:
        """Note which version the bytes belong to; only a strong one allows to go on later."""
        if not start:
            self.target.write_bytes(b"")
        if version and not version.startswith("W/"):
            self._version.write_text(version)
        else:
            self._version.unlink(missing_ok=True)

    def _copy(
        self,
        response: http.client.HTTPResponse,
        start: int,
        total: int | None,
        stop: threading.Event,
    ) -> int:
        done = start
        with self.target.open("r+b") as file:
            file.seek(start)
            while not stop.is_set() and (data := response.read1(CHUNK)):
                file.write(data)
                done += len(data)
                self.report(done, total)
        return done


def _in_words(error: Exception) -> str:
    """Say what broke, without what only programmers read."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    words = reason.strerror if isinstance(reason, OSError) else None
    return _CODES.sub("", words or str(reason)) or type(error).__name__


def _first_byte(response: http.client.HTTPResponse) -> int | None:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None
