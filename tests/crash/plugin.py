"""The one plugin of a life: every call of the kernel goes out to the world, and nothing stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from typing import Any

from attrs import define, evolve, field

from argent_hookspecs import (
    FREE,
    Address,
    Approval,
    ApprovalAsked,
    Channel,
    DeliveryDelayed,
    Effect,
    Event,
    Feed,
    Finish,
    FinishReason,
    Message,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRequest,
    ModelTier,
    ModelUnavailable,
    Notice,
    Observer,
    Permission,
    Plugin,
    Receipt,
    Reply,
    ReplyChanged,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
    ToolRun,
    TurnFinished,
    hookimpl,
)
from tests.crash.failpoints import AFTER, BEFORE, Failpoints
from tests.crash.line import Line
from tests.crash.world import ChannelKind

_HEARD = (TurnFinished, ReplyChanged, ApprovalAsked)


@define(eq=False)
class Outside:
    """The way to the world, with a failpoint on each side of every effect."""

    line: Line
    points: Failpoints

    async def effect(self, kind: str, what: str, **facts: Any) -> dict[str, Any]:
        """Have the world do something that it remembers.

        Args:
            kind: ``acknowledge``, ``approve``, ``check``, ``deliver``, ``model`` or ``tool``.
            what: The channel, the tool, the model: each is a place of its own.
            facts: What else the world must know.
        """
        name = f"{kind} {what}"
        self.points.passing(BEFORE, name)
        answer = await self.line.ask(kind, what=what, **facts)
        self.points.passing(AFTER, name)
        return answer


@define(eq=False)
class ChannelEnd:
    """A channel that is open."""

    outside: Outside
    kind: ChannelKind
    acknowledged: dict[str, int]
    looked: Callable[[], Awaitable[None]]

    async def listen(self, feed: Feed) -> None:
        """Take messages, and acknowledge each once the kernel has it."""
        name = self.kind.name
        after = int(feed.cursor or 0) if self.kind.keeps_cursor else None
        while True:
            if after is not None:
                self.acknowledged[name] = after
            found = await self.outside.line.ask("poll", channel=name, after=after)
            for message in found["messages"]:
                after = message["n"]
                event = Event(
                    kind=message["kind"],
                    conversation=f"{name}/{message['chat']}",
                    content=message["text"],
                    sender="owner",
                    trust="owner",
                    dedupe_key=f"{name}:{after}",
                    reply_to=Address(name, message["chat"]),
                )
                await feed.emit(event, cursor=str(after))
                await self.outside.effect("acknowledge", name, n=after)
                self.acknowledged[name] = after
            await self.looked()

    async def deliver(self, reply: Reply) -> Receipt:
        """Hand a reply to the world."""
        answer = await self.outside.effect(
            "deliver", self.kind.name, key=reply.key, text=reply.text, turn=reply.turn
        )
        if "again_in" in answer:
            raise DeliveryDelayed("nobody is there", retry_after=answer["again_in"])
        return Receipt(answer["receipt"])


@define(eq=False)
class WorldPlugin:
    """The plugin.

    Args:
        looked: Awaited whenever the kernel may have nothing more to do.
        answer: Gives the kernel a person's answer: the id of an approval, and whether it is a yes.
        kinds: The channels that it offers.
        decides: Whether it has what needs a person's word decided.
        acknowledged: The newest message of each channel that this life has acknowledged.
    """

    outside: Outside
    looked: Callable[[], Awaitable[None]]
    answer: Callable[[str, bool], Awaitable[None]]
    kinds: tuple[ChannelKind, ...]
    decides: bool
    acknowledged: dict[str, int] = field(factory=dict)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """Have the world answer."""
        messages = [_plain(message) for message in request.messages]
        answer = await self.outside.effect(
            "model", request.model, key=request.key, messages=messages
        )
        if "again_in" in answer:
            raise ModelUnavailable("the model is busy", retry_after=answer["again_in"])
        for call in answer["calls"]:
            yield ToolCall("", call["tool"], {"what": call["what"]})
        if answer["text"]:
            for part in answer["text"].splitlines(keepends=True):
                yield TextDelta(part)
                await asyncio.sleep(answer.get("pause", 0))
        reason = FinishReason.TOOL_CALLS if answer["calls"] else FinishReason.STOP
        yield Finish(reason=reason)

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known of the model."""
        return ModelInfo(id=model, context_window=1_000_000, price=FREE)

    async def run_tool(self, tool: str, what: str, run: ToolRun) -> str:
        """Have the world do it."""
        answer = await self.outside.effect("tool", tool, call=what, key=run.key)
        return str(answer["text"])

    async def check_tool(self, key: str) -> str | None:
        """Ask the world whether it happened."""
        answer = await self.outside.effect("check", str(Effect.QUERYABLE), key=key)
        return None if answer["text"] is None else str(answer["text"])

    async def decide(self, approval: Approval) -> None:
        """Have the world answer for the person."""
        call = approval.arguments["what"]
        said = await self.outside.effect("approve", approval.tool, call=call)
        await self.answer(approval.id, said["allow"])

    async def hear(self, notice: Notice) -> None:
        """Answer what is asked, or look whether that was all."""
        if isinstance(notice, ApprovalAsked) and self.decides:
            await self.decide(notice.approval)
        else:
            await self.looked()

    @hookimpl
    def argent_plugin(self) -> Plugin:
        """Say who it is."""
        return Plugin(summary="The world outside.")

    @hookimpl
    def argent_model_providers(self) -> list[ModelProvider]:
        """Offer the world as the model."""
        return [ModelProvider(id="world", open=lambda: nullcontext(self))]

    @hookimpl
    def argent_model_tiers(self) -> list[ModelTier]:
        """Offer one tier."""
        return [ModelTier(id="world", name="local", below=0.3, provider="world", model="world")]

    @hookimpl
    def argent_channels(self) -> list[Channel]:
        """Offer the channels."""
        ends = [ChannelEnd(self.outside, k, self.acknowledged, self.looked) for k in self.kinds]
        return [_channel(end) for end in ends]

    @hookimpl
    def argent_observers(self) -> list[Observer]:
        """Watch for the end of turns and replies."""
        return [Observer(id="world", notify=self.hear, kinds=_HEARD)]

    @hookimpl
    def argent_tools(self) -> list[Tool]:
        """Offer one tool of each effect, and one that needs a person's word."""
        asking = evolve(self._tool(Effect.BLIND, "asking"), permission=Permission.ASK)
        return [asking, *(self._tool(effect, str(effect)) for effect in Effect)]

    def _tool(self, effect: Effect, name: str) -> Tool:
        async def run_it(what: str, run: ToolRun) -> str:
            return await self.run_tool(name, what, run)

        check = self.check_tool if effect is Effect.QUERYABLE else None
        return Tool(id=name, description="Does it.", run=run_it, effect=effect, check=check)


def _channel(end: ChannelEnd) -> Channel:
    return Channel(id=end.kind.name, open=lambda: nullcontext(end), idempotent=end.kind.idempotent)


def _plain(message: Message) -> dict[str, Any]:
    return {
        "role": str(message.role),
        "text": "\n".join(part.text for part in message.parts if isinstance(part, Text)),
        "calls": [part.arguments["what"] for part in message.parts if isinstance(part, ToolCall)],
        "results": [part.text for part in message.parts if isinstance(part, ToolResult)],
    }
