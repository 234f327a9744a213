"""What serves the tier, unless the person says otherwise."""

from __future__ import annotations

from attrs import frozen

from argent_hookspecs import setting

MODEL = "claude-opus-5-5"
"""The current Claude Opus, as the anthropic SDK 2.10.0 lists it on 2026-11-20."""


@frozen(kw_only=True)
class TierSettings:
    """Settings under ``plugins.tier-powerful``."""

    provider: str = setting("anthropic", doc="Id of the model provider.")
    model: str = setting(MODEL, doc="The provider's name of the model.")
    max_output_tokens: int = setting(16384, doc="Longest answer, in tokens.", ge=1)
