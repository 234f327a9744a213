"""What a person can set."""

from __future__ import annotations

from attrs import frozen

from argent_hookspecs import setting


@frozen(kw_only=True)
class BasicsSettings:
    """Settings of the two tools."""

    zone: str = setting(
        "",
        doc="Your time zone, a city or an IANA name such as Europe/Paris; this machine's if empty.",
    )
