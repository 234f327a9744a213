"""Settings: ``argent.json``, ``models.json``, and each plugin's own section."""

from argent_core.config.changing import set_value, unset_value
from argent_core.config.durations import format_duration, parse_duration
from argent_core.config.files import replace, write
from argent_core.config.loading import (
    Inspection,
    SettingsClasses,
    inspect,
    load,
    structure_plugin_settings,
)
from argent_core.config.problems import Problem, error_of, shown, suggestion
from argent_core.config.schema import settings_schema, to_json
from argent_core.config.sense import idle
from argent_core.config.settings import (
    AT_START,
    SECTIONS,
    AgentSettings,
    Config,
    FilesSettings,
    JournalSettings,
    KernelSettings,
    LogSettings,
    LoopSettings,
    ModelsSettings,
    PeopleSettings,
    PluginEntry,
    RoutingSettings,
    StorageSettings,
    ToolsForPeople,
    ToolsSettings,
    section_of,
)

__all__ = [
    "AT_START",
    "SECTIONS",
    "AgentSettings",
    "Config",
    "FilesSettings",
    "Inspection",
    "JournalSettings",
    "KernelSettings",
    "LogSettings",
    "LoopSettings",
    "ModelsSettings",
    "PeopleSettings",
    "PluginEntry",
    "Problem",
    "RoutingSettings",
    "SettingsClasses",
    "StorageSettings",
    "ToolsForPeople",
    "ToolsSettings",
    "error_of",
    "format_duration",
    "idle",
    "inspect",
    "load",
    "parse_duration",
    "replace",
    "section_of",
    "set_value",
    "settings_schema",
    "shown",
    "structure_plugin_settings",
    "suggestion",
    "to_json",
    "unset_value",
    "write",
]
