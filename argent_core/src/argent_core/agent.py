"""The agent, as channels and commands see it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from attrs import define

from argent_core import codec, spending
from argent_core.config import Problem, idle
from argent_core.guard import Guard
from argent_core.host import PluginHost
from argent_core.hosted_plugin import Registered
from argent_core.inbound.event_list import EventList
from argent_core.inbound.event_sources import source_names
from argent_core.loop.agent_loop import AgentLoop
from argent_core.loop.approvals import Approvals
from argent_core.loop.history import read_exchanges
from argent_core.loop.model_router import ModelRouter
from argent_core.models import Models
from argent_core.outbound.outbox import Outbox
from argent_core.outbound.reply_list import ReplyList
from argent_core.pairing import NoSuchCode, Pairing
from argent_core.people import Standing
from argent_core.plugin_trust.approval import PluginTrust
from argent_core.trace import Trace
from argent_hookspecs import (
    Approval,
    ArgentError,
    Channel,
    Health,
    HealthCheck,
    ModelProvider,
    PairingRequest,
    Sender,
    Tool,
    Trust,
)

log = logging.getLogger("argent.agent")


@define(eq=False, repr=False)
class KernelAgent:
    """The contract's ``Agent``, over the parts of the kernel.

    Args:
        refusing: Says why no new events are taken; empty if they are.
        delivered: Called when there is something new in the outbox.
        asker: The plugin that asks; empty for the kernel's own commands.
    """

    name: str
    host: PluginHost
    guard: Guard
    events: EventList
    trace_rows: Trace
    loop: AgentLoop
    approval_rows: Approvals
    router: ModelRouter
    outbox: Outbox
    plugin_trust: PluginTrust
    pairing: Pairing
    refusing: Callable[[], str]
    delivered: Callable[[], None]
    asker: str = ""

    @property
    def replies(self) -> ReplyList:
        """The replies on record."""
        return ReplyList(self.outbox)

    async def stop(self, conversation: str | None = None) -> int:
        """Stop the answer being given in a conversation, or in all; return how many."""
        name = conversation and self._named(conversation)
        return await self.loop.stop(name, reason="stopped by the person")

    async def status(self, *, deep: bool = False) -> Mapping[str, Any]:
        """Say how the agent is, in JSON values."""
        for plugin in self.host.plugins.values():
            plugin.forgive()
        storage = self.outbox.database.file.encryption
        status = {
            "agent": self.name,
            "pid": os.getpid(),
            "state": str(self.loop.state),
            "refusing": self.refusing(),
            "models": await self.models(),
            "providers": [found.record.id for found in self.host.registered(ModelProvider)],
            "channels": [found.record.id for found in self.host.registered(Channel)],
            "tools": [found.record.id for found in self.host.registered(Tool)],
            "sources": source_names(self.host),
            "plugins": self.plugins(),
            "unapproved": dict(self.plugin_trust.waiting),
            "drift": [str(drift) for drift in self.plugin_trust.drift],
            "spending": await spending.today(self.outbox.database, self.loop.shop.budget),
            "events": await self.events.count(),
            "replies": await self.outbox.count(),
            "approvals": len(await self.approval_rows.open()),
            "pairings": len(await self.pairing.requests()),
            "storage": {"encrypted": storage.wanted, "astray": storage.astray},
        }
        return {**status, "health": await self.health()} if deep else status

    async def trace(self, conversation: str) -> Mapping[str, Any] | None:
        """Explain the last answer of a conversation."""
        return await self.trace_rows.last(self._named(conversation))

    async def history(self, conversation: str, limit: int = 20) -> Sequence[Mapping[str, Any]]:
        """Return the last exchanges of a conversation, oldest first."""
        name = self._named(conversation)
        exchanges = await self.outbox.database.read(
            lambda tx: read_exchanges(tx, name, limit=limit)
        )
        return [
            {"asked": e.asked, "answered": e.answered, "at": e.at, "private": e.private}
            for e in exchanges
        ]

    async def approvals(self, conversation: str | None = None) -> Sequence[Approval]:
        """Return the tool calls that wait for a person's word."""
        return await self.approval_rows.open(conversation and self._named(conversation))

    async def answer(
        self, approval: str, *, allow: bool, by: str, sender: Sender | None = None, key: str = ""
    ) -> bool:
        """Allow or deny a tool call; False if it no longer waits, or the sender is no owner."""
        if not await self._may_decide(sender):
            return False
        state = "allowed" if allow else "denied"
        settled = await self.approval_rows.answer(approval, state=state, by=by, key=key)
        self.loop.wake()
        return settled

    async def trust(self, sender: Sender) -> Trust:
        """Return how far a sender is trusted; one who was not let in is outside."""
        return await self.pairing.people.trust(sender)

    async def pairings(self) -> Sequence[PairingRequest]:
        """Return who asks to be let in."""
        return await self.pairing.requests()

    async def pair(self, code: str, *, allow: bool, by: str, sender: Sender | None = None) -> bool:
        """Let somebody in, or send them away; False if nobody asks so, or the sender is no owner.

        Whoever is let in so is paired: to make an owner takes a command.
        """
        if not await self._may_decide(sender):
            return False
        try:
            if allow:
                paired = Standing.PAIRED
                await self.pairing.approve(code, standing=paired, by=by, typed=False)
            else:
                await self.pairing.deny(code)
        except NoSuchCode as error:
            log.info("%s did not let anybody in or out: %s", by, error)
            return False
        self.delivered()
        return True

    def _named(self, conversation: str) -> str:
        """Return the kernel's name of a conversation that a plugin names as its channel does."""
        channels = self.host.registered(Channel)
        own = [c.record for c in channels if c.plugin == self.asker]
        paired = [channel.id for channel in own if channel.pairing]
        if len(paired) != 1 or any(conversation.startswith(f"{c.id}:") for c in own):
            return conversation
        return f"{paired[0]}:{conversation}"

    async def _may_decide(self, sender: Sender | None) -> bool:
        """Tell whether somebody may answer for the owner; a channel without senders vouches."""
        return sender is None or await self.trust(sender) is Trust.OWNER

    def plugins(self) -> list[dict[str, Any]]:
        """Say how each plugin is, and why."""
        return [
            {
                "name": plugin.name,
                "state": str(plugin.state),
                "reason": plugin.reason,
                "faults": plugin.faults,
                "distribution": plugin.installed.distribution,
                "version": plugin.installed.version,
                "summary": plugin.loaded.record.summary if plugin.loaded else "",
            }
            for plugin in self.host.plugins.values()
        ]

    async def models(self) -> list[dict[str, Any]]:
        """Say which model serves each tier, what it is good for, how to get a better one."""
        return await Models(self.host, self.guard, self.loop.shop).tiers()

    def idle_settings(self) -> list[Problem]:
        """Return what is set and concerns nothing that is there."""
        tools = [found.record.id for found in self.host.registered(Tool)]
        tiers = [tier.name for tier in self.router.tiers()]
        sources = source_names(self.host)
        return list(idle(self.router.config, tools=tools, tiers=tiers, sources=sources))

    async def health(self) -> list[dict[str, Any]]:
        """Ask every health check, side by side."""
        checks = self.host.registered(HealthCheck)
        return list(await asyncio.gather(*(self._check(found) for found in checks)))

    async def _check(self, found: Registered) -> dict[str, Any]:
        check = found.record
        try:
            health: Health = await self.guard.ask(
                found.plugin,
                partial(_health, check),
                what=f"health check {check.id}",
                timeout=check.timeout,
                expects=Health,
            )
        except ArgentError as error:
            health = Health(False, str(error), "see the log for more")
        return {
            "plugin": found.plugin,
            "check": check.id,
            "ok": health.ok,
            "summary": health.summary,
            "remedy": health.remedy,
        }


async def _health(check: HealthCheck) -> Any:
    """Ask a check, and read what it says while that is still its own doing."""
    health: Any = await check.check()
    return codec.load(codec.dump(health), Health) if isinstance(health, Health) else health
