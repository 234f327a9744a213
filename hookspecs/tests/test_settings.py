from __future__ import annotations

import attrs
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from argent_hookspecs import Secret, setting


@frozen
class Settings:
    token: Secret = setting(doc="The bot's token.")
    port: int = setting(8080, doc="Port to listen on.", ge=1, le=65535)
    mode: str = setting("quiet", doc="How much it says.", choices=("quiet", "loud"))


@given(st.sampled_from(["env", "keyring", "file", "store"]), st.text(min_size=6))
def test_a_secret_never_shows_what_it_refers_to(kind: str, rest: str) -> None:
    secret = Secret(f"{kind}:{rest}")

    shown = f"{secret!r} {secret} {[secret]} {Settings(token=secret)}"

    assert f"Secret({kind}:…)" in shown
    assert shown.count("…") == 4
    assert rest not in shown.replace(f"Secret({kind}:…)", "")


def test_a_value_pasted_in_place_of_a_reference_is_not_shown_either() -> None:
    assert "hunter2" not in repr(Secret("token:hunter2"))


def test_secrets_are_equal_when_they_refer_to_the_same() -> None:
    assert Secret("env:A") == Secret("env:A") != Secret("env:B")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"port": 0}, "must be at least 1"),
        ({"port": 65536}, "must be at most 65535"),
        ({"mode": "shrill"}, "must be one of quiet, loud"),
    ],
)
def test_a_value_out_of_range_says_what_is_right(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings(token=Secret("env:T"), **wrong)  # type: ignore[arg-type]


@given(st.integers(1, 65535))
def test_every_value_in_range_is_taken(port: int) -> None:
    assert Settings(token=Secret("env:T"), port=port).port == port


def test_a_setting_without_a_default_is_required() -> None:
    with pytest.raises(TypeError, match="token"):
        Settings()


def test_help_forms_and_tables_can_be_made_from_a_settings_class() -> None:
    described = {field.name: dict(field.metadata) for field in attrs.fields(Settings)}

    assert described["port"] == {"doc": "Port to listen on.", "ge": 1, "le": 65535, "choices": None}
    assert described["mode"]["choices"] == ("quiet", "loud")
    assert all(entry["doc"].endswith(".") for entry in described.values())
