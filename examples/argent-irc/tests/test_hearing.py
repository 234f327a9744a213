"""Who says what to whom, as lines of a server have it."""

from __future__ import annotations

import pytest
from irctokens import tokenise

from argent_irc.hearing import heard


def test_an_account_is_who_somebody_is_whatever_they_are_called() -> None:
    line = "@account=ada :%s!u@%s PRIVMSG argent :hello"
    events = [
        heard(tokenise(line % (name, host)), nickname="argent")
        for name, host in (("ada", "home"), ("ada_away", "elsewhere"))
    ]

    assert {event.sender for event in events if event} == {"account:ada"}
    assert {event.conversation for event in events if event} == {"irc:account:ada"}


def test_a_nickname_from_elsewhere_is_somebody_else() -> None:
    line = ":ada!u@%s PRIVMSG argent :hello"
    senders = {
        event.sender
        for host in ("home", "elsewhere")
        if (event := heard(tokenise(line % host), nickname="argent"))
    }

    assert senders == {"ada!u@home", "ada!u@elsewhere"}


@pytest.mark.parametrize(
    "line",
    [
        ":irc.example.net NOTICE argent :welcome",
        ":irc.example.net PRIVMSG argent :hello",
        ":ada!u@h NOTICE argent :no answer, please",
        ":ada!u@h PRIVMSG argent :\x01VERSION\x01",
        ":ada!u@h PRIVMSG argent :\x02\x02 ",
        ":Argent!u@h PRIVMSG #home :my own words",
        ":ada!u@h PRIVMSG argent",
    ],
)
def test_what_nobody_says_is_no_event(line: str) -> None:
    assert heard(tokenise(line), nickname="argent") is None
