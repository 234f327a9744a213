"""What a person can set."""

from __future__ import annotations

from argent_hookspecs import Secret, setting
from attrs import frozen


@frozen(kw_only=True)
class Settings:
    """Settings under ``plugins.irc``."""

    host: str = setting("irc.libera.chat", doc="The server.")
    port: int = setting(6697, doc="Its port.", ge=1, le=65535)
    tls: bool = setting(True, doc="Whether the connection is encrypted.")
    password: Secret | None = setting(None, doc="Reference to the server's password.")
    nickname: str = setting("argent", doc="What the agent is called there.")
    channels: tuple[str, ...] = setting((), doc="Channels to join, such as #home.")
    burst: int = setting(5, doc="Lines that may be sent at once.", ge=1)
    pace: float = setting(2.0, doc="Seconds for each line after those.", ge=0)
