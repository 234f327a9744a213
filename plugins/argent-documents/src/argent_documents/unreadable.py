"""The error of a document that cannot be read."""

from __future__ import annotations


class Unreadable(Exception):
    """Report that a document cannot be read, in words for the person who sent it."""
