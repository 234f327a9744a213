"""The link between a command and the running kernel: where it is, and how each knows the other.

The kernel listens on a free port of the loopback interface and writes the port and a random token
to ``run/link.json``, which only its owner can read. Each line of a connection is a JSON object. The
kernel begins with a challenge; either side proves with an HMAC over both challenges that it knows
the token, which itself is never sent.

Commands that only ask the kernel something stand on this file alone. So it imports neither asyncio
nor the contract: that would take several times as long as the question.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from io import BufferedRWPair
    from pathlib import Path

    from argent_core.paths import Home

KERNEL = "kernel"
"""Whom a command wants that wants no plugin."""

PATIENCE = 10.0
"""Seconds after which whoever listens on the port, but does not answer, is no kernel."""

LONGEST_LINE = 64 << 20

NOBODY = "Argent does not run; start it with: argent start"
STRANGER = "what listens on Argent's port is not this Argent; start it anew"
ENDED = "Argent stopped before it answered"


class Unreachable(Exception):
    """Report that no kernel answers on a home, and why; ``local.NotRunning`` to everyone else."""


def ask(home: Home, operation: str, *, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the running kernel to do something; return its answer, a result or an error.

    Raises:
        Unreachable: No kernel answers.
    """
    link = read_link(link_file(home))
    try:
        with (
            socket.create_connection(("127.0.0.1", link["port"]), timeout=PATIENCE) as connection,
            connection.makefile("rwb") as line,
        ):
            known = _introduce(line, link["token"])
            if known is None:
                raise Unreachable(STRANGER)
            if "error" in known:
                return known
            connection.settimeout(None)
            _send(line, {"call": operation, "arguments": arguments})
            answer = _receive(line)
    except OSError as error:
        raise Unreachable(NOBODY) from error
    if not answer:
        raise Unreachable(ENDED)
    return answer


def _introduce(line: BufferedRWPair, token: str) -> dict[str, Any] | None:
    """Say who calls; return the answer, or None if it is not the kernel that listens there."""
    mine = challenge()
    try:
        theirs = str(_receive(line).get("challenge"))
        known = proof(token, theirs=theirs, mine=mine)
        _send(line, {"to": KERNEL, "challenge": mine, "proof": known})
        if not proves(_receive(line), token, mine=mine, theirs=theirs):
            return None
        return _receive(line) or None
    except OSError:
        return None


def _send(line: BufferedRWPair, message: Mapping[str, Any]) -> None:
    line.write(json.dumps(message).encode() + b"\n")
    line.flush()


def _receive(line: BufferedRWPair) -> dict[str, Any]:
    """Receive one object; an empty one when the other side has closed, or sends something else."""
    try:
        message = json.loads(line.readline(LONGEST_LINE))
    except (ConnectionError, ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def link_file(home: Home) -> Path:
    """Return the file that says how to reach the running kernel."""
    return home.run / "link.json"


def challenge() -> str:
    """Return what nobody can have seen before."""
    return os.urandom(16).hex()


def proof(token: str, *, theirs: str, mine: str) -> str:
    """Prove that one knows the token, to whoever made the first of the challenges."""
    challenges = f"{theirs}\n{mine}".encode(errors="replace")
    return hmac.new(token.encode(), challenges, hashlib.sha256).hexdigest()


def proves(message: Mapping[str, Any], token: str, *, mine: str, theirs: str) -> bool:
    """Tell whether a message proves that its sender knows the token."""
    given = str(message.get("proof", "")).encode(errors="replace")
    return hmac.compare_digest(given, proof(token, theirs=mine, mine=theirs).encode())


def read_link(path: Path) -> dict[str, Any]:
    """Read where the running kernel listens. Raises ``Unreachable``."""
    try:
        link: dict[str, Any] = json.loads(path.read_text())
        return {"port": int(link["port"]), "token": str(link["token"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreachable(NOBODY) from error


def write_private(path: Path, data: Mapping[str, Any]) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    temporary = path.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(data, file)
    temporary.replace(path)
