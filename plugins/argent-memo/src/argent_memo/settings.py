"""What a person can set: whether it listens, what it tells, and to whom."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from argent_hookspecs import setting

_NOTHING: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@frozen(kw_only=True)
class MemoSettings:
    """The memory; in ``argent.json`` it stands under ``memory``."""

    auto_capture: bool = setting(True, doc="Keep what is said, by itself.")
    auto_recall: bool = setting(True, doc="Tell the model what may help, by itself.")
    worker_port: int = setting(
        37778, doc="Port of the HTTP worker on this machine; 0 for none.", ge=0, le=65535
    )
    share: Mapping[str, tuple[str, ...]] = setting(
        _NOTHING,
        doc="Where else what was told in one place may come up: by audience, the names of others.",
    )
    half_life: float = setting(
        90.0, doc="Days after which what was never used counts half.", ge=1.0
    )
    time_zone: str = setting(
        "", doc='Where you live, such as "Australia/Sydney", to know when it is summer there.'
    )
    embedder: str = setting(
        "",
        doc="What compares by meaning: a provider's model, such as ollama/nomic-embed-text; empty "
        "for the embedder that is installed.",
    )
    mirror: bool = setting(
        True, doc="Keep MEMORY.md and memory/YYYY-MM-DD.md in the workspace, and read them back."
    )
    reflect: bool = setting(True, doc="Have the agent sum up the day at night, within the budget.")
