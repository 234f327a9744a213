"""``argent init``: set up a home, asking only for what cannot be guessed."""

from __future__ import annotations

import copy
import os
import shlex
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
from attrs import field, frozen

from argent_core import config
from argent_core.absences import next_step
from argent_core.cli import index
from argent_core.cli.context import LazyContext
from argent_core.cli.output import as_json, print_json
from argent_core.first_run import prepare_home, template, without_comments
from argent_core.guard import attempt
from argent_core.link import Unreachable
from argent_core.paths import Home
from argent_core.plugin_trust import lock as locks
from argent_core.plugin_trust.approval import approve, said_first
from argent_core.plugins import installed_plugins

ENOUGH_MEMORY = 4 * 10**9
"""Bytes of memory from which the larger model is recommended: "4 GB", as sold."""

MODELS: Mapping[str, str] = {
    "qwen2.5-coder-1.5b": "1.1 GB to download; uses tools properly",
    "smollm2-135m": "0.1 GB to download; quick, for short and simple talk",
}

GROUP = "argent.init"
"""Entry points of what plugins have to set up: name → click command."""


@frozen(kw_only=True)
class Wishes:
    """What the person said; None where they said nothing."""

    name: str | None = None
    model: str | None = None
    workspace: Path | None = None


@frozen(kw_only=True)
class Done:
    """What was set up."""

    home: Path
    workspace: Path
    created: tuple[Path, ...] = ()
    model: str | None = None
    next: str = field(factory=lambda: next_step(index.commands(), _set_ups()))
    notes: list[str] = field(factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "home": str(self.home),
            "workspace": str(self.workspace),
            "created": [str(path) for path in self.created],
            "model": self.model,
            "notes": self.notes,
            "next": self.next,
        }


class SetUps(click.Group):
    """The set-ups that plugins bring, in the entry-point group ``argent.init``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names, sorted."""
        return _set_ups()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one; the first, should several distributions bring it."""
        for point in entry_points(group=GROUP, name=cmd_name):
            outcome = attempt(point.load)
            if isinstance(outcome.value, click.Command):
                return _approving(outcome.value, cmd_name)
            raise click.ClickException(f'"init {cmd_name}" is broken: {outcome.error}')
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find what was named, or say which there are."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known:
            there = f"There are: {', '.join(known)}." if known else "None is installed that has."
            ctx.fail(
                f'No plugin "{name}" has anything to set up. {there} '
                f"If it is a package, install it first: pip install argent-{name}"
            )
        return super().resolve_command(ctx, args)


@click.group(cls=SetUps, invoke_without_command=True, subcommand_metavar="[PLUGIN]")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing; take what is recommended.")
@click.option("--name", help="Your name, for USER.md.")
@click.option("--model", help="Model that runs on this machine: a known name, file or address.")
@click.option(
    "--workspace",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the workspace files.",
)
@as_json
@click.pass_obj
def init(obj: LazyContext, /, *, yes: bool, as_json: bool, **wishes: Any) -> None:
    """Set up a home. What is there already is never overwritten.

    \b
    argent init                       asks two questions
    argent init --yes                 asks none
    argent init --name Ada --model smollm2-135m
    argent init telegram              sets up what a plugin needs
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    wanted = Wishes(**wishes)
    if not (yes or as_json) and sys.stdin.isatty():
        wanted = _ask(obj.place, wanted)
    done = _set_up(obj.place, wanted)
    if as_json:
        print_json(done.as_json())
    else:
        _say(done)


def _set_ups() -> list[str]:
    return sorted({point.name for point in entry_points(group=GROUP)})


def _approving(command: click.Command, plugin: str) -> click.Command:
    """Return a command that first lets the plugin load that it sets up: its owner wants it."""
    run = command.callback

    def callback(*given: Any, **named: Any) -> Any:
        _approve(click.get_current_context().obj, plugin)
        return run(*given, **named) if run is not None else None

    own = copy.copy(command)
    own.callback = callback
    return own


def _approve(obj: LazyContext, plugin: str) -> None:
    try:
        obj.ask("plugins.approve", names=[plugin])
    except Unreachable:
        obj.place.create()
        there = [one.name for one in installed_plugins()]
        if plugin in there:
            first = () if locks.lock_file(obj.place).exists() else there
            approve(obj.place, [plugin])
            if words := said_first(first):
                click.echo(words, err=True)


def recommended_model() -> str:
    """Return the best model that this machine has the memory for."""
    large, small = MODELS
    return large if _memory() >= ENOUGH_MEMORY else small


def _memory() -> int:
    """Return the machine's memory in bytes; 0 where the system does not say."""
    if not hasattr(os, "sysconf"):
        return 0
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def _runs_models_itself() -> bool:
    return bool(entry_points(group="argent", name="llama"))


def _chosen_model(home: Home) -> str | None:
    loaded = config.inspect(home).config
    model = loaded.plugin("llama").section.get("model") if loaded else None
    return str(model) if model else None


def _ask(home: Home, wanted: Wishes) -> Wishes:
    name, model = wanted.name, wanted.model
    workspace = wanted.workspace or _workspace(home)
    if name is None and _is_template(workspace / "USER.md"):
        name = click.prompt("What is your name?", default="", show_default=False).strip() or None
    if model is None and _runs_models_itself() and _chosen_model(home) is None:
        click.echo("A model that runs on this machine, with no key and no account:")
        for known, about in MODELS.items():
            click.echo(f"  {known:20} {about}")
        model = click.prompt("Which one?", default=recommended_model())
    return Wishes(name=name, model=model, workspace=wanted.workspace)


def _set_up(home: Home, wanted: Wishes) -> Done:
    home.create()
    notes: list[str] = []
    if wanted.workspace is not None:
        chosen = str(wanted.workspace.expanduser().absolute())
        notes += _set_once(home, "agent.workspace", chosen)
    prepared = prepare_home(home)
    if wanted.name:
        notes += _write_name(prepared.workspace / "USER.md", wanted.name)
    model = wanted.model
    if _runs_models_itself():
        model = model or _chosen_model(home) or recommended_model()
        notes += _set_once(home, "plugins.llama.model", model)
        model = _chosen_model(home)
    elif model:
        notes.append("The plugin argent-llama is not installed, so no model was chosen.")
        model = None
    return Done(
        home=home.root,
        workspace=prepared.workspace,
        created=prepared.created,
        model=model,
        notes=notes,
    )


def _set_once(home: Home, path: str, wanted: str) -> list[str]:
    """Set what is not set yet; of what is, say how to change it."""
    there: Any = config.inspect(home).document.data
    for key in path.split("."):
        there = there.get(key) if isinstance(there, dict) else None
    if there is None:
        config.set_value(home, path, text=wanted)
    elif there != wanted:
        how = f"argent config set {path} {shlex.quote(wanted)}"
        return [f"{path} is {there} already, and stays so; change it with: {how}"]
    return []


def _workspace(home: Home) -> Path:
    loaded = config.inspect(home).config
    return loaded.agent.workspace if loaded else home.workspace


def _is_template(path: Path) -> bool:
    return not path.exists() or path.read_text("utf-8", "replace") == template(path.name)


def _write_name(path: Path, name: str) -> list[str]:
    line = f"Name: {' '.join(name.split())}"
    text = path.read_text("utf-8", "replace")
    if line in without_comments(text).splitlines():
        return []
    if not _is_template(path):
        return [f"{path} is yours already; write your name into it there."]
    heading, _, rest = text.partition("\n")
    config.replace(path, f"{heading}\n\n{line}\n{rest}")
    return []


def _say(done: Done) -> None:
    if done.created:
        click.echo(f"The home {done.home} is ready. New in it:")
        for path in done.created:
            near = path.is_relative_to(done.home)
            click.echo(f"  {path.relative_to(done.home) if near else path}")
    else:
        click.echo(f"The home {done.home} was ready already.")
    if done.model:
        click.echo(f"Model: {done.model}, fetched when it is first needed.")
    for note in done.notes:
        click.echo(f"Note: {note}")
    click.echo(f"Next: {done.next}")
