"""``argent start``: the agent at work, in the foreground, until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import click

from argent_core.allocator import share_arenas
from argent_core.cli.app import INTERRUPTED
from argent_core.cli.context import LazyContext
from argent_core.guard import attempt
from argent_core.kernel import Kernel
from argent_core.plugin_trust.approval import said_first

log = logging.getLogger("argent.start")


@click.command()
@click.option("--quiet", is_flag=True, help="Write the log to its file only.")
@click.pass_obj
def start(obj: LazyContext, quiet: bool) -> None:
    """Run the agent until it is stopped: with Ctrl-C, or argent stop --agent.

    Nothing is lost either way: what is under way goes on at the next start. A second Ctrl-C stops
    hard.

    \b
    argent start
    nohup argent start --quiet &
    """
    share_arenas()
    kernel = Kernel(obj.place, log_to_stderr=not quiet)
    run(_serve(kernel), on_signal=kernel.request_stop)


async def _serve(kernel: Kernel) -> None:
    async with kernel:
        up = [plugin.name for plugin in kernel.host.plugins.values() if plugin.up]
        click.echo(f"Argent runs, with {', '.join(up) or 'no plugins'}. Ctrl-C stops it.", err=True)
        if first := said_first(kernel.agent.plugin_trust.first):
            click.echo(first, err=True)
        if waiting := sorted(kernel.agent.plugin_trust.waiting):
            names = " ".join(waiting)
            click.echo(f"New, and waiting for you: argent plugins approve {names}", err=True)
        gc.freeze()  # what is there now stays; to look through it takes 30 ms, again and again
        await kernel.wait()
        click.echo("Stopping…", err=True)


def run(main: Coroutine[Any, Any, None], *, on_signal: Callable[[], None]) -> None:
    """Run a coroutine to its end, whoever tries to exit the process meanwhile.

    Args:
        on_signal: Called at the first Ctrl-C or SIGTERM; the second ends the process at once.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    task = loop.create_task(main)
    _take_signals(loop, on_signal)
    while not task.done():
        # A plugin's callback that raises SystemExit ends the loop's run, but not our task.
        outcome = attempt(loop.run_until_complete, task)
        if not task.done():
            log.critical("somebody tried to end the process: %r", outcome.error)
            if isinstance(outcome.error, KeyboardInterrupt):
                on_signal()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    task.result()


def _take_signals(loop: asyncio.AbstractEventLoop, on_signal: Callable[[], None]) -> None:
    seen: list[int] = []

    def take(number: int) -> None:
        if seen:
            os._exit(INTERRUPTED)
        seen.append(number)
        on_signal()

    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows' loop has no signal handlers; there Ctrl-C comes as KeyboardInterrupt.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, take, number)
