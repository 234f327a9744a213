from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_hookspecs import Message, MessagePart, Role, Text, ToolCall, ToolResult

parts = st.one_of(
    st.builds(Text, st.text()),
    st.builds(ToolCall, st.text(), st.text(), st.dictionaries(st.text(), st.integers())),
    st.builds(ToolResult, st.text(), st.text(), st.text(), st.booleans()),
)


@given(st.sampled_from(Role), st.text())
def test_a_plain_string_is_one_text_part(role: Role, words: str) -> None:
    message = Message(role, words)

    assert message.parts == (Text(words),)
    assert message.text == words


@given(st.lists(parts))
def test_parts_are_kept_in_order_and_only_words_are_text(held: list[MessagePart]) -> None:
    message = Message(Role.ASSISTANT, held)  # type: ignore[arg-type]

    assert message.parts == tuple(held)
    assert message.text == "".join(part.text for part in held if isinstance(part, Text))


@given(st.sampled_from(Role))
def test_a_role_may_be_given_by_name(role: Role) -> None:
    assert Message(role.value, "hello") == Message(role, "hello")


@given(st.text().filter(lambda word: word not in set(Role)))
def test_an_unknown_role_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="not a valid Role"):
        Message(word, "hello")
