"""A turn: one event, dealt with.

assemble context → choose model → stream → run tools (repeat) → deliver
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from attrs import define, evolve, field

from argent_core import codec
from argent_core.inbound.journal import Lease
from argent_core.loop import turn_store
from argent_core.loop.agent_state import AgentState, StateMachine
from argent_core.loop.attachments import in_words, is_passed_on
from argent_core.loop.deadline import Deadline
from argent_core.loop.filters import Rejected
from argent_core.loop.model_calls import ModelCalls
from argent_core.loop.model_stream import ModelAnswer
from argent_core.loop.steps import Steps
from argent_core.loop.tool_turn import ToolTurn
from argent_core.loop.turn_store import Ending
from argent_core.loop.workshop import Workshop
from argent_hookspecs import (
    CUT,
    Approval,
    ApprovalAsked,
    ArgentError,
    Draft,
    Event,
    File,
    FinishReason,
    Message,
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
_CUT = f"\n\n{CUT}it reached the model's limit.)"
_OTHER = "\n\n(This is from {}, as {} could not answer{})"
_SHORT = f"\n\n{CUT}the budget left room for no more.)"


@define(eq=False, repr=False)
class AgentTurn:
    """One turn. Run it once.

    Args:
        deadline: When it has to be over.
        text: The answer so far, as it may be told.
        calls: Its model calls, once it is known which model to ask.
        heard: What was asked, as filters let it pass.
        refusal: Why what the person wanted of the agent itself was not done; empty if it was.
        is_last: Whether it has ended and no more events wait in its conversation.
    """

    shop: Workshop
    lease: Lease
    steps: Steps
    deadline: Deadline
    state: StateMachine = field(init=False)
    text: str = ""
    calls: ModelCalls | None = None
    heard: list[Event] = field(factory=list)
    refusal: str = ""
    is_last: bool = False
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
        told = await self.shop.commands.answer(event)
        if told is not None:
            self.refusal = self.shop.clean(told.text) if told.refused else ""
            return await self._deliver(told.text)
        event, wish = await self.shop.commands.wish(event)
        private = await turn_store.keep_private(
            self.shop.journal, self.lease, wished=self.shop.router.is_private(wish)
        )
        self.heard.append(event)
        now = self.shop.journal.clock.now()
        gathered = await self.shop.context.gather(event, now, private=private, turn=self.lease.id)
        calls = self.calls = ModelCalls(
            self.shop,
            self.lease,
            self.steps,
            gathered,
            await self.shop.router.plan(gathered, wish=wish, private=private),
            self.deadline,
            tell=self._draft,
            ask=self._ask,
        )
        tools = ToolTurn(
            lease=self.lease,
            steps=self.steps,
            told=list(gathered.told),
            private=private or gathered.has_private,
            on_ask=self._ask,
        )
        for _ in range(self.shop.max_steps):
            answer = await self._ask_model(calls, may_call=not tools.goes_round)
            if not answer.calls:
                break
            await self._run_tools(tools, answer.calls)
            await self._take_steering()
            self.state.to(AgentState.PROCESSING)
        else:
            answer = await self._ask_model(calls, may_call=False)
        files = tuple(tools.files.values())
        return await self._deliver(_whole(answer), note=_instead(calls, answer), files=files)

    async def _ask_model(self, calls: ModelCalls, *, may_call: bool) -> ModelAnswer:
        """Ask for the next answer, and note what it said."""
        answer, step = await calls.answer(self._said, may_call=may_call)
        count = itertools.count()
        parts = tuple(
            _numbered(part, step.n, next(count)) if isinstance(part, ToolCall) else part
            for part in answer.parts
        )
        self._said.append(Message(Role.ASSISTANT, parts or (Text(""),)))
        return evolve(answer, parts=parts)

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
                if self.shop.commands.needs_own_turn(event) or _brings_files(event):
                    break
                try:
                    seen = await self.shop.filters.event(event)
                except ArgentError:
                    break  # it gets a turn of its own, which ends as its filter wants
                if seen.trust is not event.trust or is_passed_on(seen):
                    break  # its words may not go among those of a turn that is trusted otherwise
                passed.append((seq, seen))
            if passed:
                events = [event for _, event in passed]
                await self.steps.steer([seq for seq, _ in passed], events)
                self._hear(events)

    def _hear(self, events: Sequence[Event]) -> None:
        for event in events:
            self.shop.publish(TurnStarted(**self._here, event=event))
        last, words = self._said.pop(), "\n".join(in_words(event) for event in events)
        self._said.append(Message(Role.USER, (*last.parts, Text(words))))
        self.heard += events

    async def _deliver(self, text: str, *, note: str = "", files: tuple[File, ...] = ()) -> str:
        """Send an answer and end the turn; a note goes with it, but is no part of what was said."""
        self.state.to(AgentState.RESPONDING)
        text += note
        reply, held = await self._make_reply(text, files)
        self.text = "" if held else text if reply is None else reply.text
        # A model that read the note among earlier answers would write such notes itself.
        said = self.text.removesuffix(note)
        ending = Ending(
            state="done",
            heard=self.heard,
            answer=said,
            reason=self.refusal,
            reply=reply,
            held=held,
            longest=self.shop.longest(self.lease.event.reply_to),
        )
        more = await turn_store.finish(self.shop.journal, self.lease, ending=ending)
        self.is_last = not more
        self.state.to(AgentState.IDLE)
        return self.text

    async def _make_reply(self, text: str, files: tuple[File, ...]) -> tuple[Reply | None, str]:
        """Make the reply, as filters let it pass; held back, with a reason, if they do not."""
        reply = reply_to(self.lease, text)
        if reply is None:
            return None, ""
        try:
            return await self.shop.filters.reply(evolve(reply, files=files)), ""
        except Rejected as error:
            return reply, self.shop.clean(str(error))

    def _draft(self, text: str) -> None:
        """Tell the answer so far, unless a filter is to see the whole of it first."""
        if self.shop.filters.look_at_replies:
            return
        self.text = text
        self.shop.publish(Draft(**self._here, to=self.lease.event.reply_to, text=text))

    def _ask(self, approval: Approval) -> None:
        self.shop.publish(ApprovalAsked(approval=approval, to=approval.to))

    def _state_changed(self, old: AgentState, new: AgentState) -> None:
        self.shop.publish(StateChanged(**self._here, old=str(old), new=str(new)))

    @property
    def _here(self) -> dict[str, str]:
        return {"turn": self.lease.id, "conversation": self.lease.event.conversation}


def _numbered(call: ToolCall, step: int, place: int) -> ToolCall:
    """Give a call an id and a name that every provider takes back, as they came or not.

    Mistral wants nine letters and digits; OpenAI wants names of 64 letters, digits, _ and -.
    """
    name = re.sub(r"[^A-Za-z0-9_-]", "_", call.name)[:64] or "_"
    return evolve(call, id=f"c{step:05}{place:03}", name=name)


def _brings_files(event: Event) -> bool:
    """Tell whether something came with an event that is looked into when its turn begins."""
    return any(isinstance(part, File) for part in event.content)


def _whole(answer: ModelAnswer) -> str:
    """Return what is said to the person; an answer that is not whole says so."""
    text = answer.text if answer.text.strip() else _EMPTY
    if answer.reason is not FinishReason.LENGTH:
        return text
    return text + (_SHORT if answer.shortened else _CUT)


def _instead(calls: ModelCalls, answer: ModelAnswer) -> str:
    """Return the words that an answer is of another tier than is due; none if it is not."""
    other = calls.plan.other_than_due(answer.tier)
    why = f": {calls.trouble}" if calls.trouble else "."
    return _OTHER.format(*other, why) if other else ""


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
