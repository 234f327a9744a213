"""Audiences: where a memory may come up, by where it was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from argent_hookspecs import Event, Trust

OWNER = "owner"
"""The owner's own chats, whichever channel they are on."""
EVERYONE = "everyone"


def audience_of(event: Event | None, *, conversation: str) -> str:
    """Return the audience of what is said there.

    What the owner says when nobody else reads along is for all chats that are like that. All else,
    in a group or by another person, is for the conversation where it was said.
    """
    if event is not None and event.trust is Trust.OWNER and not event.group:
        return OWNER
    return conversation


def audiences_at(place: str, share: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the audiences whose memories may come up at a place.

    Args:
        place: The audience of what is said there.
        share: Where else what was told in one place may come up, as the person set it.
    """
    lent = [told for told, others in share.items() if place in others or EVERYONE in others]
    return tuple(dict.fromkeys([EVERYONE, place, *lent]))
