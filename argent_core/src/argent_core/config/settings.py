"""The kernel's own settings. In files their names are in camelCase."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from attrs import field, frozen

from argent_core.config.problems import Problem
from argent_hookspecs import ModelTier, Permission, setting

SHORTEST_RETENTION = timedelta(days=45)
"""As long as de-duplication keys are kept."""
NOTHING: Mapping[str, Any] = MappingProxyType({})
SECTIONS: Mapping[str, str] = MappingProxyType({"memory": "memo"})
"""Sections at the top of ``argent.json`` that are a plugin's: its settings may stand there too."""


@frozen(kw_only=True)
class AgentSettings:
    """Who the agent is."""

    id: str = setting("argent-main", doc="Name of the agent.")
    workspace: Path = setting(
        Path("workspace"),
        doc="Folder of the workspace files; a relative one is looked for in the home.",
    )
    plugins: tuple[str, ...] | None = setting(
        None, doc="The only plugins that may load; null for all that are installed."
    )


@frozen(kw_only=True)
class RoutingSettings:
    """How a model is chosen."""

    enabled: bool = setting(
        True, doc="Choose the tier by what a message asks for; otherwise always the default tier."
    )
    local_endpoint: str = setting(
        "http://localhost:11434", doc="Address of the server of local models."
    )
    profile: Literal["frugal", "balanced", "best", "local-only"] = setting(
        "balanced", doc="What matters most; local-only keeps everything on this machine."
    )
    floors: Mapping[str, str] = setting(
        NOTHING, doc="Lowest tier by what a message is about: code, mathematics."
    )
    escalate: bool = setting(
        True, doc="Try an answer that is empty, cut off or unsure once more, one tier up."
    )


@frozen(kw_only=True)
class ModelsSettings:
    """Which models answer."""

    default: str = setting("balanced", doc="Tier that is used when routing is off.")
    routing: RoutingSettings = setting(RoutingSettings(), doc="How a model is chosen.")


@frozen(kw_only=True)
class LoopSettings:
    """How events are worked on."""

    conversations: int = setting(
        8, doc="Conversations that are answered side by side.", ge=1, le=1000
    )
    turn_timeout: timedelta = setting(timedelta(minutes=10), doc="Longest time for one answer.")
    max_attempts: int = setting(
        5, doc="Times that an event is tried before it is set aside.", ge=1, le=100
    )
    max_steps: int = setting(16, doc="Model calls in one turn.", ge=1, le=1000)

    @property
    def turn_seconds(self) -> float:
        """How long a turn may take."""
        return self.turn_timeout.total_seconds()


@frozen(kw_only=True)
class ToolsForPeople:
    """Which tools may be used in the turn of somebody who is not the owner; null for all.

    What a tool's permission asks for is asked of an owner all the same.
    """

    paired: tuple[str, ...] | None = setting(
        None, doc="For paired people: names of tools, * for any part; null for all."
    )
    outside: tuple[str, ...] | None = setting(
        None, doc="For content from outside, likewise; null for all, none to strangers in a group."
    )


@frozen(kw_only=True)
class ToolsSettings:
    """What the agent may do."""

    policy: Mapping[str, Permission] = setting(
        NOTHING, doc="Permission by name of the tool; the others keep their own."
    )
    people: ToolsForPeople = setting(
        ToolsForPeople(), doc="Which tools may be used for whom besides the owner."
    )
    approval_timeout: timedelta = setting(
        timedelta(hours=1), doc="How long a tool call waits for a person's word."
    )
    result_limit: int = setting(
        16000, doc="Characters of a tool's result that the model is shown.", ge=200
    )


@frozen(kw_only=True)
class BudgetSettings:
    """What models may cost, in dollars. A call whose worst case does not fit is not made."""

    per_day: float | None = setting(5.0, doc="Dollars a day; null for no limit.", ge=0)
    per_month: float | None = setting(50.0, doc="Dollars a month; null for no limit.", ge=0)
    per_conversation: float | None = setting(
        None, doc="Dollars for one conversation in all; null for no limit.", ge=0
    )
    sources: Mapping[str, float] = setting(NOTHING, doc="Dollars a day, by event source.")
    tiers: Mapping[str, float] = setting(NOTHING, doc="Dollars a day, by tier.")
    at_cap: Literal["step-down", "ask", "stop"] = setting(
        "step-down",
        doc="What happens when a call does not fit: take a cheaper tier that does, ask a person, or"
        " stop.",
    )


@frozen(kw_only=True)
class JournalSettings:
    """What is kept of the past."""

    retention: timedelta = setting(
        timedelta(days=90),
        doc="How long events, turns and replies are kept after their end, 45 days at least; what"
        " the model is told of a conversation stays.",
    )

    @retention.validator
    def _outlives_the_keys(self, _: object, value: timedelta) -> None:
        if value < SHORTEST_RETENTION:
            raise ValueError("must be at least 45d, so that nothing is answered twice")


@frozen(kw_only=True)
class FilesSettings:
    """What is kept of attachments."""

    largest: int = setting(20_000_000, doc="Bytes that one attachment may have.", ge=1)
    total: int = setting(2_000_000_000, doc="Bytes that all of them may have together.", ge=1)


@frozen(kw_only=True)
class StorageSettings:
    """How databases are kept."""

    encrypted: bool = setting(
        False,
        doc="Whether the databases in data/ are encrypted; a change takes place at the next start.",
    )


@frozen(kw_only=True)
class GroupSettings:
    """Groups on channels."""

    allow: Mapping[str, tuple[str, ...]] = setting(
        NOTHING, doc="Groups that are allowed besides those on record, by channel."
    )
    strangers: Literal["ignore", "answer"] = setting(
        "ignore",
        doc="What becomes of a stranger's words to the agent in a group that is allowed; an answer"
        " may hold whatever the agent is told in that group.",
    )


@frozen(kw_only=True)
class PeopleSettings:
    """Who may talk with the agent, besides those that ``argent pair`` put on record."""

    owners: Mapping[str, tuple[str, ...]] = setting(
        NOTHING, doc="The owner's own accounts, by channel: their word is the owner's."
    )
    allow: Mapping[str, tuple[str, ...]] = setting(
        NOTHING, doc="Who else may talk with the agent, by channel."
    )
    groups: GroupSettings = setting(GroupSettings(), doc="Groups on channels.")


@frozen(kw_only=True)
class LogSettings:
    """What is written down."""

    level: Literal["debug", "info", "warning", "error"] = setting(
        "info", doc="Least importance of what is written."
    )


AT_START = ("agent.id", "agent.workspace", "log", "storage")
"""What is read when an agent starts, and not again while it runs."""


@frozen(kw_only=True)
class KernelSettings:
    """Everything in ``argent.json`` that is not a plugin's."""

    agent: AgentSettings = setting(AgentSettings(), doc="Who the agent is.")
    models: ModelsSettings = setting(ModelsSettings(), doc="Which models answer.")
    loop: LoopSettings = setting(LoopSettings(), doc="How events are worked on.")
    tools: ToolsSettings = setting(ToolsSettings(), doc="What the agent may do.")
    people: PeopleSettings = setting(PeopleSettings(), doc="Who may talk with the agent.")
    budget: BudgetSettings = setting(BudgetSettings(), doc="What models may cost.")
    journal: JournalSettings = setting(JournalSettings(), doc="What is kept of the past.")
    files: FilesSettings = setting(FilesSettings(), doc="What is kept of attachments.")
    storage: StorageSettings = setting(StorageSettings(), doc="How databases are kept.")
    log: LogSettings = setting(LogSettings(), doc="What is written down.")


def section_of(plugin: str, document: Mapping[str, Any] = NOTHING) -> str:
    """Return where a plugin's settings stand in ``argent.json``, or where they go.

    Args:
        document: What is in it.
    """
    usual, own = f"plugins.{plugin}", [name for name, of in SECTIONS.items() if of == plugin]
    plugins = document.get("plugins")
    if not own or (isinstance(plugins, dict) and plugin in plugins and own[0] not in document):
        return usual
    return own[0]


@frozen(kw_only=True)
class PluginEntry:
    """A plugin's part of ``argent.json``.

    Args:
        enabled: Whether it may run.
        section: Its own settings, as they stand in the file.
    """

    enabled: bool = True
    section: Mapping[str, Any] = NOTHING


@frozen(kw_only=True)
class Config(KernelSettings):
    """All settings of an agent.

    Args:
        plugins: By name; a plugin that is not in it is enabled and has no settings of its own.
        tiers: The person's own, from ``models.json``.
        warnings: What is odd, but stops nothing.
    """

    plugins: Mapping[str, PluginEntry] = field(factory=dict)
    tiers: tuple[ModelTier, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def plugin(self, name: str) -> PluginEntry:
        """Return a plugin's part, which may be empty."""
        return self.plugins.get(name, PluginEntry())

    def may_load(self, name: str) -> bool:
        """Say whether a plugin is among those that may load at all."""
        return self.agent.plugins is None or name in self.agent.plugins
