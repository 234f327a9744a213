"""Tools: from a model's wish to a result, with permission, on record, at most once.

A tool whose outcome is uncertain is dealt with by its effect. An idempotent one that was
interrupted is run again with the same key; one that hung or broke has failed. A queryable one is
asked, and a blind one is never run again by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from argent_core import codec, file_uses
from argent_core.config import ToolsSettings
from argent_core.guard import Guard, attempt
from argent_core.host import PluginHost
from argent_core.hosted_plugin import Registered
from argent_core.loop import approvals, signatures, tool_results, turn_store
from argent_core.loop.approvals import ApprovalNeeded, Approvals, call_hash
from argent_core.loop.filters import Filters, Rejected
from argent_core.loop.labels import labelled
from argent_core.loop.signatures import Signature
from argent_core.loop.steps import Step
from argent_core.loop.tool_policy import ToolPolicy
from argent_core.loop.tool_results import Outcome
from argent_core.loop.tool_turn import SAME_CALLS, ToolTurn
from argent_hookspecs import (
    ArgentError,
    Effect,
    Event,
    FromOutside,
    Permission,
    Tool,
    ToolCall,
    ToolError,
    ToolResult,
    ToolRun,
    ToolSpec,
    Transaction,
    Trust,
)

log = logging.getLogger("argent.tools")

_UNKNOWN = (
    "The outcome of this call is unknown: {reason}. It may have happened. It is not run again by "
    "itself; tell the person, and ask before you try again."
)


@frozen
class BoundTool:
    """A tool that can be called: whose it is, what it is, what it takes."""

    plugin: str
    tool: Tool
    signature: Signature


@define(eq=False, repr=False)
class Tools:
    """The tools of all plugins that run."""

    host: PluginHost
    guard: Guard
    filters: Filters
    approvals: Approvals
    settings: ToolsSettings
    results: Path
    redact: Callable[[str], str]
    _bound: dict[str, BoundTool] = field(factory=dict)

    @property
    def _policy(self) -> ToolPolicy:
        return ToolPolicy(self.settings)

    def plugin_started(self, plugin: str, records: Sequence[Registered]) -> None:
        """Read the signatures of a plugin's tools; one that cannot be read is left out."""
        for found in records:
            if isinstance(found.record, Tool):
                outcome = attempt(signatures.read, found.record)
                if outcome.error is not None:
                    self.host.blame(plugin, f"tool {found.record.id} is left out: {outcome.error}")
                else:
                    self._bound[found.record.id] = BoundTool(plugin, found.record, outcome.get())

    async def plugin_stopping(self, plugin: str) -> None:
        """Forget a plugin's tools."""
        self._bound = {k: b for k, b in self._bound.items() if b.plugin != plugin}

    def offered(self, event: Event | None = None) -> list[BoundTool]:
        """Return the tools that may be shown, sorted; in the turn of an event, if it is given."""
        known = [self._bound.get(found.record.id) for found in self.host.registered(Tool)]
        return [
            bound
            for bound in known
            if bound is not None
            and self._policy.of(bound.tool) is not Permission.DENY
            and self._policy.is_for(event, bound.tool)
        ]

    def specs(self, event: Event) -> tuple[ToolSpec, ...]:
        """Return what the model is shown of them."""
        return tuple(bound.signature.spec for bound in self.offered(event))

    async def run(self, turn: ToolTurn, call: ToolCall) -> ToolResult:
        """Deal with one call of a model; the result may say that it was not done, and why.

        Raises:
            ApprovalNeeded: A person was asked; the turn waits.
            LeaseLost: The event is no longer this turn's.
        """
        result = await self._run(turn, call)
        turn.take(result)
        return result

    async def _run(self, turn: ToolTurn, call: ToolCall) -> ToolResult:
        digest = call_hash(call)
        turn.calls[digest] = turn.calls.get(digest, 0) + 1
        recorded = turn.steps.recorded("tool")
        if recorded is not None:
            return await self._resume(turn, recorded, call)
        answered = await self.approvals.find(turn.lease.id, call.id)
        if answered is not None and answered.state == "open":
            raise ApprovalNeeded(answered.id)
        if answered is not None and answered.state != "allowed":
            return await self._refuse(turn, call, f"the person did not allow it ({answered.state})")
        approval = answered.id if answered is not None else ""
        try:
            if answered is not None:
                bound = await self._fitting(answered.call, turn.event)
                call = answered.call
            else:
                bound, call = await self._admit(turn, call)
        except ToolError as error:
            return await self._refuse(turn, call, str(error))
        return await self._execute(turn, bound, call, approval=approval)

    async def demand_fit(self, call: ToolCall) -> None:
        """Check that there is a tool for a call, and that it fits. Raises ``ToolError``."""
        await self._fitting(call)

    async def _admit(self, turn: ToolTurn, call: ToolCall) -> tuple[BoundTool, ToolCall]:
        """Check a call before anything happens. Raises ``ToolError`` if it may not be made."""
        self._refuse_loop(turn, call)
        await self._fitting(call, turn.event)
        call = await self._filter(call)
        bound = await self._fitting(call, turn.event)
        permission = self._policy.permission(bound.tool, turn.told)
        if permission is Permission.DENY:
            raise ToolError(f"{call.name} is not allowed here")
        if permission is Permission.ASK:
            turn.on_ask(await self.approvals.ask(turn.lease, call))
            raise ApprovalNeeded(call.id)
        return bound, call

    def _refuse_loop(self, turn: ToolTurn, call: ToolCall) -> None:
        if turn.calls[call_hash(call)] > SAME_CALLS:
            raise ToolError(
                f"{call.name} was called with the same arguments {SAME_CALLS} times in this turn; "
                "use the results you have, or do something else"
            )

    async def _find(self, name: str) -> BoundTool | None:
        """Find a tool; while a plugin that may bring it is on its way up, wait for that."""
        while name not in self._bound and self.host.starting:
            await self.host.next_one_up()
        return self._bound.get(name)

    async def _fitting(self, call: ToolCall, event: Event | None = None) -> BoundTool:
        """Find the tool of a call that fits it, in the turn of an event. Raises ``ToolError``."""
        bound = await self._find(call.name)
        if bound is None or not self._policy.is_for(event, bound.tool):
            known = ", ".join(b.tool.id for b in self.offered(event)) or "none"
            raise ToolError(f"there is no tool {call.name!r}; the tools are: {known}")
        bound.signature.bind(call.arguments, ToolRun(key="", conversation=""))
        return bound

    async def _filter(self, call: ToolCall) -> ToolCall:
        try:
            passed = await self.filters.tool_call(call)
        except Rejected as error:
            raise ToolError(f"{call.name} was not allowed: {error}") from error
        return ToolCall(call.id, passed.name, passed.arguments)

    async def _refuse(self, turn: ToolTurn, call: ToolCall, reason: str) -> ToolResult:
        step = await turn.steps.begin("tool", call.name, request=call)
        result = ToolResult(call.id, call.name, reason, is_error=True)
        await turn.steps.end(step, "failed", result=result)
        return result

    async def _execute(
        self, turn: ToolTurn, bound: BoundTool, call: ToolCall, *, approval: str = ""
    ) -> ToolResult:
        durable = bound.tool.effect is not Effect.IDEMPOTENT
        use = partial(approvals.use, id=approval) if approval else None
        step = await turn.steps.begin("tool", call.name, request=call, durable=durable, also=use)
        return await self._try(turn, bound, step, call)

    async def _try(
        self, turn: ToolTurn, bound: BoundTool, step: Step, call: ToolCall
    ) -> ToolResult:
        try:
            # Its plugin may have been restarted while the call was put on record.
            bound = await self._fitting(call, turn.event)
            arguments = bound.signature.bind(call.arguments, turn.run(step.key))
            value = await self.guard.ask(
                bound.plugin,
                partial(bound.tool.run, **arguments),
                what=f"tool {bound.tool.id}",
                timeout=bound.tool.timeout,
            )
        except ToolError as error:
            outside = bound.tool.outside  # it may tell what a page said
            came = Outcome(text=str(error), state="failed", outside=outside)
            return await self._record(turn, step, call, came)
        except ArgentError as error:
            return await self._uncertain(turn, bound, step, call, reason=str(error))
        found = attempt(partial(tool_results.returned, value, outside=bound.tool.outside))
        if found.error is not None:
            reason = f"it ran, but what it returned cannot be shown: {found.error}"
            self.guard.on_fault(bound.plugin, f"tool {bound.tool.id}: {reason}")
            return await self._record(turn, step, call, Outcome(text=reason, state="failed"))
        return await self._record(turn, step, call, found.get())

    async def _resume(self, turn: ToolTurn, step: Step, call: ToolCall) -> ToolResult:
        """Take up a call that an earlier run of the kernel began."""
        if step.state != "intent":
            return codec.structure(step.result, ToolResult)
        call = codec.structure(step.request, ToolCall)
        bound = await self._find(call.name)
        if bound is not None and bound.tool.effect is Effect.IDEMPOTENT:
            return await self._try(turn, bound, step, call)
        reason = "Argent was interrupted in the middle of it"
        return await self._uncertain(turn, bound, step, call, reason=reason)

    async def _uncertain(
        self, turn: ToolTurn, bound: BoundTool | None, step: Step, call: ToolCall, *, reason: str
    ) -> ToolResult:
        """Deal with a call of which nobody knows whether it happened."""
        record = partial(self._record, turn, step, call)
        outside = bound is not None and bound.tool.outside
        if bound is not None and bound.tool.effect is Effect.IDEMPOTENT:
            return await record(Outcome(text=reason, state="failed", outside=outside))
        check = bound.tool.check if bound is not None else None
        if bound is not None and check is not None:
            outcome = await self._happened(bound, check, step.key)
            if isinstance(outcome, ToolError):
                text = f"{reason}; it did not happen"
                return await record(Outcome(text=text, state="failed", outside=outside))
            if isinstance(outcome, str):
                outside = outside or isinstance(outcome, FromOutside)
                return await record(Outcome(text=outcome, state="done", outside=outside))
        text = _UNKNOWN.format(reason=reason)
        return await record(Outcome(text=text, state="unknown", outside=outside))

    async def _happened(
        self, bound: BoundTool, check: Callable[[str], Any], key: str
    ) -> str | ToolError | None:
        """Ask a tool for the result of a call: text, an error if it never was, None if unclear."""
        try:
            found: str | None = await self.guard.ask(
                bound.plugin,
                partial(check, key),
                what=f"check of tool {bound.tool.id}",
                timeout=bound.tool.timeout,
                expects=(str, type(None)),
            )
        except ArgentError as error:
            log.warning("it is not clear whether %s happened: %s", bound.tool.id, error)
            return None
        return ToolError("it never happened") if found is None else found

    async def _record(
        self, turn: ToolTurn, step: Step, call: ToolCall, came: Outcome
    ) -> ToolResult:
        # Redacted before it is cut, so that no part of a secret is left over.
        text = self.redact(came.text)
        limit, path = self.settings.result_limit, self.results / f"{step.key}.txt"
        if len(text) > limit:
            text = await asyncio.to_thread(tool_results.shorten, text, path, limit=limit)
        if came.outside:
            text = labelled(Trust.OUTSIDE, text, source=call.name)
        failed = came.state != "done"
        result = ToolResult(
            call.id, call.name, text, failed, outside=came.outside, files=came.files
        )

        def also(tx: Transaction) -> None:
            file_uses.record(tx, turn.lease.id, parts=came.files)
            if came.outside:
                turn_store.mark_outside(tx, turn.lease.id)

        await turn.steps.end(step, came.state, result=result, also=also)
        return result
