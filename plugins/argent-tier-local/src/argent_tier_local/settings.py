"""What serves the tier, unless the person says otherwise."""

from __future__ import annotations

from attrs import frozen

from argent_hookspecs import setting

MODEL = "llama3.2:latest"
"""The model of Ollama's own first example, as of 2026-11-20."""


@frozen(kw_only=True)
class TierSettings:
    """Settings under ``plugins.tier-local``."""

    provider: str = setting("ollama", doc="Id of the model provider.")
    model: str = setting(MODEL, doc="The provider's name of the model.")
    max_output_tokens: int = setting(4096, doc="Longest answer, in tokens.", ge=1)
