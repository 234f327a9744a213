"""What a line of the server means to the agent."""

from __future__ import annotations

from argent_hookspecs import Address, Event
from irctokens.line import Line

from argent_irc.words import addressed, fold, plain

_ACTION = "\x01ACTION "


def heard(line: Line, *, nickname: str) -> Event | None:
    """Return the event that a line is, or None if nobody says anything with it.

    Args:
        line: What came from the server.
        nickname: What the agent is called there.
    """
    if line.command != "PRIVMSG" or len(line.params) < 2 or "!" not in (line.source or ""):
        return None
    who = line.hostmask.nickname
    place, text = line.params[:2]
    if text.startswith(_ACTION):
        text = f"* {who} {text.removeprefix(_ACTION)}"
    elif text.startswith("\x01"):
        return None
    said, group = plain(text), place[0] in "#&+!"
    to_us = addressed(said, nickname) if group else said
    if not said or fold(who) == fold(nickname):
        return None
    return Event(
        conversation=f"irc:{fold(place) if group else person(line)}",
        content=said if to_us is None else to_us,
        sender=person(line),
        sender_name=who,
        group=group,
        addressed=to_us is not None,
        reply_to=Address("irc", place if group else who),
    )


def person(line: Line) -> str:
    """Return who has said something: their account, or else nickname, user and host together.

    Whoever comes first can have a nickname; with another host it is somebody else.
    """
    account = (line.tags or {}).get("account")
    return f"account:{account}" if account else fold(line.source or "")
