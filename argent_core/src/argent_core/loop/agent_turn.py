"""A turn: one event, dealt with.

assemble context → choose model → stream → run tools (repeat) → deliver
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import define, evolve, field, frozen

from argent_core import codec
from argent_core.inbound.journal import Journal, Lease
from argent_core.loop import turn_store
from argent_core.loop.agent_state import AgentState, StateMachine
from argent_core.loop.context import Context, FittedContext, GatheredContext, fit
from argent_core.loop.filters import Filters, Rejected
from argent_core.loop.model_router import ModelRouter, Route
from argent_core.loop.model_stream import ModelAnswer, ModelStream, cost
from argent_core.loop.steps import Step, Steps
from argent_core.loop.tokens import estimate
from argent_core.loop.tools import Tools, ToolTurn
from argent_core.loop.turn_store import Ending
from argent_hookspecs import (
    Approval,
    ApprovalAsked,
    ArgentError,
    ContextTooLong,
    Draft,
    Event,
    FinishReason,
    Message,
    ModelRequest,
    Notice,
    Reply,
    Role,
    StateChanged,
    Text,
    ToolCall,
    ToolFinished,
    ToolStarted,
    TurnStarted,
)

_EMPTY = "(The model gave no answer.)"
_CUT = "\n\n(The answer was cut here: it reached the model's limit.)"
_SHRINK = (1.0, 0.6, 0.3)


@frozen(kw_only=True, repr=False)
class Workshop:
    """What every turn works with.

    Args:
        redact: Takes secrets out of a text.
        make_room: Called when the disk is too full to go on.
    """

    journal: Journal
    filters: Filters
    context: Context
    router: ModelRouter
    model_stream: ModelStream
    tools: Tools
    max_steps: int
    publish: Callable[[Notice], None]
    redact: Callable[[str], str]
    make_room: Callable[[], None]

    def clean(self, reason: str) -> str:
        """Return a reason as it may be stored and told to anybody."""
        return self.redact(reason).encode(errors="replace").decode()


@define(eq=False, repr=False)
class AgentTurn:
    """One turn. Run it once.

    Args:
        text: The answer so far, as it may be told.
        model_plugin: The plugin whose model is asked.
        heard: What was asked, as filters let it pass.
    """

    shop: Workshop
    lease: Lease
    steps: Steps
    state: StateMachine = field(init=False)
    text: str = ""
    model_plugin: str = ""
    heard: list[Event] = field(factory=list)
    _said: list[Message] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.state = StateMachine(self._state_changed)

    async def run(self) -> str:
        """Deal with the event, finish it, and return what was answered.

        Raises:
            ApprovalNeeded: It goes on when a person has spoken.
            ArgentError: It failed; the event is still leased.
        """
        await self.steps.load()
        self.state.to(AgentState.PROCESSING)
        event = await self.shop.filters.event(self.lease.event)
        self.heard.append(event)
        gathered = await self.shop.context.gather(event, self.shop.journal.clock.now())
        plan = await self.shop.router.plan(gathered)
        route = await self.shop.router.open(plan, plan.tiers[0])
        self.model_plugin = route.provider.plugin
        tools = ToolTurn(
            lease=self.lease,
            steps=self.steps,
            touched_from_outside=gathered.touched_from_outside,
            on_ask=self._ask,
        )
        for _ in range(self.shop.max_steps):
            answer = await self._stream(gathered, route, with_tools=not tools.goes_round)
            if not answer.calls:
                break
            await self._run_tools(tools, answer.calls)
            await self._take_steering()
            self.state.to(AgentState.PROCESSING)
        else:
            answer = await self._stream(gathered, route, with_tools=False)
        return await self._deliver(_whole(answer))

    async def _stream(
        self, gathered: GatheredContext, route: Route, *, with_tools: bool
    ) -> ModelAnswer:
        """Make one model call, or take its outcome from the record; note what it said."""
        step = self.steps.recorded("model")
        if step is not None and step.state == "done":
            answer = codec.structure(step.result, ModelAnswer)
        else:
            answer, step = await self._call_model(gathered, route, step, with_tools=with_tools)
        calls = tuple(
            ToolCall(f"call-{step.n}-{i}", call.name, call.arguments)
            for i, call in enumerate(answer.calls)
        )
        self._said.append(Message(Role.ASSISTANT, (*answer.thinking, Text(answer.text), *calls)))
        return evolve(answer, calls=calls)

    async def _call_model(
        self, gathered: GatheredContext, route: Route, step: Step | None, *, with_tools: bool
    ) -> tuple[ModelAnswer, Step]:
        """Ask the model, with less context each time that it says there is too much."""
        for share in _SHRINK:
            try:
                request, fitted = self._request(gathered, route, share, with_tools=with_tools)
            except ContextTooLong:
                if share == _SHRINK[0]:
                    raise
                break  # the event alone is larger than this share of the window
            explain = turn_store.explanation(self.lease, route=route, blocks=fitted.blocks)
            if step is None:
                summary = {
                    "model": request.model,
                    "exchanges": fitted.exchanges,
                    "messages": request.messages[2 * fitted.exchanges :],
                }
                step = await self.steps.begin("model", request.model, request=summary, also=explain)
            else:
                await self.shop.journal.database.write(explain)
            try:
                answer = await self.shop.model_stream.answer(
                    route.provider, evolve(request, key=step.key), on_text=self._draft
                )
            except ContextTooLong:
                continue
            used = (answer.usage.input_tokens, answer.usage.output_tokens)
            spent = cost(answer.usage, route.info.price)
            await self.steps.end(step, "done", result=answer, tokens=used, cost=spent)
            return answer, step
        raise ContextTooLong("the message does not fit the model's window; shorten it")

    def _request(
        self, gathered: GatheredContext, route: Route, share: float, *, with_tools: bool
    ) -> tuple[ModelRequest, FittedContext]:
        specs = self.shop.tools.specs() if with_tools else ()
        said = sum(estimate(codec.dump(message)) for message in self._said)
        fitted = fit(
            gathered,
            window=int(route.info.context_window * share),
            output=route.max_output,
            tools=specs,
            turn_tokens=said,
        )
        request = ModelRequest(
            model=route.tier.model,
            system=fitted.system,
            messages=(*fitted.messages, *self._said),
            tools=specs,
            max_output_tokens=route.max_output,
            stable=2 * fitted.exchanges,
        )
        return request, fitted

    async def _run_tools(self, turn: ToolTurn, calls: Sequence[ToolCall]) -> None:
        self.state.to(AgentState.WAITING_TOOL)
        results = []
        for call in calls:
            self.shop.publish(ToolStarted(**self._here, tool=call.name, arguments=call.arguments))
            result = await self.shop.tools.run(turn, call)
            self.shop.publish(
                ToolFinished(
                    **self._here, tool=call.name, text=result.text, is_error=result.is_error
                )
            )
            results.append(result)
        self._said.append(Message(Role.USER, tuple(results)))

    async def _take_steering(self) -> None:
        """Give the model what the person has said in between."""
        step = self.steps.recorded("steer")
        if step is not None:
            self._hear(codec.structure(step.request, list[Event]))
        elif not self.steps.replaying:
            passed: list[tuple[int, Event]] = []
            for seq, event in await self.shop.journal.steering(self.lease):
                try:
                    seen = await self.shop.filters.event(event)
                except ArgentError:
                    break  # it gets a turn of its own, which ends as its filter wants
                if seen.trust is not event.trust:
                    break  # its words may not go among those of a turn that is trusted otherwise
                passed.append((seq, seen))
            if passed:
                events = [event for _, event in passed]
                await self.steps.steer([seq for seq, _ in passed], events)
                self._hear(events)

    def _hear(self, events: Sequence[Event]) -> None:
        for event in events:
            self.shop.publish(TurnStarted(**self._here, event=event))
        last, words = self._said.pop(), [Text(event.text) for event in events]
        self._said.append(Message(Role.USER, (*last.parts, *words)))
        self.heard += events

    async def _deliver(self, text: str) -> str:
        self.state.to(AgentState.RESPONDING)
        reply, held = await self._make_reply(text)
        self.text = "" if held else text if reply is None else reply.text
        ending = Ending(state="done", heard=self.heard, answer=self.text, reply=reply, held=held)
        await turn_store.finish(self.shop.journal, self.lease, ending=ending)
        self.state.to(AgentState.IDLE)
        return self.text

    async def _make_reply(self, text: str) -> tuple[Reply | None, str]:
        """Make the reply, as filters let it pass; held back, with a reason, if they do not."""
        reply = reply_to(self.lease, text)
        if reply is None:
            return None, ""
        try:
            return await self.shop.filters.reply(reply), ""
        except Rejected as error:
            return reply, self.shop.clean(str(error))

    def _draft(self, text: str) -> None:
        """Tell the answer so far, unless a filter is to see the whole of it first."""
        if self.shop.filters.look_at_replies:
            return
        self.text = text
        self.shop.publish(Draft(**self._here, to=self.lease.event.reply_to, text=text))

    def _ask(self, approval: Approval) -> None:
        self.shop.publish(ApprovalAsked(approval=approval, to=self.lease.event.reply_to))

    def _state_changed(self, old: AgentState, new: AgentState) -> None:
        self.shop.publish(StateChanged(**self._here, old=str(old), new=str(new)))

    @property
    def _here(self) -> dict[str, str]:
        return {"turn": self.lease.id, "conversation": self.lease.event.conversation}


def _whole(answer: ModelAnswer) -> str:
    """Return what is said to the person; an answer that is not whole says so."""
    text = answer.text if answer.text.strip() else _EMPTY
    return text + _CUT if answer.reason is FinishReason.LENGTH else text


def reply_to(lease: Lease, text: str) -> Reply | None:
    """Make the reply to an event, or None if it has nowhere to go."""
    if lease.event.reply_to is None:
        return None
    return Reply(
        key=f"{lease.id}-0",
        to=lease.event.reply_to,
        text=text,
        turn=lease.id,
        conversation=lease.event.conversation,
    )
