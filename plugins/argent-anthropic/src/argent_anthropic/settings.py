"""What a person can set about Claude."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from attrs import Attribute, frozen

from argent_hookspecs import Secret, setting

ANTHROPIC = "https://api.anthropic.com"


@frozen
class AnthropicSettings:
    """Settings of the Messages API, under ``plugins.anthropic``."""

    api_key: Secret | None = setting(
        Secret("env:ANTHROPIC_API_KEY"), doc="The key; null for a server that asks for none."
    )
    base_url: str = setting(
        ANTHROPIC,
        doc="Address of the Messages API: Anthropic's, a gateway's, or a llama.cpp server's.",
    )
    auth: str = setting(
        "x-api-key",
        doc="Header that carries the key; some gateways want the other one.",
        choices=("x-api-key", "authorization"),
    )
    version: str = setting(
        "2026-10-21", doc="Version of the API that is asked for, in the header anthropic-version."
    )
    thinking: bool = setting(
        False, doc="Whether models think before they answer; some always do, whatever this says."
    )
    thinking_budget: int = setting(
        4096, doc="Tokens of thought at most, for models that take such a limit.", ge=1024
    )
    effort: str = setting(
        "default",
        doc="How much trouble models take, where they let one choose; above high they think.",
        choices=("default", "low", "medium", "high", "xhigh", "max"),
    )
    cache: bool = setting(
        True, doc="Whether what stays the same from turn to turn is kept in the prompt cache."
    )
    context_window: int = setting(
        32_768, doc="Tokens that a model can hold of which nothing is known.", ge=1024
    )
    timeout: float = setting(
        300.0, doc="Seconds of silence after which an answer counts as broken off.", ge=1.0
    )

    @base_url.validator
    def _check_address(self, _: Attribute[str], address: str) -> None:
        parts = _split(address)
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an address such as https://api.anthropic.com")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must be an address without a user, a password, ? or #")

    @property
    def root(self) -> str:
        """The address that ``/v1/messages`` follows."""
        return self.base_url.rstrip("/").removesuffix("/v1")

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    @property
    def server(self) -> str:
        """What the server is called in messages to people."""
        return "Anthropic" if self.root == ANTHROPIC else f"the server at {self.root}"


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - it is read to be checked
    except ValueError:
        return None
    return parts if address.isascii() and address.isprintable() and " " not in address else None
