"""Sentences that tell a secret, and those that only speak of one, in many languages."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time

import pytest

from argent_memo.confidential import is_confidential, without_secrets

SAID = json.loads(Path(__file__).with_name("secrets.json").read_text("utf-8"))


@pytest.mark.parametrize("sentence", SAID["tell"])
def test_a_secret_in_plain_words_is_known(sentence: str) -> None:
    assert is_confidential(sentence)


@pytest.mark.parametrize("sentence", SAID["do_not"])
def test_who_only_speaks_of_a_secret_tells_none(sentence: str) -> None:
    assert not is_confidential(sentence)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("I live in Bern. My wifi password is hunter2. I like tea.", "I live in Bern. I like tea."),
        ("For guests:\nPassword:\nhunter2\nThey may stay.", "They may stay."),
        (
            "What was the wifi password? hunter2! I like tea.",
            "What was the wifi password? I like tea.",
        ),
        ("我住在北京。密码是hunter2。我喜欢茶。", "我住在北京。我喜欢茶。"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\nAb3=\n-----END RSA PRIVATE KEY-----\nSo.", "So."),
        ("-----BEGIN PRIVATE KEY-----\nabc\nAb3=\n", ""),
    ],
)
def test_the_rest_of_a_message_is_kept(text: str, left: str) -> None:
    assert without_secrets(text) == left


def test_what_answers_a_question_for_a_secret_is_one() -> None:
    assert without_secrets("hunter2", before="What is the password of the wifi?") == ""
    assert without_secrets("hunter2", before="What is the title of the film?") == "hunter2"


@pytest.mark.parametrize(
    ("words", "secret"),
    [
        ("so I was telling him that we went there and ", "the wifi password is hunter2"),
        ("密码的事情我们说过很多次了", "密码是 hunter2"),
        ("and then the code of the book said ", "the code for the door is 4711"),
    ],
)
def test_a_secret_is_known_wherever_it_stands_in_words_without_an_end(
    words: str, secret: str
) -> None:
    told = words * 200
    assert not is_confidential(told)
    assert is_confidential(told + secret)
    assert is_confidential(f"{told}{secret} {told}")


def test_many_words_for_a_secret_take_no_long_time() -> None:
    def spent(text: str) -> float:
        began = process_time()
        without_secrets(text)
        return process_time() - began

    spent("pin. ")
    control = min(spent("ink. " * 20_000) for _ in range(3))
    assert spent("pin. " * 20_000) < 25 * control
