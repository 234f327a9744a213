"""Which memory this is: a name that its exports and mirrors carry, so that it knows its own."""

from __future__ import annotations

from argent_hookspecs import Transaction

_MADE = "INSERT OR IGNORE INTO notes VALUES ('identity', lower(hex(randomblob(8))))"


def identity(tx: Transaction) -> str:
    """Return the name, in a transaction that may write; it is made when it is first asked for."""
    tx.execute(_MADE)
    (name,) = tx.execute("SELECT value FROM notes WHERE name = 'identity'").fetchone()
    return str(name)
