"""The plugin's side of the kernel: everything that a plugin is given."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from argent_hookspecs.agent import Agent
from argent_hookspecs.downloads import Downloads
from argent_hookspecs.events import Event
from argent_hookspecs.files import Files
from argent_hookspecs.local import Connection
from argent_hookspecs.services import Services, TextEmbedder
from argent_hookspecs.settings import Secret
from argent_hookspecs.turns import Turns

T = TypeVar("T")


class Clock(Protocol):
    """Time. Tests put their own in its place."""

    def now(self) -> datetime:
        """The time, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Secrets(Protocol):
    """Values of secrets. What is revealed is kept out of logs, traces and errors from then on."""

    async def reveal(self, secret: Secret) -> str:
        """Return the value. Raises ``SecretError``, which says what to do."""
        ...


class Transaction(Protocol):
    """A connection within one transaction, on the database's own thread."""

    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ..., /) -> Any:
        """Run one statement and return its cursor."""
        ...

    def executemany(self, sql: str, parameters: Any, /) -> Any:
        """Run one statement for each row of parameters."""
        ...


class Database(Protocol):
    """A plugin's own SQLite file: one writer, waiting transactions share one commit."""

    async def write(self, work: Callable[[Transaction], T], *, durable: bool = False) -> T:
        """Run a function in a transaction and return its result once it is committed.

        Args:
            work: Runs on the database's thread: no awaiting, nothing slow. If it raises, its
                changes are undone, and only its own. It may run more than once before its commit,
                so it touches nothing but ``tx``.
            durable: Whether the commit must survive a power cut before this returns.
        """
        ...

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a function that only reads, beside the writer."""
        ...

    async def check(self) -> str | None:
        """Look for damage, beside all else; return what was found, or None if the file is sound."""
        ...

    async def flush(self) -> None:
        """Write everything into the file and empty its log, so that neither holds what is gone.

        What was deleted is overwritten only if ``PRAGMA secure_delete`` was on by then.
        """
        ...


class PluginContext(Protocol):
    """What the kernel hands to a plugin. There is nothing else, and it grows by attributes only."""

    @property
    def name(self) -> str:
        """The plugin's name: that of its entry point."""
        ...

    @property
    def settings(self) -> Any:
        """An instance of the plugin's settings class, or None if it has none."""
        ...

    @property
    def data(self) -> Path:
        """The plugin's own folder, for files that are not a database."""
        ...

    @property
    def workspace(self) -> Path:
        """The person's folder of workspace files, which they edit by hand."""
        ...

    @property
    def services(self) -> Services:
        """What other plugins offer. What is required is there when a record of this one opens."""
        ...

    @property
    def secrets(self) -> Secrets:
        """Values of secrets."""
        ...

    @property
    def files(self) -> Files:
        """Attachments: what comes with events, and goes with replies."""
        ...

    @property
    def downloads(self) -> Downloads:
        """Files that the plugin needs and does not bring, known by their checksums."""
        ...

    @property
    def turns(self) -> Turns:
        """The turns that ended, to learn from."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """A structured log: ``log.info("what happened", extra={…})``."""
        ...

    @property
    def agent(self) -> Agent:
        """The agent: stop it, ask how it is, answer its questions."""
        ...

    @property
    def local_endpoint(self) -> str:
        """Address of the person's server of local models, for a plugin that is told no other."""
        ...

    async def embedder(self, name: str) -> TextEmbedder:
        """Return a model of any provider that makes vectors; its calls are within the budget.

        Args:
            name: ``PROVIDER/MODEL``.

        Raises:
            ModelUnavailable: It cannot be asked now.
            ModelRejected: There is none such, or it may not be asked; says what to do.
        """
        ...

    async def emit(self, event: Event) -> str | None:
        """Store an event durably; see ``Feed.emit``."""
        ...

    def database(
        self, name: str, migrations: Sequence[str], *, extensions: Sequence[str] = ()
    ) -> AbstractAsyncContextManager[Database]:
        """Open a database of the plugin, ``data/NAME.db``.

        Args:
            name: Name of the file, without the ending.
            migrations: SQL scripts; each is run once, in order. Only ever append to them.
            extensions: Paths of SQLite extensions that its statements need, without the ending.
        """
        ...

    def spawn(self, coroutine: Coroutine[Any, Any, None], *, name: str) -> None:
        """Run a task that ends with the plugin at the latest; its failure degrades the plugin."""
        ...

    def progress(
        self, activity: str, *, done: float = 0, total: float | None = None, unit: str = ""
    ) -> None:
        """Tell the person how long work goes on; may be called from any thread.

        What reports progress does not count as hung. Where the total is known, a turn that waits
        for it is given its whole time again.
        """
        ...

    def serve_local(
        self, handler: Callable[[Connection], Awaitable[None]]
    ) -> AbstractAsyncContextManager[None]:
        """While open, hand connections from this plugin's own commands to the handler."""
        ...
