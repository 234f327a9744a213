"""What the kernel shows its owner at the end of a quiet life."""

from __future__ import annotations

from attrs import frozen


@frozen
class ReplyFate:
    """A reply and what became of it."""

    key: str
    turn: str
    text: str
    state: str


@frozen
class Report:
    """What the kernel shows.

    Args:
        replies: All replies on record.
        dead: Texts of the events that were put aside, and their turns.
    """

    replies: tuple[ReplyFate, ...]
    dead: dict[str, str]

    @property
    def unknown(self) -> dict[str, str]:
        """Keys and texts of replies of which nobody knows whether they arrived."""
        return {reply.key: reply.text for reply in self.replies if reply.state == "unknown"}
