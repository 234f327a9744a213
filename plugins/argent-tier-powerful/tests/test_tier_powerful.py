"""The tier ``powerful`` as a person and the router meet it."""

from __future__ import annotations

import re
from typing import ClassVar, get_args

import pytest

from argent_testing.contracts import ModelTierContract, PluginContract
from argent_tier_powerful.settings import MODEL


class TestPlugin(PluginContract):
    plugin = "argent_tier_powerful"


class TestTier(ModelTierContract):
    plugin = "argent_tier_powerful"
    providers = ("anthropic",)
    says: ClassVar = {
        "name": "powerful",
        "provider": "anthropic",
        "model": MODEL,
        "max_output_tokens": 16384,
    }
    settable = ("provider", "model", "max_output_tokens")


def test_the_model_is_the_newest_of_its_family() -> None:
    anthropic = pytest.importorskip("anthropic", reason="the anthropic SDK is not installed")
    known = get_args(get_args(anthropic.types.Model)[0])
    family = [name for name in known if re.fullmatch(r"claude-opus-\d(-\d)?", name)]

    assert max(family, key=lambda name: [int(n) for n in name.split("-")[2:]]) == MODEL
