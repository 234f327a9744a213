"""Who types a command, for the record."""

from __future__ import annotations

import getpass
import os


def user_name() -> str:
    """Return the name of whoever runs the process; their number, if the system knows no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # which of them depends on Python and the system
        return str(os.getuid()) if hasattr(os, "getuid") else "somebody"
