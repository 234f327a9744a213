"""The provider with servers that fail, through LiteLLM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from played_openai import MODEL

from argent_litellm.library import INSTALL, wrong_version
from argent_testing import ModelOutageContract
from argent_testing.wire.chat import call, chunk, events, usage

# What LiteLLM and its libraries warn of is not ours to mend.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.mark.skipif(bool(wrong_version()), reason=f"{wrong_version()}; {INSTALL}")
class TestOutages(ModelOutageContract):
    plugin = "argent_litellm"
    model = MODEL
    path = "/v1/chat/completions"
    recorded = b"".join(
        events(
            chunk(role="assistant", content=""),
            chunk(content="Wait — "),
            chunk(content="wörld 🙂"),
            chunk(tool_calls=[call(0, '{"times": 2}', id="a", name="coin")]),
            chunk(finish="tool_calls"),
            usage(),
        )
    )
    decisive = b'"finish_reason":"tool_calls"'
    spoilt = (b"data: {nonsense\n\n",)

    @pytest.fixture(autouse=True)
    def key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A key."""
        monkeypatch.setenv("THE_KEY", "right")

    def settings_at(self, url: str, *, silence: float | None = None) -> Mapping[str, Any]:
        here = {"keys": {"openai": "env:THE_KEY"}, "addresses": {"openai": f"{url}/v1"}}
        return {**here, "silence": silence or 300.0}
