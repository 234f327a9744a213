"""Codes with which people are let in, and what limits guessing them."""

from __future__ import annotations

import json
import re
import secrets

from attrs import frozen

from argent_hookspecs import Transaction

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Capitals and digits without those that look alike: I and 1, O and 0."""
CODE_LENGTH = 8
CODE_SECONDS = 3600.0
"""How long a code holds."""

_CODE = re.compile(rf"\s*(?:/start(?:@\w+)?\s+)?([{ALPHABET}]{{{CODE_LENGTH}}})\s*", re.IGNORECASE)


@frozen
class Limit:
    """How many wrong codes are taken in so many seconds, and for how long none is after that."""

    most: int
    seconds: float
    shut: float

    def shut_until(self, tx: Transaction, scope: str, *, now: float) -> float | None:
        """Return when codes are taken again, or None if they are now."""
        sql = "SELECT shut_until FROM wrong_codes WHERE scope = ?"
        row = tx.execute(sql, (scope,)).fetchone()
        # One further away than the longest comes from a clock that was set back.
        return row[0] if row and now < row[0] <= now + self.shut else None

    def count(self, tx: Transaction, scope: str, *, now: float) -> bool:
        """Count a wrong code; return whether it was one too many."""
        tx.execute("DELETE FROM wrong_codes WHERE shut_until < ?", (now - CODE_SECONDS,))
        sql = "SELECT times FROM wrong_codes WHERE scope = ?"
        row = tx.execute(sql, (scope,)).fetchone()
        times = [at for at in json.loads(row[0] if row else "[]") if now - self.seconds < at <= now]
        times.append(now)
        full = len(times) >= self.most
        until = now + self.shut if full else now
        kept = json.dumps([] if full else times)
        tx.execute("INSERT OR REPLACE INTO wrong_codes VALUES (?, ?, ?)", (scope, kept, until))
        return full


APPROVING = Limit(most=5, seconds=600.0, shut=600.0)
"""Wrong codes of the owner."""
GUESSING = Limit(most=5, seconds=3600.0, shut=3600.0)
"""Wrong invitations of one sender."""


def new_code(tx: Transaction) -> str:
    """Return a code that nobody has."""
    while True:
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        if tx.execute("SELECT 1 FROM pairings WHERE code = ?", (code,)).fetchone() is None:
            return code


def code_in(text: str) -> str | None:
    """Return the code that a whole message is, ``/start CODE`` included; None if it is none."""
    found = _CODE.fullmatch(text) if len(text) <= 100 else None
    return found[1].upper() if found else None


def normal(code: str) -> str:
    """Return a code as it is kept, however it was typed."""
    return "".join(code.split()).replace("-", "").upper()
