"""What a person can set: where Ollama is, and how its models are run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import Attribute, Factory, evolve, frozen

from argent_hookspecs import ConfigError, PluginContext, Secret, setting
from argent_hookspecs.http import is_loopback

OLLAMA_CLOUD = "ollama.com"
CLOUD_KEY = Secret("env:OLLAMA_API_KEY")
_USUAL = "http://localhost:11434"
_OURS = frozenset(("num_ctx", "num_predict"))


@frozen(kw_only=True)
class OllamaSettings:
    """Settings under ``plugins.ollama``."""

    base_url: str | None = setting(
        None, doc="Address of the server; models.routing.localEndpoint, if not set."
    )
    api_key: Secret | None = setting(
        None, doc="Reference to the key, if the server asks for one; OLLAMA_API_KEY at ollama.com."
    )
    local: bool | None = setting(
        None,
        doc="Whether the server is the person's own, so that its models cost nothing and what they"
        " are told counts as staying there; if not set, whether it is on this machine.",
    )
    context: int = setting(
        16384,
        doc="Tokens of input and output together, for models that were made for as many; more take"
        " more memory.",
        ge=512,
    )
    keep_alive: str | float | None = setting(
        None,
        doc='How long a model stays in memory after an answer: "10m", seconds, -1 for ever; what '
        "the server does by itself, if not set.",
    )
    thinking: str = setting(
        "auto",
        doc="Whether models that can think do so, and how much; auto: as they do by themselves.",
        choices=("auto", "off", "on", "low", "medium", "high"),
    )
    tools: bool = setting(True, doc="Whether the models that can use tools are offered them.")
    cloud: bool = setting(
        False, doc="Whether models may be used that the server passes on to ollama.com."
    )
    confidence: bool = setting(
        False, doc="Whether to ask for log-probabilities, which tell how sure a model is."
    )
    silence: float = setting(
        600.0,
        doc="Seconds without a word, loading included, after which an answer counts as hung.",
        ge=1.0,
    )
    options: Mapping[str, Any] = setting(
        Factory(dict), doc="Further options of the models, such as temperature."
    )

    @base_url.validator
    def _check_base_url(self, _: Attribute[Any], base_url: str | None) -> None:
        if base_url is None:
            return
        try:
            parts = urlsplit(base_url)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1)
        except ValueError:
            sound = False
        if not sound:
            raise ValueError("must be an address that begins with http:// or https://")
        if parts.username or parts.password:
            raise ValueError("must be an address without a password; use apiKey")
        if parts.query or parts.fragment:
            raise ValueError("must be an address without anything behind ? or #")

    @options.validator
    def _check_options(self, _: Attribute[Any], options: Mapping[str, Any]) -> None:
        taken = sorted(_OURS & set(options))
        if taken:
            raise ValueError(f"must be without {', '.join(taken)}, which Argent fills in")

    @property
    def address(self) -> str:
        """Where the server is."""
        return self.base_url or _USUAL

    @property
    def host(self) -> str:
        """Name of the machine."""
        return (urlsplit(self.address).hostname or "").rstrip(".")

    @property
    def is_own(self) -> bool:
        """Whether the server is the person's own, on this machine or another.

        >>> OllamaSettings().is_own, OllamaSettings(base_url="http://nas:11434").is_own
        (True, False)
        """
        return is_loopback(self.address) if self.local is None else self.local

    @property
    def is_local(self) -> bool:
        """Whether what a model is told stays on the person's own machines."""
        return self.is_own and not self.cloud

    @property
    def key(self) -> Secret | None:
        """The reference to the key, if there is one."""
        return self.api_key or (CLOUD_KEY if self.host == OLLAMA_CLOUD else None)


def settings_of(ctx: PluginContext) -> OllamaSettings:
    """Return the settings, with the address of the kernel's where there is no own one.

    Raises:
        ConfigError: That one is no address.
    """
    settings: OllamaSettings = ctx.settings
    if settings.base_url is not None:
        return settings
    try:
        return evolve(settings, base_url=ctx.local_endpoint)
    except ValueError as error:
        raise ConfigError(f"models.routing.localEndpoint {error}") from error
