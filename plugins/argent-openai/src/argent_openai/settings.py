"""What a person can set: addresses, keys, and what is peculiar to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from attrs import Attribute, Factory, evolve, field, frozen

from argent_hookspecs import Secret, setting
from argent_hookspecs.http import is_loopback

OPENAI = "openai"
"""Id of the provider whose settings are those at the top."""
OPENAI_ADDRESS = "https://api.openai.com/v1"
OPENAI_KEY = Secret("env:OPENAI_API_KEY")

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_KEYED = re.compile(r"auth|key|token|secret", re.IGNORECASE)
_OURS = frozenset(
    (
        *("model", "messages", "input", "tools", "stream", "stream_options", "store", "include"),
        # With these, an answer could cost more than what is put aside for it.
        *("max_tokens", "max_completion_tokens", "max_output_tokens", "n"),
    )
)


@frozen(kw_only=True)
class EndpointSettings:
    """An address, and how it is talked to."""

    base_url: str = setting(
        OPENAI_ADDRESS, doc="Address of the API, up to and with its version, such as …/v1."
    )
    api_key: Secret | None = setting(
        None, doc="Reference to the key; OPENAI_API_KEY of the environment for OpenAI itself."
    )
    headers: Mapping[str, Secret | str] = setting(
        Factory(dict), doc="Further headers of every request; their values may be references."
    )
    api: str = setting(
        "auto",
        doc="Chat Completions or Responses; auto: Responses where a server is known to ask for it.",
        choices=("auto", "chat", "responses"),
    )
    context_window: int | None = setting(
        None, doc="Tokens of input and output together, where the server does not tell.", ge=512
    )
    local: bool | None = setting(
        None,
        doc="Whether what is said stays with you, and is free; by itself, what is on this machine "
        "and asks for no key.",
    )
    tools: bool = setting(True, doc="Whether the models are offered tools.")
    images: bool = setting(True, doc="Whether the models are shown pictures.")
    confidence: bool = setting(
        False, doc="Whether to ask for log-probabilities, which tell how sure a model is."
    )
    silence: float | None = setting(
        None,
        doc="Seconds without a word after which an answer counts as hung; 120, or 600 for a "
        "server on this machine.",
        ge=1.0,
    )
    options: Mapping[str, Any] = setting(
        Factory(dict), doc="Further fields of every request, such as temperature."
    )

    @base_url.validator
    def _check_base_url(self, _: Attribute[str], base_url: str) -> None:
        try:
            parts = urlsplit(base_url)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1)
        except ValueError:
            sound = False
        if not sound:
            raise ValueError("must be an address that begins with http:// or https://")
        if parts.username or parts.password:
            raise ValueError("must be an address without a password; use apiKey or headers")

    @options.validator
    def _check_options(self, _: Attribute[Any], options: Mapping[str, Any]) -> None:
        taken = sorted(_OURS & set(options))
        if taken:
            raise ValueError(f"must be without {', '.join(taken)}, which Argent fills in")


@frozen(kw_only=True)
class OpenAISettings(EndpointSettings):
    """Settings under ``plugins.openai``: those of the provider ``openai``, and further addresses.

    >>> settings = OpenAISettings(endpoints={"lab": EndpointSettings(base_url="http://[::1]:1/v1")})
    >>> [(one.id, one.local) for one in settings.all()]
    [('openai', False), ('lab', True)]
    """

    endpoints: Mapping[str, EndpointSettings] = setting(
        Factory(dict), doc="Further addresses by name; each is a model provider of that name."
    )

    @endpoints.validator
    def _check_endpoints(self, _: Attribute[Any], endpoints: Mapping[str, Any]) -> None:
        for name in endpoints:
            if not _NAME.fullmatch(name):
                raise ValueError(
                    "must be by names of lower case letters, digits, _ and -, that begin with a "
                    f"letter, unlike {name!r}"
                )

    def all(self) -> list[Endpoint]:
        """Return every address; one that is called ``openai`` replaces the one at the top."""
        named = [
            Endpoint(id=name, place=f"plugins.openai.endpoints.{name}", settings=one)
            for name, one in self.endpoints.items()
        ]
        if OPENAI in self.endpoints:
            return named
        return [Endpoint(id=OPENAI, place="plugins.openai", settings=self), *named]


@frozen(kw_only=True)
class Endpoint:
    """One provider.

    Args:
        id: Its id.
        place: Where its settings stand.
        settings: They.
    """

    id: str
    place: str
    settings: EndpointSettings
    _address: SplitResult = field(init=False, repr=False)

    @_address.default
    def _split(self) -> SplitResult:
        return urlsplit(self.settings.base_url)

    @property
    def local(self) -> bool:
        """Whether what is said there stays with the person, and is free.

        A server on this machine that asks for a key may be a gateway to one that is elsewhere.
        """
        if self.settings.local is not None:
            return self.settings.local
        return (
            self.here
            and self.key is None
            and not any(is_key(name, value) for name, value in self.settings.headers.items())
        )

    @property
    def here(self) -> bool:
        """Whether it is on the person's own machine."""
        return is_loopback(self.settings.base_url)

    @property
    def at_openai(self) -> bool:
        """Whether it is OpenAI's own."""
        return (self._address.hostname or "").endswith(".openai.com")

    @property
    def key(self) -> Secret | None:
        """The reference to its key, if it has one."""
        return self.settings.api_key or (OPENAI_KEY if self.at_openai else None)

    @property
    def shown(self) -> str:
        """Its address without the query, in which keys may stand."""
        return self._address._replace(query="", fragment="").geturl()

    @property
    def patience(self) -> float:
        """Seconds without a word after which an answer counts as hung."""
        return self.settings.silence or (600.0 if self.here else 120.0)

    @property
    def how_to_set_the_key(self) -> str:
        """The commands that give it a key."""
        return (
            f"argent secrets set {self.id}, then "
            f"argent config set {self.place}.apiKey store:{self.id}"
        )

    def url(self, path: str) -> str:
        """Return the address of one of the API's resources.

        >>> settings = EndpointSettings(base_url="https://example.org/v1/?api-version=2")
        >>> Endpoint(id="a", place="", settings=settings).url("models")
        'https://example.org/v1/models?api-version=2'
        """
        return self._address._replace(path=f"{self._address.path.rstrip('/')}/{path}").geturl()

    def with_settings(self, **changes: Any) -> Endpoint:
        """Return the same with other settings."""
        return evolve(self, settings=evolve(self.settings, **changes))


def is_key(header: str, value: Secret | str) -> bool:
    """Say whether a header holds what must not be shown."""
    return isinstance(value, Secret) or bool(_KEYED.search(header))
