"""Watching turns, for what they tell about the models."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from attrs import define, field

from argent_hookspecs import (
    Event,
    ModelEscalated,
    Notice,
    PluginContext,
    TurnFinished,
    TurnStarted,
)
from argent_router_learned.outcomes import KEPT, Outcome
from argent_router_learned.router import ROUTER, LearnedRouter

NOTICES = (TurnStarted, ModelEscalated, TurnFinished)
_AGAIN = 600.0
"""Seconds within which the same words are taken as a complaint about the answer."""
_OPEN = 1000


@define(eq=False, repr=False)
class Watch:
    """Turns what happens into outcomes.

    An answer of a weak tier counts as good enough, unless it was escalated or the person asks the
    same again. Whether a weak tier would have done where an able one answered is not known.
    """

    ctx: PluginContext
    _asked: OrderedDict[str, Event] = field(factory=OrderedDict)
    _escalated: dict[str, str] = field(factory=dict)

    async def notify(self, notice: Notice) -> None:
        """Take a notice."""
        router = self.ctx.services.get(ROUTER)
        if isinstance(notice, TurnStarted):
            await self._started(router, notice)
        elif isinstance(notice, ModelEscalated):
            if notice.turn in self._asked:
                self._escalated.setdefault(notice.turn, notice.old)
        elif isinstance(notice, TurnFinished):
            await self._finished(router, notice)

    async def _started(self, router: LearnedRouter, notice: TurnStarted) -> None:
        event = notice.event
        if notice.turn in self._asked or not event.from_person or not event.text.strip():
            return
        self._asked[notice.turn] = event
        while len(self._asked) > _OPEN:
            oldest, _ = self._asked.popitem(last=False)
            self._escalated.pop(oldest, None)
        last = await router.outcomes.last(notice.conversation)
        if last is None or last.turn == notice.turn or last.tier not in router.settings.weak_tiers:
            return
        now = self.ctx.clock.now().timestamp()
        if now - last.at <= _AGAIN and _plain(last.text) == _plain(event.text[:KEPT]):
            await router.outcomes.judge(last.turn, 1.0, said_by="asked again")

    async def _finished(self, router: LearnedRouter, notice: TurnFinished) -> None:
        if notice.state in ("failed", "waiting"):
            return  # it goes on later
        event = self._asked.pop(notice.turn, None)
        old = self._escalated.pop(notice.turn, "")
        if event is None or notice.state != "done":
            return
        trace = await self.ctx.agent.trace(notice.conversation)
        if trace is None or trace["turn"] != notice.turn:
            return
        await self._keep(router, notice, event, trace["route"], old=old)

    async def _keep(
        self,
        router: LearnedRouter,
        notice: TurnFinished,
        event: Event,
        route: Mapping[str, Any],
        *,
        old: str,
    ) -> None:
        text, tier = event.text[:KEPT], old or str(route["tier"])
        table = router.table_score(text)
        if table is None:  # the agent was started anew in the middle of the turn
            table = float(route["factors"].get("table", route["score"] or 0.0))
        gain = 1.0 if old else 0.0 if tier in router.settings.weak_tiers else None
        outcome = Outcome(
            turn=notice.turn,
            at=self.ctx.clock.now().timestamp(),
            conversation=notice.conversation,
            text=text,
            tier=tier,
            table_score=table,
            gain=gain,
            said_by="escalated" if old else "answered",
        )
        await router.outcomes.add(outcome)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
