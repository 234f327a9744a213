"""What the world knows: its marks, sorted by what they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field


@define
class Diary:
    """Marks, sorted.

    Args:
        changing: What the setting and the secret are being changed to, or were last.
        setting: What the setting was last changed to.
        secret: What the secret was.
    """

    acknowledged: dict[str, dict[str, Any]] = field(factory=dict)
    handed: list[dict[str, Any]] = field(factory=list)
    ran: list[dict[str, Any]] = field(factory=list)
    decided: dict[str, bool] = field(factory=dict)
    changing: int | None = None
    setting: int | None = None
    secret: int | None = None

    @classmethod
    def of(cls, marks: Sequence[dict[str, Any]]) -> Diary:
        diary = cls()
        for mark in marks:
            diary.put(**mark)
        return diary

    def put(self, kind: str, **facts: Any) -> None:
        """Add a mark."""
        match kind:
            case "acknowledged":
                self.acknowledged[facts["name"]] = facts
            case "handed":
                self.handed.append(facts)
            case "ran":
                self.ran.append(facts)
            case "decided":
                self.decided[facts["id"]] = facts["allow"]
            case "changing":
                self.changing = facts["value"]
            case "setting":
                self.setting = facts["value"]
            case "secret":
                self.secret = facts["value"]
