from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_core.redaction import MARK, Redactor

VALUE = "pä$$/wörd+&\"'1"

secret = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]"), min_size=4)


def knowing(*values: str) -> Redactor:
    redactor = Redactor()
    for value in values:
        redactor.add(value)
    return redactor


@given(values=st.lists(secret, min_size=1, max_size=3), texts=st.lists(st.text(max_size=5)))
def test_no_secret_is_left(values: list[str], texts: list[str]) -> None:
    text = "".join(part for text in [*texts, ""] for part in (text, *values))

    clean = knowing(*values).redact(text)

    assert not [value for value in values if value in clean and value not in MARK]


@given(value=secret, before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_no_secret_is_left_inside_base64(value: str, before: bytes, after: bytes) -> None:
    raw = value.encode()
    encoded = base64.b64encode(before + raw + after).decode()

    clean = knowing(value).redact(encoded)

    assert (MARK in clean) == (clean != encoded)
    if len(raw) >= 9:
        assert MARK in clean


@pytest.mark.parametrize(
    "disguise",
    [
        str,
        quote,
        quote_plus,
        lambda value: quote(value, safe=""),
        lambda value: re.sub("%..", lambda found: found[0].lower(), quote(value)),
        json.dumps,
        lambda value: json.dumps(value, ensure_ascii=False),
        repr,
        ascii,
        html.escape,
        lambda value: base64.b64encode(b"user:" + value.encode()).decode(),
        lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    ],
)
def test_disguises_are_seen_through(disguise: Callable[[str], str]) -> None:
    assert MARK in knowing(VALUE).redact(f"before {disguise(VALUE)} after")


def test_each_line_of_a_long_secret_counts() -> None:
    redactor = knowing("-----BEGIN KEY-----\nMIIEvQIBADANBg\nab\n")

    assert redactor.redact("found MIIEvQIBADANBg, about ab") == "found [secret], about ab"


def test_secrets_that_overlap_leave_nothing_behind() -> None:
    assert knowing("abcdef", "defghi").redact("xabcdefghix") == "x[secret]x"


def test_what_is_clean_stays_as_it_is() -> None:
    redactor = knowing("secret")

    assert redactor.redact("[secret] and secret") == redactor.redact("[secret] and [secret]")
    assert knowing("", "ab", "abc").redact("ab abc") == "ab abc"


def test_values_within_values() -> None:
    redactor = knowing("12345678", "tokentoken")

    clean = redactor.redact_value(
        {"tokentoken": ["a tokentoken", 12345678, 5, None, True], "raw": b"tokentoken"}
    )

    assert clean == {
        "[secret]": ["a [secret]", "[secret]", 5, None, True],
        "raw": "b'[secret]'",
    }
