"""What is expected of a mutant."""

from __future__ import annotations

from attrs import frozen


@frozen
class Expected:
    """What must become of a mutant.

    Args:
        test: The test of its contract that must fail.
        words: What the failure must say.
    """

    test: str
    words: str
