from __future__ import annotations

import pytest

from argent_hookspecs import Effect, Permission, Tool, tool


async def look(place: str) -> str:
    "Look at a place."
    return f"nothing at {place}"


def test_a_plain_function_becomes_a_careful_tool() -> None:
    made = tool(look)

    assert (made.id, made.description, made.run) == ("look", "Look at a place.", look)
    assert made.effect is Effect.BLIND
    assert made.permission is Permission.ALLOW


def test_a_tool_says_what_a_second_run_would_mean_and_who_may_use_it() -> None:
    made = tool(effect=Effect.QUERYABLE, permission=Permission.ASK, hints=("see",), timeout=5)(look)

    assert made.effect is Effect.QUERYABLE
    assert made.permission is Permission.ASK
    assert (made.hints, made.timeout) == (("see",), 5)


@pytest.mark.parametrize("name", ["", "Look", "look-up", "9lives", "l" * 65, "look\n"])
def test_a_name_that_a_model_provider_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must match regex"):
        Tool(id=name, description="Look.", run=look)
