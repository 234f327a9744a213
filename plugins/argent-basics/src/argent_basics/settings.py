"""What a person can set."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import frozen

from argent_hookspecs import ToolError, setting


@frozen(kw_only=True)
class BasicsSettings:
    """Settings of the two tools."""

    zone: str = setting(
        "",
        doc="Your time zone, a city or an IANA name such as Europe/Paris; this machine's if empty.",
    )

    def __attrs_post_init__(self) -> None:
        if not self.zone.strip():
            return
        from argent_basics.zones import ZoneList  # reads a long list

        try:
            ZoneList().find(self.zone, datetime.now(UTC))
        except ToolError as error:
            raise ValueError(f"zone: {error}") from error
