"""``argent stop``: the answer being given, or the agent."""

from __future__ import annotations

import click

from argent_core.cli.context import LazyContext


@click.command()
@click.argument("conversation", required=False)
@click.option("--agent", is_flag=True, help="Stop the agent itself; it goes on when it is started.")
@click.pass_obj
def stop(obj: LazyContext, conversation: str | None, agent: bool) -> None:
    """Stop the answer being given in a CONVERSATION, or in all; or the agent.

    \b
    argent stop
    argent stop terminal:main
    argent stop --agent
    """
    if agent:
        _stop_agent(obj)
        click.echo("Argent has stopped.")
        return
    stopped = obj.call("stop", conversation=conversation)
    answers = "1 answer was" if stopped == 1 else f"{stopped} answers were"
    click.echo(f"{answers} stopped." if stopped else "Nothing was being answered.")


def _stop_agent(obj: LazyContext) -> None:
    """Stop the agent and wait until it has ended."""
    obj.call("shutdown")
    click.echo("Argent stops…", err=True)
    import asyncio

    from argent_core import home_lock

    asyncio.run(home_lock.take(obj.place, patience=30.0, ending=True)).release()
