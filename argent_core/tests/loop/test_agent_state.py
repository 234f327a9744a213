from __future__ import annotations

import itertools

import pytest

from argent_core.loop.agent_state import AgentState, IllegalTransition, StateMachine
from argent_hookspecs import Notice, Observer, StateChanged, ToolCall
from argent_testing import Argent, eventually

from ..demo import Demo

IDLE, PROCESSING = AgentState.IDLE, AgentState.PROCESSING
WAITING_TOOL, RESPONDING = AgentState.WAITING_TOOL, AgentState.RESPONDING

LEGAL = {
    (IDLE, PROCESSING),
    (PROCESSING, WAITING_TOOL),
    (PROCESSING, RESPONDING),
    (PROCESSING, IDLE),
    (WAITING_TOOL, PROCESSING),
    (WAITING_TOOL, RESPONDING),
    (WAITING_TOOL, IDLE),
    (RESPONDING, PROCESSING),
    (RESPONDING, IDLE),
}
CHANGES = set(itertools.permutations(AgentState, 2))


@pytest.mark.parametrize(("old", "new"), sorted(LEGAL))
def test_a_legal_transition_is_made_and_told(old: AgentState, new: AgentState) -> None:
    told: list[tuple[AgentState, AgentState]] = []
    machine = StateMachine(lambda *change: told.append(change), state=old)

    machine.to(new)

    assert machine.state is new
    assert told == [(old, new)]


@pytest.mark.parametrize(("old", "new"), sorted(CHANGES - LEGAL))
def test_any_other_is_an_error_that_says_what_is_legal(old: AgentState, new: AgentState) -> None:
    told: list[tuple[AgentState, AgentState]] = []
    machine = StateMachine(lambda *change: told.append(change), state=old)

    with pytest.raises(IllegalTransition, match=f"{old} → {new} is not legal; from {old}: ") as no:
        machine.to(new)

    assert all(str(legal) in str(no.value) for source, legal in LEGAL if source is old)
    assert (machine.state, told) == (old, [])


@pytest.mark.parametrize("state", AgentState)
def test_the_same_state_again_is_no_change(state: AgentState) -> None:
    told: list[tuple[AgentState, AgentState]] = []
    machine = StateMachine(lambda *change: told.append(change), state=state)

    machine.to(state)

    assert (machine.state, told) == (state, [])


def test_the_states_have_the_names_that_people_know() -> None:
    assert [*AgentState] == ["idle", "processing", "waiting_tool", "responding"]


@pytest.mark.anyio
async def test_a_turn_with_a_tool_goes_through_every_state(argent: Argent) -> None:
    seen: list[tuple[str, str]] = []

    async def watch(notice: Notice) -> None:
        assert isinstance(notice, StateChanged)
        seen.append((notice.old, notice.new))

    observer = Observer(id="watch", notify=watch, kinds=(StateChanged,))
    script = [ToolCall("1", "no_such_tool"), "done"]

    async with argent(plugins=[Demo(observer)], model=script):
        await argent.channel.ask("go")
        await eventually(lambda: len(seen) == 5, what="all changes of state are told")

    assert seen == [
        ("idle", "processing"),
        ("processing", "waiting_tool"),
        ("waiting_tool", "processing"),
        ("processing", "responding"),
        ("responding", "idle"),
    ]
