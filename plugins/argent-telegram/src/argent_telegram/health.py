"""What ``argent doctor`` looks at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from argent_hookspecs import Health, PluginContext, SecretError
from argent_telegram.bots import BOTS
from argent_telegram.faults import TelegramFault, WrongToken
from argent_telegram.settings import BotPlace
from argent_telegram.wire import Api, open_api

SET_UP = "argent init telegram"
_RECENT = timedelta(hours=1)
_MOST_PENDING = 100
_MOST_SKEW = 60.0


async def no_bot(ctx: PluginContext) -> Health:
    """Say that there is no bot yet."""
    return Health(False, "no bot is set up", f"make one: {SET_UP}")


async def check(ctx: PluginContext, place: BotPlace) -> Health:
    """Look at a bot: its token, who takes what comes for it, and what it may read."""
    assert place.settings.token is not None
    try:
        token = await ctx.secrets.reveal(place.settings.token)
    except SecretError as error:
        return Health(False, str(error), f"give it one again: {SET_UP}")
    async with open_api(place.settings.base_url, token) as api:
        try:
            return await _look(ctx, place, api)
        except WrongToken as error:
            return Health(False, str(error), f"ask @BotFather for it, then: {SET_UP}")
        except TelegramFault as error:
            return Health(False, str(error), "look whether this machine reaches the internet")


async def _look(ctx: PluginContext, place: BotPlace, api: Api) -> Health:
    me = await api.call("get_me")
    name = f"@{me.username}"
    webhook = await api.call("get_webhook_info")
    wrong = await _webhook_trouble(ctx, place, webhook) or _rival(ctx, place)
    if wrong is None and abs(api.skew) > _MOST_SKEW:
        words = f"this machine's clock is {abs(api.skew):.0f} s off"
        wrong = Health(False, words, "set it; most systems can do so by themselves (NTP)")
    if wrong is not None:
        return Health(False, f"{name}: {wrong.summary}", wrong.remedy)
    reads = "reads all that is said in groups" if me.can_read_all_group_messages else _PRIVACY
    groups = reads if me.can_join_groups else "cannot be added to groups"
    return Health(True, f"{name} answers; it {groups}", "")


_PRIVACY = "sees in groups only what is meant for it (privacy mode, as it should be)"


async def _webhook_trouble(ctx: PluginContext, place: BotPlace, webhook: Any) -> Health | None:
    """Say what is wrong with who is told what comes."""
    wanted = place.settings.webhook.url
    if webhook.url and webhook.url != wanted:
        bots = ctx.services.find(BOTS)
        if bots is None or webhook.url != await (await bots.ledger()).webhook(place.id):
            words = "a webhook of something else is set, which takes what is sent to the bot"
            return Health(False, words, f"if Argent is to have the bot: {SET_UP}")
    if wanted and webhook.url != wanted:
        return Health(False, "the webhook is not set", "start the agent: argent start")
    at = webhook.last_error_date
    if wanted and at and datetime.now(UTC) - at < _RECENT and webhook.pending_update_count:
        words = f"Telegram cannot deliver to the webhook: {webhook.last_error_message}"
        port = place.settings.webhook.port
        remedy = f"look whether your proxy passes {wanted} on to port {port} of this machine"
        return Health(False, words, remedy)
    if webhook.pending_update_count > _MOST_PENDING:
        words = f"{webhook.pending_update_count} messages wait at Telegram"
        return Health(False, words, "look into the log: logs/argent.log")
    return None


def _rival(ctx: PluginContext, place: BotPlace) -> Health | None:
    bots = ctx.services.find(BOTS)
    bot = bots.open.get(place.id) if bots else None
    if bot is None or not bot.trouble:
        return None
    return Health(False, bot.trouble, "end the other program that runs with this bot's token")
