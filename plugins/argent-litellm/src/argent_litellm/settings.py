"""What a person can set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import Attribute, Factory, frozen

from argent_hookspecs import Secret, setting

_OURS = {
    "model", "messages", "stream", "stream_options",
    "tools", "tool_choice", "functions", "function_call",
    "max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of", "store", "include",
    "api_key", "api_base", "base_url", "custom_llm_provider", "model_list",
    "fallbacks", "context_window_fallback_dict",
    "timeout", "request_timeout", "num_retries", "max_retries", "drop_params",
}  # fmt: skip
"""What a request is made of: who is asked, by which key, and what the budget sets aside for it."""


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
        more = options.get("extra_body")
        taken = sorted(_OURS & {*options, *(more if isinstance(more, Mapping) else ())})
        if taken:
            raise ValueError(f"must be without {', '.join(taken)}, which Argent fills in")
