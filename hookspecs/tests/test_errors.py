from __future__ import annotations

import re

import pytest

import argent_hookspecs
from argent_hookspecs import (
    ArgentError,
    DeliveryDelayed,
    ModelUnavailable,
    PluginTimeout,
    errors,
)


def drawn() -> list[tuple[int, str]]:
    """Read the tree in the module's docstring as (depth, name), from top to bottom."""
    lines = [
        found
        for line in (errors.__doc__ or "").splitlines()
        if (found := re.match(r" {4}((?:│   |    )*)(?:([├└])── )?([A-Z]\w+)", line))
    ]
    return [(len(found[1]) // 4 + bool(found[2]), found[3]) for found in lines]


def real(root: type[BaseException], depth: int = 0) -> list[tuple[int, str]]:
    children = [kind for kind in vars(errors).values() if root in getattr(kind, "__bases__", ())]
    below = [entry for kind in children for entry in real(kind, depth + 1)]
    return [(depth, root.__name__), *below]


def test_the_tree_that_is_drawn_is_the_tree_of_the_classes() -> None:
    assert drawn() == real(ArgentError)


def test_every_error_is_exported() -> None:
    assert {name for _, name in drawn()} <= set(argent_hookspecs.__all__)


def test_an_error_of_a_plugin_names_it() -> None:
    error = PluginTimeout("weather", "took longer than 2 s")

    assert str(error) == "weather: took longer than 2 s"
    assert (error.plugin, error.reason) == ("weather", "took longer than 2 s")


@pytest.mark.parametrize("kind", [ModelUnavailable, DeliveryDelayed])
def test_what_is_worth_another_try_says_when(
    kind: type[ModelUnavailable | DeliveryDelayed],
) -> None:
    assert kind("overloaded", retry_after=2.5).retry_after == 2.5
    assert kind("overloaded").retry_after is None
