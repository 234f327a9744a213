"""``argent config``: show, check and change settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import click

from argent_core import config as settings
from argent_core.cli.context import LazyContext
from argent_core.cli.groups import Group
from argent_core.cli.output import as_json, print_json, print_table
from argent_core.config import KernelSettings, Problem, SettingsClasses
from argent_core.config.schema import BASE
from argent_core.config.structure import SECRETIVE
from argent_core.config.tiers import ModelsFile
from argent_core.paths import Home
from argent_core.settings_check import beside, check_settings, settings_classes
from argent_hookspecs import ArgentError, ConfigError

_FILES = ("argent.json", "models.json")


@click.group(cls=Group)
def config() -> None:
    """Show, check and change settings.

    \b
    argent config show                     all settings that are in force
    argent config set loop.maxSteps 20     change one
    argent config check                    what is wrong or odd
    """


@config.command()
@click.argument("path", required=False)
@as_json
@click.pass_obj
def show(obj: LazyContext, path: str | None, as_json: bool) -> None:
    """Show the settings that are in force, defaults too: all, or what is under PATH."""
    found = settings.inspect(obj.place, classes=settings_classes(obj.place))
    if found.config is None:
        raise settings.error_of(found.errors)
    values = _under(_in_force(found), path)
    if as_json:
        print_json(values)
        return
    written = dict(_flat(found.document.data))
    rows = _flat(values, path or "") if isinstance(values, dict) else [(path or "", values)]
    print_table(
        (place, settings.shown(value, longest=1000), "" if place in written else "(default)")
        for place, value in rows
    )


@config.command()
@as_json
@click.pass_obj
def check(obj: LazyContext, as_json: bool) -> None:
    """Say everything that is wrong or odd in the settings; exit code 1 if something is wrong."""
    found = check_settings(obj.place)
    warnings = [*found.warnings, *_beside(obj)]
    if as_json:
        print_json(
            {
                "ok": not found.errors,
                "errors": [attrs.asdict(problem) for problem in found.errors],
                "warnings": [attrs.asdict(problem) for problem in warnings],
            }
        )
    else:
        _say(found.errors, warnings, obj.place)
    if found.errors:
        raise SystemExit(1)


@config.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("path")
@click.argument("value")
@as_json
@click.pass_obj
def set_(obj: LazyContext, path: str, value: str, as_json: bool) -> None:
    """Set the setting at PATH to VALUE, which is JSON, or else text.

    \b
    argent config set models.default fast
    argent config set tools.policy.calc ask
    argent config set agent.plugins '["llama", "terminal"]'
    """
    obj.place.create()
    found = settings.set_value(obj.place, path, text=value, classes=settings_classes(obj.place))
    for problem in (*found.errors, *found.warnings):
        click.echo(f"Warning: {problem}", err=True)
    changed = _under(found.document.data, path)
    tell_running_kernel(obj, changed=path)
    if as_json:
        print_json({"path": path, "value": changed, "file": str(obj.place.config_file)})
    else:
        click.echo(f"{path} is now {settings.shown(changed, longest=10_000)}.")


@config.command()
@click.argument("path")
@click.pass_obj
def unset(obj: LazyContext, path: str) -> None:
    """Take the setting at PATH out of the file, so that its default holds.

    \b
    argent config unset loop.maxSteps
    """
    settings.unset_value(obj.place, path, classes=settings_classes(obj.place))
    tell_running_kernel(obj, changed=path)
    click.echo(f"{path} is not set any more.")


def tell_running_kernel(obj: LazyContext, *, changed: str = "") -> None:
    """Have the agent go by the new settings, if it runs; say where it does so at its next start."""
    from argent_core.link import Unreachable

    try:
        restarted = obj.ask("reload")
    except Unreachable:
        return
    if restarted:
        click.echo(f"Restarted with the new settings: {', '.join(restarted)}.", err=True)
    if any(_is_within(changed, path) or _is_within(path, changed) for path in settings.AT_START):
        click.echo(
            "The agent that runs goes by it from its next start on: argent stop, and argent start.",
            err=True,
        )


def _is_within(path: str, other: str) -> bool:
    return f"{path}.".startswith(f"{other}.")


@config.command()
@click.argument("file", type=click.Choice(_FILES), default=_FILES[0])
@click.pass_obj
def schema(obj: LazyContext, file: str) -> None:
    """Print the JSON schema of FILE: argent.json with the sections of all plugins, or models.json.

    \b
    argent config schema
    argent config schema models.json
    """
    if file == _FILES[0]:
        print_json(_schema(settings_classes(obj.place)))
    else:
        print_json({"$schema": BASE, **settings.settings_schema(ModelsFile)})


def _beside(obj: LazyContext) -> list[Problem]:
    """Find what is odd beside what the plugins bring; they have to run for that."""
    if not obj.place.config_file.exists() or settings.inspect(obj.place).errors:
        return []
    try:
        named, _ = obj.operate("models.named", with_plugins=True)
    except (ArgentError, click.ClickException, OSError) as error:
        click.echo(f"What concerns tools and models was not looked at: {error}", err=True)
        return []
    return list(beside(obj.place, **named))


def _schema(classes: SettingsClasses) -> dict[str, Any]:
    enabled = {"type": "boolean", "default": True, "description": "Whether the plugin may run."}
    sections = {}
    for name, cls in sorted(classes.items()):
        section: dict[str, Any] = (
            {"type": "object"} if cls is None else settings.settings_schema(cls)
        )
        properties = {"enabled": enabled, **section.get("properties", {})}
        sections[name] = {**section, "properties": properties}
    schema = settings.settings_schema(KernelSettings)
    schema["properties"] |= {
        "version": {"const": 1},
        **_own_sections(sections),
        "plugins": {"type": "object", "properties": sections},
    }
    return {"$schema": BASE, **schema}


def _in_force(found: settings.Inspection) -> dict[str, Any]:
    assert found.config is not None
    kernel = {
        field.name: getattr(found.config, field.name) for field in attrs.fields(KernelSettings)
    }
    values = settings.to_json(KernelSettings(**kernel))
    sections = {}
    for name in sorted({*found.config.plugins, *found.plugins}):
        entry = found.config.plugin(name)
        own = found.plugins.get(name)
        raw = _discreet(entry.section)
        sections[name] = {"enabled": entry.enabled, **(settings.to_json(own) if own else raw)}
    return {**values, **_own_sections(sections), "plugins": sections}


def _own_sections(sections: dict[str, Any]) -> dict[str, Any]:
    """Take out of the plugins' sections those that stand at the top."""
    return {name: sections.pop(of) for name, of in settings.SECTIONS.items() if of in sections}


def _discreet(section: Mapping[str, Any]) -> dict[str, Any]:
    """Hide what may be a secret among settings whose meaning is not known."""
    result: dict[str, Any] = {}
    for key, value in section.items():
        if isinstance(value, dict):
            result[key] = _discreet(value)
        else:
            result[key] = "…" if SECRETIVE.search(key) else value
    return result


def _under(values: Any, path: str | None) -> Any:
    for key in path.split(".") if path else ():
        if not isinstance(values, dict) or key not in values:
            keys = values if isinstance(values, dict) else ()
            hint = settings.suggestion(key, keys)
            raise ConfigError(f"There is no setting {path}. {hint}".rstrip())
        values = values[key]
    return values


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        place = f"{prefix}.{key}" if prefix else key
        if isinstance(value, dict) and value:
            yield from _flat(value, place)
        else:
            yield place, value


def _say(errors: Sequence[Problem], warnings: Sequence[Problem], home: Home) -> None:
    for problem in errors:
        click.echo(f"Error: {problem}")
    for problem in warnings:
        click.echo(f"Warning: {problem}")
    if not errors and not warnings:
        exists = home.config_file.exists()
        what = "is right" if exists else "is not there, so the defaults hold"
        click.echo(f"{home.config_file} {what}.")
