"""Loading and checking the settings of a home."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import attrs
from attrs import frozen

from argent_core.config import files
from argent_core.config.problems import (
    KERNEL_FILE,
    Invalid,
    Problem,
    error_of,
    nearest,
    suggestion,
    wrong,
)
from argent_core.config.sense import doubtful, impossible
from argent_core.config.settings import (
    SECTIONS,
    AgentSettings,
    Config,
    KernelSettings,
    PluginEntry,
    section_of,
)
from argent_core.config.structure import settings_fields, structure, unknown_keys
from argent_core.config.tiers import ModelsFile, structure_tiers
from argent_core.paths import Home
from argent_hookspecs import ModelTier

T = TypeVar("T")
log = logging.getLogger("argent.config")

SettingsClasses = Mapping[str, type[Any] | None]
"""The settings classes of the installed plugins by their names; None where there is none to ask."""


@frozen(kw_only=True)
class Inspection:
    """What there is to say about the settings of a home.

    Args:
        config: None if something is wrong.
        plugins: Settings of the plugins whose classes were given and that are right.
        errors: What is wrong.
        warnings: What is odd, but stops nothing.
        document: ``argent.json`` itself.
    """

    config: Config | None = None
    plugins: Mapping[str, Any] = attrs.field(factory=dict)
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    document: files.Document = attrs.field(factory=files.Document)


def load(home: Home) -> Config:
    """Load the settings of a home, carrying its file forward if it is of an older version.

    Raises:
        ConfigError: Something is wrong; says everything that is.
    """
    inspection = inspect(home)
    if inspection.config is None or inspection.errors:
        raise error_of(inspection.errors)
    if inspection.document.migrated:
        copy = files.keep_copy(home.config_file, inspection.document.version)
        files.write(home.config_file, inspection.document.data)
        log.info("argent.json was carried forward; the old one is %s", copy.name)
    return inspection.config


def inspect(home: Home, *, classes: SettingsClasses | None = None) -> Inspection:
    """Find everything that is wrong or odd in the settings of a home, and change nothing.

    Args:
        home: It need not exist.
        classes: The settings classes of the installed plugins; without them the plugins' own
            sections are not looked into.
    """
    try:
        document = files.read(home.config_file)
    except Invalid as error:
        return Inspection(errors=error.problems)
    return inspect_data(home, document, classes=classes)


def inspect_data(
    home: Home, document: files.Document, *, classes: SettingsClasses | None = None
) -> Inspection:
    """Do the same for settings that are not, or not yet, in the home's file."""
    found = _Findings(list(document.oddities), document.data)
    data = {key: value for key, value in document.data.items() if key != "version"}
    own = {of: data.pop(name) for name, of in SECTIONS.items() if name in data}
    plugins = _plugin_entries(data.pop("plugins", {}), found, own=own)
    kernel = found.collect(lambda: structure(data, KernelSettings))
    agent = _agent(data)
    found.errors += [] if agent is None else impossible(home.root, agent)
    found.warnings += _located(unknown_keys(data, KernelSettings))
    tiers = _tiers(home, found)
    settings = {} if classes is None else _plugin_settings(plugins, classes, found)
    if kernel is not None and classes is not None:
        found.warnings += doubtful(kernel, tiers=tiers, installed=classes)
    if kernel is None or found.errors:
        errors, warnings = tuple(found.errors), tuple(found.warnings)
        return Inspection(errors=errors, warnings=warnings, document=document)
    folder = home.root / kernel.agent.workspace
    parts = {part.name: getattr(kernel, part.name) for part in attrs.fields(KernelSettings)}
    parts["agent"] = attrs.evolve(kernel.agent, workspace=folder)
    config = Config(
        **parts,
        plugins=plugins,
        tiers=tiers,
        warnings=tuple(found.warnings),
    )
    warnings = tuple(found.warnings)
    return Inspection(config=config, plugins=settings, warnings=warnings, document=document)


def structure_plugin_settings(name: str, cls: type[T], *, section: Mapping[str, Any]) -> T:
    """Make a plugin's settings of its section in ``argent.json``.

    Args:
        name: The plugin's name.
        cls: Its settings class.
        section: What stands under ``plugins.NAME``, or in its own section, without ``enabled``.

    Raises:
        ConfigError: Something is wrong; says everything that is.
    """
    found = _Findings([], {})
    result = _one_plugin(name, cls, section, found)
    if result is None or found.errors:
        raise error_of(found.errors)
    for warning in found.warnings:
        log.warning("%s", warning)
    return result


def _agent(data: Mapping[str, Any]) -> AgentSettings | None:
    try:
        return structure(data.get("agent", {}), AgentSettings)
    except Invalid:
        return None  # which is said with all the rest


class _Findings:
    def __init__(self, warnings: list[Problem], data: Mapping[str, Any]) -> None:
        self.errors: list[Problem] = []
        self.warnings = warnings
        self.data = data

    def section_of(self, plugin: str) -> str:
        return section_of(plugin, self.data)

    def collect(self, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except Invalid as error:
            self.errors += error.problems
            return None


def _located(problems: list[Problem]) -> list[Problem]:
    """Say of unknown settings without a suggestion where one of that name would be known."""
    places = {path.rpartition(".")[2]: path for path in _paths(KernelSettings)}
    located = []
    for problem in problems:
        meant = None if problem.hint else nearest(problem.path.rpartition(".")[2], places)
        hint = f'Did you mean "{places[meant]}"?' if meant else problem.hint
        located.append(attrs.evolve(problem, hint=hint))
    return located


def _paths(cls: type[Any], prefix: str = "") -> list[str]:
    paths = []
    for key, field in settings_fields(cls).items():
        nested = isinstance(field.type, type) and attrs.has(field.type)
        paths += _paths(field.type, f"{prefix}{key}.") if nested else [prefix + key]  # type: ignore[arg-type]
    return paths


def _plugin_entries(
    value: object, found: _Findings, *, own: Mapping[str, object]
) -> dict[str, PluginEntry]:
    if not isinstance(value, dict):
        found.errors += [p.under("plugins") for p in wrong("an object {…}", value).problems]
        return {}
    for name in own.keys() & value.keys():
        one, other = section_of(name), f"plugins.{name}"
        words = f"the settings of {name} cannot stand under {one} and {other} at once"
        found.errors.append(Problem(other, words, "", f"Put all of them under {one}."))
    entries = {}
    for name, section in {**value, **own}.items():
        entry = found.collect(partial(_entry, found.section_of(name), section))
        if entry is not None:
            entries[name] = entry
    return entries


def _entry(place: str, section: object) -> PluginEntry:
    if not isinstance(section, dict):
        raise Invalid(*(p.under(place) for p in wrong("an object {…}", section).problems))
    rest = dict(section)
    enabled = rest.pop("enabled", True)
    if not isinstance(enabled, bool):
        problems = wrong("true or false", enabled).problems
        raise Invalid(*(p.under(f"{place}.enabled") for p in problems))
    return PluginEntry(enabled=enabled, section=rest)


def _plugin_settings(
    plugins: Mapping[str, PluginEntry], classes: SettingsClasses, found: _Findings
) -> dict[str, Any]:
    for name in plugins.keys() - classes.keys():
        hint = suggestion(name, classes, prefix="plugins.")
        found.warnings.append(
            Problem(found.section_of(name), "no such plugin is installed", "", hint)
        )
    settings = {}
    for name, cls in classes.items():
        entry = plugins.get(name, PluginEntry())
        if cls is not None and entry.enabled:
            settings[name] = _one_plugin(name, cls, entry.section, found)
    return settings


def _one_plugin(name: str, cls: type[T], section: Mapping[str, Any], found: _Findings) -> T | None:
    place = found.section_of(name)
    data = dict(section)
    try:
        result = structure(data, cls)
    except Invalid as error:
        found.errors += [problem.under(place) for problem in error.problems]
        return None
    found.warnings += [problem.under(place) for problem in unknown_keys(data, cls)]
    return result


def _in_file(problem: Problem, name: str) -> Problem:
    return attrs.evolve(problem, file=name) if problem.file == KERNEL_FILE else problem


def _tiers(home: Home, found: _Findings) -> tuple[ModelTier, ...]:
    name = home.models_file.name
    own = _Findings([], {})
    document = own.collect(lambda: files.read(home.models_file))
    if document is not None:
        own.warnings += [*document.oddities, *unknown_keys(document.data, ModelsFile)]
        tiers = own.collect(lambda: structure_tiers(document.data))
    found.errors += [_in_file(problem, name) for problem in own.errors]
    found.warnings += [_in_file(problem, name) for problem in own.warnings]
    return (document and tiers) or ()
