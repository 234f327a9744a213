"""``argent pair``: who may talk with the agent, and who asks to."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from argent_core.cli.context import LazyContext
from argent_core.cli.groups import Group
from argent_core.cli.output import as_json, print_json, print_line, print_table
from argent_core.cli.user import user_name
from argent_core.words import moment

_AS = click.option(
    "--as",
    "standing",
    type=click.Choice(["owner", "paired"]),
    help="What they are then: you yourself, or somebody who may talk with the agent.",
)
_NUMBERS = {"ignore_unknown_options": True}
"""Groups are called -100123 in places, which is no option."""
_MAY = {
    "owner": "What they say is the owner's word, and they may answer for you.",
    "paired": "They may talk with the agent. What it wants to be allowed, it asks an owner.",
}


@click.group(cls=Group)
def pair() -> None:
    """Let people and groups in, and send them away.

    \b
    argent pair list                         who asks
    argent pair approve K7MPQ2XD             let them in
    argent pair approve K7MPQ2XD --as owner  it is you
    argent pair invite --as owner            a code to send to the agent yourself
    argent pair people                       who is in
    argent pair block telegram 12345
    """


@pair.command("list")
@as_json
@click.pass_obj
def list_(obj: LazyContext, as_json: bool) -> None:
    """List who asks to be let in, and with which codes.

    \b
    argent pair list
    argent pair list --json
    """
    found, _ = obj.operate("pair.list")
    if as_json:
        print_json(found)
    elif not found:
        click.echo("Nobody asks to be let in.")
    else:
        print_table(
            (
                (r["code"], r["channel"], _kind(r), _named(r), moment(r["expires_at"]))
                for r in found
            ),
            heads=("CODE", "CHANNEL", "WHAT", "WHO", "EXPIRES"),
        )


@pair.command()
@click.argument("code")
@_AS
@as_json
@click.pass_obj
def approve(obj: LazyContext, code: str, standing: str | None, as_json: bool) -> None:
    """Let in who asks with a code: a person, or a group.

    Without --as a person is paired; at a terminal you are asked whether the first of a channel is
    you.

    \b
    argent pair approve K7MPQ2XD
    argent pair approve K7MPQ2XD --as owner
    """
    if standing is None:
        standing = "owner" if not as_json and _is_you(obj, code) else "paired"
    done, _ = obj.operate("pair.approve", code=code, standing=standing, by=user_name())
    if as_json:
        print_json(done)
    else:
        _say(done)


@pair.command()
@click.argument("code")
@as_json
@click.pass_obj
def deny(obj: LazyContext, code: str, as_json: bool) -> None:
    """Send away who asks with a code; they are told nothing, and may ask again in an hour.

    \b
    argent pair deny K7MPQ2XD
    """
    done, _ = obj.operate("pair.deny", code=code)
    if as_json:
        print_json(done)
    else:
        _say(done)


@pair.command()
@_AS
@click.option("--channel", default="", help="The only channel on which the code holds.")
@as_json
@click.pass_obj
def invite(obj: LazyContext, standing: str | None, channel: str, as_json: bool) -> None:
    """Make a code that lets in whoever sends it to the agent: one person, within the hour.

    \b
    argent pair invite                                   for a friend
    argent pair invite --as owner --channel telegram     for yourself
    """
    by, wanted = user_name(), standing or "paired"
    made, _ = obj.operate("pair.invite", standing=wanted, channel=channel, by=by)
    if as_json:
        print_json(made)
        return
    where = f" on {channel}" if channel else ""
    print_line(made["code"])
    became = "the owner" if wanted == "owner" else "a paired person"
    print_line(
        f"Whoever sends this to the agent{where}, alone in a message, is let in as {became}."
    )
    print_line(f"It holds once, until {moment(made['expires_at'])}.")


@pair.command()
@as_json
@click.pass_obj
def people(obj: LazyContext, as_json: bool) -> None:
    """List who was let in or blocked, and which groups are allowed.

    \b
    argent pair people
    argent pair people --json
    """
    found, _ = obj.operate("pair.people")
    if as_json:
        print_json(found)
        return
    rows = [(p["channel"], p["sender"], p) for p in found["people"]]
    rows += [(g["channel"], g["chat"], g) for g in found["groups"]]
    if not rows:
        click.echo("Nobody is on record. See who asks with: argent pair list")
        return
    print_table(
        (
            (channel, id, p["standing"], p["name"], p["since"] and moment(p["since"]), p["by"])
            for channel, id, p in rows
        ),
        heads=("CHANNEL", "WHO", "STANDING", "NAME", "SINCE", "BY"),
    )


@pair.command(context_settings=_NUMBERS)
@click.argument("channel")
@click.argument("sender")
@as_json
@click.pass_obj
def revoke(obj: LazyContext, channel: str, sender: str, as_json: bool) -> None:
    """Take somebody off the record: they are a stranger again, or blocked no longer.

    \b
    argent pair revoke telegram 12345
    """
    done, _ = obj.operate("pair.revoke", channel=channel, sender=sender)
    if as_json:
        print_json(done)
    elif done["standing"]:
        print_line(f"{sender} on {channel} is still {done['standing']}, by the settings.")
    else:
        print_line(f"{sender} on {channel} is a stranger now.")


@pair.command(context_settings=_NUMBERS)
@click.argument("channel")
@click.argument("sender")
@as_json
@click.pass_obj
def block(obj: LazyContext, channel: str, sender: str, as_json: bool) -> None:
    """Let nothing of somebody in; what waits of theirs is dropped. Revoke it to undo it.

    \b
    argent pair block telegram 12345
    """
    done, _ = obj.operate("pair.block", channel=channel, sender=sender, by=user_name())
    if as_json:
        print_json(done)
    else:
        print_line(f"{sender} on {channel} is blocked.")


@pair.command("allow-group", context_settings=_NUMBERS)
@click.argument("channel")
@click.argument("chat")
@as_json
@click.pass_obj
def allow_group(obj: LazyContext, channel: str, chat: str, as_json: bool) -> None:
    """Let the agent answer in a group, to those that it knows.

    \b
    argent pair allow-group telegram -100123
    """
    _set_group(obj, channel, chat, allowed=True, as_json=as_json)


@pair.command("forbid-group", context_settings=_NUMBERS)
@click.argument("channel")
@click.argument("chat")
@as_json
@click.pass_obj
def forbid_group(obj: LazyContext, channel: str, chat: str, as_json: bool) -> None:
    """Have the agent stay silent in a group.

    \b
    argent pair forbid-group telegram -100123
    """
    _set_group(obj, channel, chat, allowed=False, as_json=as_json)


def _set_group(obj: LazyContext, channel: str, chat: str, *, allowed: bool, as_json: bool) -> None:
    by = user_name()
    done, _ = obj.operate("pair.group", channel=channel, chat=chat, allowed=allowed, by=by)
    if as_json:
        print_json(done)
    else:
        print_line(f"The group {chat} on {channel} is {done['standing']}.")


def _is_you(obj: LazyContext, code: str) -> bool:
    """Ask whether it is the owner who asks, unless that is known already."""
    if not sys.stdin.isatty():
        return False
    found, _ = obj.operate("pair.list")
    typed = "".join(code.split()).replace("-", "").upper()
    asked = next((r for r in found if r["code"] == typed and not r["group"]), None)
    if asked is None or asked["has_owner"]:
        return False
    print_line(f"{_named(asked)} on {asked['channel']} asks to be let in.")
    return click.confirm("Is this you?", default=False)


def _say(done: Mapping[str, Any]) -> None:
    """Say what was given to whom."""
    what = "The group" if done["group"] else ""
    print_line(f"{what} {_named(done)} on {done['channel']} is {_became(done)}.".strip())
    if done["standing"] in _MAY:
        print_line(_MAY[done["standing"]])


def _became(done: Mapping[str, Any]) -> str:
    standing = str(done["standing"])
    return {"owner": "an owner now", "paired": "paired now"}.get(standing, standing)


def _kind(request: Mapping[str, Any]) -> str:
    return "group" if request["group"] else "person"


def _named(request: Mapping[str, Any]) -> str:
    id = request["chat"] if request["group"] else request["sender"]
    return f"{request['name']} ({id})" if request["name"] else str(id)
