"""Groups of commands."""

from __future__ import annotations

import click


class Group(click.Group):
    """A group that says what is in it when it is called without a command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help for nothing at all; to ask what there is is no mistake."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)
