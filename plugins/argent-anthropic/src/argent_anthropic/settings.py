"""What a person can set about Claude."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from attrs import Attribute, frozen

from argent_hookspecs import Secret, setting
from argent_hookspecs.http import is_loopback

ANTHROPIC = "https://api.anthropic.com"
_USUAL_KEY = Secret("env:ANTHROPIC_API_KEY")


@frozen
class AnthropicSettings:
    """Settings of the Messages API, under ``plugins.anthropic``."""

    api_key: Secret | None = setting(
        None, doc="Reference to the key; ANTHROPIC_API_KEY of the environment for Anthropic itself."
    )
    base_url: str = setting(
        ANTHROPIC,
        doc="Address of the Messages API: Anthropic's, a gateway's, or a llama.cpp server's.",
    )
    local: bool | None = setting(
        None,
        doc="Whether what is said stays with you, and is free; by itself, what is on this machine "
        "and asks for no key.",
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
    def is_anthropic(self) -> bool:
        """Whether the address is Anthropic's own."""
        parts = urlsplit(self.base_url)
        there = (parts.scheme, parts.hostname, parts.port or 443)
        return there == ("https", "api.anthropic.com", 443)

    @property
    def key(self) -> Secret | None:
        """The key; that of the environment, which people set for Anthropic, goes nowhere else."""
        return self.api_key or (_USUAL_KEY if self.is_anthropic else None)

    @property
    def is_here(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(self.base_url)

    @property
    def is_local(self) -> bool:
        """Whether what is said there stays with the person, and is free.

        A server on this machine that asks for a key may be a gateway to one that is elsewhere.
        """
        return self.is_here and self.api_key is None if self.local is None else self.local

    @property
    def server(self) -> str:
        """What the server is called in messages to people."""
        return "Anthropic" if self.is_anthropic else f"the server at {self.root}"


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - it is read to be checked
    except ValueError:
        return None
    return parts if address.isascii() and address.isprintable() and " " not in address else None
