from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_hookspecs import DEFAULT_PRIORITIES, Event, Priority, Text, Trust

texts = st.builds(Text, st.text())


@given(st.text())
def test_a_plain_string_is_one_text_part(words: str) -> None:
    event = Event(conversation="c", content=words)

    assert event.content == (Text(words),)
    assert event.text == words


@given(st.lists(texts))
def test_parts_are_kept_in_order_whatever_holds_them(parts: list[Text]) -> None:
    event = Event(conversation="c", content=parts)  # type: ignore[arg-type]

    assert event.content == tuple(parts)
    assert event.text == "\n".join(part.text for part in parts)
    assert hash(event.content) == hash(tuple(parts))


@given(st.sampled_from(Priority))
def test_a_priority_may_be_given_by_rank_or_by_name(priority: Priority) -> None:
    by_rank = Event(conversation="c", priority=int(priority))

    assert by_rank == Event(conversation="c", priority=priority)
    assert by_rank.effective_priority is priority


@given(st.integers().filter(lambda rank: rank not in range(5)))
def test_a_rank_that_does_not_exist_is_refused(rank: int) -> None:
    with pytest.raises(ValueError, match="not a valid Priority"):
        Event(conversation="c", priority=rank)


@given(st.text().filter(lambda word: word not in set(Trust)))
def test_an_unknown_trust_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="not a valid Trust"):
        Event(conversation="c", trust=word)


def test_priorities_are_served_in_this_order() -> None:
    names = [priority.name.lower() for priority in sorted(Priority)]

    assert names == ["urgent", "high", "normal", "low", "background"]


@pytest.mark.parametrize(
    ("kind", "priority"),
    [
        ("message", Priority.NORMAL),
        ("task", Priority.HIGH),
        ("heartbeat", Priority.LOW),
        ("calendar", Priority.URGENT),
        ("webhook", Priority.NORMAL),
        ("a kind of a plugin's own", Priority.NORMAL),
    ],
)
def test_a_kind_has_its_own_priority_until_the_source_says_otherwise(
    kind: str, priority: Priority
) -> None:
    assert Event(kind=kind, conversation="c").effective_priority is priority
    said = Event(kind=kind, conversation="c", priority=Priority.BACKGROUND)
    assert said.effective_priority is Priority.BACKGROUND


def test_the_default_priorities_cannot_be_changed_by_a_plugin() -> None:
    with pytest.raises(TypeError):
        DEFAULT_PRIORITIES["message"] = Priority.URGENT  # type: ignore[index]


def test_content_is_from_outside_unless_the_source_vouches_for_it() -> None:
    assert Event(conversation="c").trust is Trust.OUTSIDE


@pytest.mark.parametrize(
    ("kind", "trust", "waits"),
    [
        ("message", Trust.OWNER, True),
        ("message", Trust.PAIRED, True),
        ("message", Trust.OUTSIDE, False),
        ("heartbeat", Trust.OWNER, False),
        ("webhook", Trust.PAIRED, False),
    ],
)
def test_a_person_waits_only_for_an_answer_to_their_own_message(
    kind: str, trust: Trust, waits: bool
) -> None:
    assert Event(kind=kind, conversation="c", trust=trust).from_person is waits
