"""The command ``argent init telegram``."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from argent_hookspecs import SetUpContext

_TOKEN = re.compile(r"\d{3,}:[\w-]{20,}")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_HOW = """\
Telegram gives you a bot:
  1. Open https://t.me/BotFather and send /newbot
  2. Choose a name and a username that ends in "bot"
  3. Copy the token that it answers with
"""
_UNREACHED = """\
{host} could not be reached, so nothing was set up. {error}.
Look whether this machine is online, and whether it may go there: some networks block Telegram, or
want a proxy, which the environment variable HTTPS_PROXY names. A Bot API server of your own is
named with --base-url."""


@click.command()
@click.option("--bot", "name", default="", help="Name of a further bot, beside the first.")
@click.option("--token-env", metavar="NAME", help="Environment variable that holds the token.")
@click.option("--base-url", default="", help="Address of a Bot API server of your own.")
@click.option("--yes", "-y", is_flag=True, help="Take the bot over, if something else has it.")
@click.pass_obj
def telegram(obj: SetUpContext, name: str, token_env: str | None, base_url: str, yes: bool) -> None:
    """Set up a bot: its token, and you as its owner.

    The token is asked for, read from standard input, or taken from the environment; never an
    argument.

    \b
    argent init telegram
    argent init telegram --token-env TELEGRAM_TOKEN
    pass show telegram | argent init telegram --bot work
    """
    if name and not _NAME.fullmatch(name):
        raise click.BadParameter("lower case letters, digits, _ and -", param_hint="--bot")
    token = _token(token_env)
    username = asyncio.run(_try_out(token, base_url=base_url, take_over=yes))
    place = f"plugins.telegram.bots.{name}" if name else "plugins.telegram"
    channel = f"telegram:{name}" if name else "telegram"
    if base_url:
        obj.set_setting(f"{place}.baseUrl", base_url)
    kept = f"env:{token_env}" if token_env else None
    reference = kept or obj.keep_secret(channel.replace(":", "-") + "-token", token)
    obj.set_setting(f"{place}.token", reference)
    code = obj.invite(channel, owner=True)
    click.echo(f"The bot @{username} is set up; its token is kept as {reference}.")
    click.echo("Next:")
    click.echo("  1. argent start, unless the agent runs already")
    click.echo(f"  2. Open https://t.me/{username}?start={code} and press Start, within the hour;")
    click.echo("     that makes you its owner. Nobody else gets in without your word.")


def _token(variable: str | None) -> str:
    if variable:
        token = os.environ.get(variable, "")
    elif sys.stdin.isatty():
        click.echo(_HOW)
        token = click.prompt("Token", hide_input=True, err=True)
    else:
        token = sys.stdin.read()
    token = token.strip()
    if not _TOKEN.fullmatch(token):
        raise click.UsageError(
            "That is no bot's token: those look like 123456789:AAE… and come from @BotFather."
        )
    return token


async def _try_out(token: str, *, base_url: str, take_over: bool) -> str:
    """Ask Telegram about the bot; return its username."""
    from argent_telegram.faults import NotReached, TelegramFault
    from argent_telegram.settings import BotSettings
    from argent_telegram.wire import open_api

    address = base_url or BotSettings().base_url
    async with open_api(address, token) as api:
        try:
            me = await api.call("get_me")
            webhook = await api.call("get_webhook_info")
            if webhook.url:
                _confirm(me.username, take_over=take_over)
                await api.call("delete_webhook")
        except NotReached as error:
            host = urlsplit(address).hostname or "Telegram"
            raise click.ClickException(_UNREACHED.format(host=host, error=error)) from error
        except TelegramFault as error:
            raise click.ClickException(f"{error}.") from error
    return str(me.username)


def _confirm(username: str, *, take_over: bool) -> None:
    """Ask before a webhook is taken away: something else may live on it."""
    if take_over:
        return
    question = f"A webhook is set for @{username}: something else has this bot. Take it over?"
    if not sys.stdin.isatty():
        raise click.ClickException(f"{question} Then say so: --yes")
    click.confirm(question, abort=True)
