"""The plugin's settings."""

from __future__ import annotations

from attrs import frozen

from argent_hookspecs import setting


@frozen
class RouterSettings:
    """Settings of the learned router."""

    use: str = setting(
        "proven",
        doc="When its own score counts: proven (it did better than the table on outcomes that it"
        " had not seen), always or never.",
        choices=("proven", "always", "never"),
    )
    target_cost: float | None = setting(
        None,
        doc="Share of messages that may go to the able tiers, 0 to 1; as many as the table sends,"
        " if not given.",
    )
    target_quality: float | None = setting(
        None,
        doc="Part of what the able tiers do better that is to be kept, 0 to 1, at the least cost;"
        " used if there is no target_cost.",
    )
    weak_tiers: tuple[str, ...] = setting(
        ("local", "fast"), doc="Tiers whose answers show whether a more able one was needed."
    )
    keep: int = setting(
        5000, doc="Outcomes that are kept; the oldest go first.", ge=100, le=100_000
    )

    def __attrs_post_init__(self) -> None:
        targets = {"targetCost": self.target_cost, "targetQuality": self.target_quality}
        for name, value in targets.items():
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} must be from 0 to 1")
