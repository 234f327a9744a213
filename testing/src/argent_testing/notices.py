"""One of each kind of notice, to show to observers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from argent_hookspecs import (
    Address,
    Approval,
    ApprovalAsked,
    BudgetReached,
    Draft,
    Event,
    ModelEscalated,
    Notice,
    PairingAsked,
    PairingRequest,
    Progress,
    ReplyChanged,
    Sender,
    StateChanged,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)


def sample_notices(*, turn: str = "turn", conversation: str = "contract") -> list[Notice]:
    """Return one notice of every kind, in the order of a turn."""
    to = Address("contract", "contract")
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    approval = Approval(
        id="approval",
        turn=turn,
        conversation=conversation,
        tool="calc",
        arguments={"expression": "1+1"},
        expires_at=in_an_hour,
    )
    pairing = PairingRequest(
        code="AB12CD",
        sender=Sender("contract", "7"),
        name="Ada",
        to=to,
        group=False,
        expires_at=in_an_hour,
    )
    event = Event(conversation=conversation, content="1+1?", reply_to=to)
    return [
        PairingAsked(request=pairing),
        TurnStarted(turn=turn, conversation=conversation, event=event),
        StateChanged(turn=turn, conversation=conversation, old="idle", new="processing"),
        ApprovalAsked(approval=approval, to=to),
        ToolStarted(turn=turn, conversation=conversation, tool="calc", arguments={}),
        ToolFinished(turn=turn, conversation=conversation, tool="calc", text="2", is_error=False),
        Progress(plugin="contract", activity="counting", done=1, total=2, unit="numbers"),
        ModelEscalated(
            turn=turn,
            conversation=conversation,
            old="fast",
            new="balanced",
            reason="it is empty",
        ),
        BudgetReached(cap="today", share=0.5, spent=2.6, limit=5.0),
        Draft(turn=turn, conversation=conversation, to=to, text="It is"),
        TurnFinished(turn=turn, conversation=conversation, to=to, state="done", text="It is 2."),
        ReplyChanged(turn=turn, conversation=conversation, key=f"{turn}-0", state="sent"),
    ]
