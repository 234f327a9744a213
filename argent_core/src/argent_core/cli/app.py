"""The root of all commands. It imports a command's code only when that command is run."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import click

from argent_core.cli import index
from argent_core.cli.context import LazyContext

if TYPE_CHECKING:
    from argent_hookspecs import ArgentError

BUILT_IN = {
    "approvals": ("argent_core.cli.approvals:approvals", "Answer tool calls that wait for you."),
    "config": ("argent_core.cli.config:config", "Show, check and change settings."),
    "cost": ("argent_core.cli.cost:cost", "Say what models cost."),
    "doctor": ("argent_core.cli.doctor:doctor", "Find what is wrong, and mend it."),
    "events": ("argent_core.cli.events:events", "List, read, retry and drop events."),
    "init": ("argent_core.cli.init:init", "Set up a home."),
    "models": ("argent_core.cli.models:models", "List, fetch, try out and price models."),
    "pair": ("argent_core.cli.pair:pair", "Let people and groups in."),
    "plugins": ("argent_core.cli.plugins:plugins", "List, switch, audit, check and begin plugins."),
    "replies": ("argent_core.cli.replies:replies", "List, read, retry and drop replies."),
    "secrets": ("argent_core.cli.secrets:secrets", "Store and remove secrets."),
    "start": ("argent_core.cli.start:start", "Run the agent until it is stopped."),
    "status": ("argent_core.cli.status:status", "Say how the agent is."),
    "stop": ("argent_core.cli.stop:stop", "Stop the agent, or the answer being given."),
    "trace": ("argent_core.cli.trace:trace", "Explain an answer."),
}
"""Commands of the kernel by name: where the code is, and one line of help."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


class Commands(click.Group):
    """The kernel's own commands and those of plugins; where both have a name, the kernel's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, sorted."""
        return sorted({*BUILT_IN, *index.commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name in BUILT_IN:
            return _load(BUILT_IN[cmd_name][0])
        entry = index.commands().get(cmd_name)
        return _load_foreign(entry) if entry else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was named, or say which one was probably meant."""
        name = args[0]
        if name.startswith("-") or name in BUILT_IN:
            return super().resolve_command(ctx, args)
        known = self.list_commands(ctx)
        if name not in known:
            import difflib

            from argent_core.absences import PACKAGES

            close = difflib.get_close_matches(name, known, n=1)
            hint = f' Did you mean "{close[0]}"?' if close else " See `argent --help`."
            if name in PACKAGES:
                package = PACKAGES[name]
                hint = (
                    f" It comes with a package: pip install {package}; in a clone of Argent:"
                    f" pip install ./plugins/{package}"
                )
            ctx.fail(f'There is no command "{name}".{hint}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        foreign = index.commands()
        rows = {name: help for name, (_, help) in BUILT_IN.items()}
        for name, entry in foreign.items():
            if entry.hidden:
                continue
            about = f"(broken: {entry.broken})" if entry.broken else entry.help
            rows.setdefault(name, about)
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows.items()))
        shadowed = [entry for name, entry in foreign.items() if name in BUILT_IN]
        for entry in shadowed:
            formatter.write_paragraph()
            formatter.write_text(
                f"The command {entry.name} of {entry.distribution} is hidden by Argent's own."
            )

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; every error on purpose becomes one clear message."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):
            click.echo("Stopped.", err=True)
            ctx.exit(INTERRUPTED)
        except _argent_error() as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.filename is None:
                raise
            raise click.ClickException(
                f"{error.filename}: {error.strerror}. Look at who owns it and what it allows, or "
                "choose another home with --home or ARGENT_HOME."
            ) from error


@click.command(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--home", metavar="PATH", help="Folder of the agent.  [env var: ARGENT_HOME]")
@click.option("--version", is_flag=True, help="Show the version and exit.")
@click.pass_context
def main(ctx: click.Context, home: str | None, version: bool) -> None:
    """Argent, the operating system for personal AI.

    \b
    argent chat                            talk with the agent
    argent chat --message "What is 6*7?"   ask once
    argent status                          which model answers, and is all well
    argent --home ./other init             set up another agent
    """
    ctx.obj = LazyContext(home)
    if version:
        from importlib.metadata import version as version_of

        click.echo(f"argent {version_of('argent-core')}")
    elif ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    if version:
        ctx.exit()


def _load(target: str) -> click.Command:
    module, _, attribute = target.partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command


def _load_foreign(entry: index.Entry) -> click.Command:
    """Import a plugin's command; in place of one that fails, return one that says why."""
    if entry.conflict:
        return _broken(entry.name, entry.broken)
    from argent_core.guard import attempt

    outcome = attempt(_load, entry.target)
    if isinstance(outcome.error, KeyboardInterrupt):
        raise outcome.error
    if outcome.error is not None:
        return _broken(entry.name, f"{type(outcome.error).__name__}: {outcome.error}")
    if not isinstance(outcome.value, click.Command):
        return _broken(entry.name, f"{entry.target} is not a click command")
    return outcome.value


def _broken(name: str, reason: str) -> click.Command:
    @click.pass_context
    def explain(ctx: click.Context) -> None:
        raise click.ClickException(f'The command "{name}" is broken: {reason}')

    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(
        name,
        callback=explain,
        context_settings=settings,
        add_help_option=False,
        short_help=f"(broken: {reason})",
    )


def _argent_error() -> type[ArgentError]:
    """Import the contract only once something went wrong."""
    from argent_hookspecs import ArgentError

    return ArgentError


if __name__ == "__main__":
    sys.exit(main())
