"""What a person can set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import Attribute, Factory, frozen

from argent_hookspecs import Secret, setting

_OURS = frozenset(("model", "messages", "stream", "tools", "max_tokens", "api_key", "api_base"))


@frozen(kw_only=True)
class LiteLLMSettings:
    """Settings under ``plugins.litellm``."""

    keys: Mapping[str, Secret] = setting(
        Factory(dict), doc="References to keys, by LiteLLM's name of the provider."
    )
    addresses: Mapping[str, str] = setting(
        Factory(dict),
        doc="Addresses of APIs, by LiteLLM's name of the provider, where not the usual one.",
    )
    context_window: int | None = setting(
        None,
        doc="Tokens of input and output together, for models that LiteLLM does not know.",
        ge=512,
    )
    silence: float = setting(
        120.0, doc="Seconds without a word after which an answer counts as hung.", ge=1.0
    )
    options: Mapping[str, Any] = setting(
        Factory(dict), doc="Further parameters of every request, such as temperature."
    )

    @options.validator
    def _check_options(self, _: Attribute[Any], options: Mapping[str, Any]) -> None:
        taken = sorted(_OURS & set(options))
        if taken:
            raise ValueError(f"must be without {', '.join(taken)}, which Argent fills in")
