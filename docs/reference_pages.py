"""Writes the reference out of the code itself, while Sphinx reads its pages.

A page under ``reference/`` has its heading and an introduction; what follows comes from here, and
is in no file: hooks and records from their docstrings, settings from their classes, commands from
click.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import click
from sphinx.application import Sphinx

import argent_hookspecs
from argent_core.config import section_of
from argent_core.config.schema import settings_schema
from argent_core.config.settings import KernelSettings
from argent_core.plugins import installed_plugins
from argent_hookspecs import specs
from argent_testing.plugin_check import table

HOOKS = tuple(name for name in vars(specs) if name.startswith("argent_"))
CONTEXT = argent_hookspecs.PluginContext
_SHORTEST_TABLE = 2


def setup(app: Sphinx) -> Mapping[str, Any]:
    """Let Sphinx ask for the reference."""
    app.connect("source-read", _add)
    app.connect("autodoc-process-docstring", _keep, priority=400)
    app.connect("autodoc-process-docstring", _give_back, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add(app: Sphinx, page: str, source: list[str]) -> None:
    folder, _, name = page.rpartition("/")
    if folder == "reference" and name in PAGES:
        source[0] = "\n".join([source[0], *PAGES[name]()])


_kept: dict[str, list[str]] = {}
"""Docstrings of properties, which napoleon, at priority 500, takes for a type before a colon."""


def _keep(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    if what == "property":
        _kept[name] = list(lines)


def _give_back(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    if name in _kept:
        lines[:] = _kept.pop(name)


def hooks() -> Iterator[str]:
    """Yield all hooks, in the order in which a message meets them."""
    for name in HOOKS:
        yield f"## {name}\n"
        yield _rst(f".. autofunction:: argent_hookspecs.specs.{name}")


def records() -> Iterator[str]:
    """Yield the words of the contract, module by module."""
    found: dict[str, list[str]] = {}
    for name in argent_hookspecs.__all__:
        thing = getattr(argent_hookspecs, name)
        if inspect.isclass(thing) and thing is not CONTEXT:
            found.setdefault(thing.__module__, []).append(name)
    for module, names in sorted(found.items()):
        about = inspect.getdoc(import_module(module)) or ""
        yield f"## {about.splitlines()[0].rstrip('.')}\n"
        for name in names:
            yield f"### {name}\n"
            yield _rst(f".. autoclass:: argent_hookspecs.{name}\n   :members:")


def context() -> Iterator[str]:
    """Yield what a plugin is given."""
    for name in vars(CONTEXT):
        if not name.startswith("_"):
            kind = "property" if isinstance(vars(CONTEXT)[name], property) else "method"
            yield f"## ctx.{name}\n"
            yield _rst(f".. auto{kind}:: argent_hookspecs.PluginContext.{name}")


def plugin_settings() -> Iterator[str]:
    """Yield the settings of every plugin that is installed."""
    for plugin in installed_plugins():
        text = table(plugin.distribution or plugin.name)
        yield f"## {plugin.name}\n"
        yield f"Package `{plugin.distribution}`; under `{section_of(plugin.name)}`.\n"
        yield f"{text}\n" if text.count("\n") >= _SHORTEST_TABLE else "It has none.\n"


def settings() -> Iterator[str]:
    """Yield the kernel's own settings, section by section."""
    for name, section in sorted(settings_schema(KernelSettings)["properties"].items()):
        rows = list(_rows(name, section))
        if rows:
            yield f"## {name}\n"
            yield "| setting | default | meaning |\n|---|---|---|"
            yield "\n".join(f"| `{path}` | {default} | {about} |" for path, default, about in rows)
            yield ""


def _rows(path: str, part: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if "properties" in part:
        for name, inner in part["properties"].items():
            yield from _rows(f"{path}.{name}", inner)
    elif "description" in part:
        default = part.get("default")
        shown = "" if default in (None, "", [], {}) else f"`{default}`"
        yield path, shown, str(part["description"]).replace("|", "\\|")


def commands() -> Iterator[str]:
    """Yield the help of all commands."""
    (entry,) = entry_points(group="console_scripts", name="argent")
    yield from _help(entry.load(), click.Context(entry.load(), info_name="argent"))


def _help(command: click.Command, ctx: click.Context) -> Iterator[str]:
    level = 2 if ctx.parent is None or ctx.parent.parent is None else 3
    yield f"{'#' * level} {ctx.command_path}\n"
    yield f"```text\n{command.get_help(ctx)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            if inner is not None and not inner.hidden:
                yield from _help(inner, click.Context(inner, info_name=name, parent=ctx))


def _rst(text: str) -> str:
    return f"```{{eval-rst}}\n{text}\n```\n"


PAGES: Mapping[str, Callable[[], Iterator[str]]] = {
    "commands": commands,
    "context": context,
    "hooks": hooks,
    "plugin-settings": plugin_settings,
    "records": records,
    "settings": settings,
}
"""What writes each page."""
