"""Audiences: where a memory may come up, by where it was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from argent_hookspecs import Event, Transaction, Trust

OWNER = "owner"
"""The owner's own chats, whichever channel they are on."""
EVERYONE = "everyone"
REFLECTION = "reflection"
"""Kind of the events in which the agent looks back at what was said."""
_REFLECTS = "memory:reflection:"


def audience_of(event: Event | None, *, conversation: str, owners: bool = False) -> str:
    """Return the audience of what is said there.

    What the owner says when nobody else reads along is for all chats that are like that. All else,
    in a group or by another person, is for the conversation where it was said. What is no message,
    a reminder perhaps, does not say who reads the answer.

    Args:
        owners: Whether what was said there last was for the owner alone.
    """
    if event is None:
        return conversation
    if event.kind == REFLECTION and conversation.startswith(_REFLECTS):
        reflected = conversation.removeprefix(_REFLECTS).partition(":")[2]
        return conversation if event.trust is Trust.OUTSIDE else reflected
    if event.group or event.trust is not Trust.OWNER:
        return conversation
    if event.kind == "message" or event.reply_to is None or owners:
        return OWNER
    return conversation


def reflection_of(audience: str, *, night: str) -> str:
    """Return the conversation in which the agent looks back at what an audience heard."""
    return f"{_REFLECTS}{night}:{audience}"


def is_owners(tx: Transaction, conversation: str) -> bool:
    """Tell whether what was said in a conversation last was for the owner alone."""
    row = tx.execute(_LAST, (conversation,)).fetchone()
    return row is not None and row[0] == OWNER


def audiences_at(
    place: str, share: Mapping[str, Sequence[str]], *, conversation: str
) -> tuple[str, ...]:
    """Return the audiences whose memories may come up at a place.

    Args:
        place: The audience of what is said there.
        share: Where else what was told in one place may come up, as the person set it.
        conversation: What was told in it may come up in it, whoever may hear the rest.
    """
    lent = [told for told, others in share.items() if place in others or EVERYONE in others]
    return tuple(dict.fromkeys([EVERYONE, place, conversation, *lent]))


_LAST = "SELECT audience FROM items WHERE place = ? ORDER BY id DESC LIMIT 1"
