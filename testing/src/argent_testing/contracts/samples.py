"""What contracts show to what they try out."""

from __future__ import annotations

from argent_hookspecs import Address, Event, Reply, Trust

HELLO = Event(
    conversation="contract",
    content="Hello, what do I have to do today?",
    sender="owner",
    trust=Trust.OWNER,
    reply_to=Address("contract", "contract"),
    dedupe_key="contract-1",
)
"""What the owner says."""
ODD = Event(conversation="🦉", content="\0 ünïcödé " * 500, trust=Trust.OUTSIDE, kind="odd")
"""What nobody would say."""


def a_reply(text: str) -> Reply:
    """Return a reply."""
    return Reply(key="k", to=Address("c", "c"), text=text, turn="t", conversation="c")
