"""The kernel's side of ``PluginContext``: what one plugin is given."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Mapping,
    MutableMapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, evolve, field

from argent_core.agent import KernelAgent
from argent_core.database import Database
from argent_core.downloads import DownloadStore, PluginDownloads
from argent_core.embedding_models import EmbeddingModels
from argent_core.guard import Guard
from argent_core.host import PluginHost
from argent_core.inbound.intake import Intake
from argent_core.link import KERNEL
from argent_core.local import LocalServer
from argent_core.log import current_event
from argent_core.loop.finished_turns import FinishedTurns
from argent_core.outbound.observers import Observers
from argent_core.outcome import shown
from argent_core.paths import Home
from argent_core.safe_files import make_folder
from argent_hookspecs import (
    Agent,
    ArgentError,
    Clock,
    Connection,
    Event,
    Files,
    PluginError,
    Progress,
    Secrets,
    Service,
    ServiceKey,
    ServiceMissing,
    TextEmbedder,
    Turns,
)

T = TypeVar("T")

_RESERVED = ("kernel", "secrets")
"""Names of the kernel's own databases."""


@define(eq=False, repr=False)
class Kit:
    """What the contexts of all plugins are made from."""

    home: Home
    host: PluginHost
    guard: Guard
    intake: Intake
    observers: Observers
    local: LocalServer
    agent: KernelAgent
    clock: Clock
    secrets: Secrets
    files: Files
    working: Callable[[str], None]
    local_endpoint: Callable[[], str]
    workspace: Path
    embedding_models: EmbeddingModels
    downloads: DownloadStore = field(init=False)
    _open: dict[Path, OpenDatabase] = field(factory=dict)
    _owners: dict[Path, str] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Say where downloads are kept."""
        self.downloads = DownloadStore(self.home.downloads)

    def context(self, name: str, settings: Any) -> Context:
        """Make a plugin's context."""
        data = self.home.plugin_data(name)
        try:
            make_folder(data)
        except OSError as error:
            words = f"its folder {data} cannot be made: {error.strerror}"
            raise PluginError(name, words) from error
        log = PluginLog(logging.getLogger(f"argent.plugin.{name}"), {"plugin": name})
        return Context(self, name, settings, data, log)

    def report(self, progress: Progress) -> None:
        """Pass on that a plugin works, to those who would think that it hangs and to observers."""
        self.guard.sign_of_life(progress.plugin)
        if progress.total is not None:  # a download, say; a mere sign of life gives no more time
            self.working(progress.plugin)
        self.observers.publish(progress)

    async def close(self, name: str) -> None:
        """Close what a plugin left open."""
        for path, opened in list(self._open.items()):
            if opened.plugin == name:
                await opened.close()
                self._open.pop(path, None)

    @asynccontextmanager
    async def database(
        self, name: str, path: Path, *, migrations: Sequence[str], extensions: Sequence[str]
    ) -> AsyncIterator[Database]:
        """Open a file for a plugin: the one that has it first owns it, and opens it once."""
        owner = self._owners.setdefault(path, name)
        if owner != name:
            raise PluginError(name, f"{path.name} belongs to {owner}; choose another name")
        if path in self._open:
            raise PluginError(name, f"{path.name} is open already, by {name}")
        mine = self._open[path] = OpenDatabase(name)
        try:
            mine.database = await Database.open(
                path,
                migrations,
                extensions=extensions,
                encryption=self.intake.journal.database.file.encryption,
            )
            yield mine.database
        finally:
            await mine.close()
            if self._open.get(path) is mine:
                del self._open[path]


@define(eq=False, repr=False)
class OpenDatabase:
    """A file that a plugin has open, or is just opening."""

    plugin: str
    database: Database | None = None

    async def close(self) -> None:
        """Close it; harmless a second time."""
        if self.database is not None:
            await self.database.close()


class PluginLog(logging.LoggerAdapter[logging.Logger]):
    """A plugin's log: its name is added to what the plugin says."""

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Keep the facts given with a line."""
        given: Mapping[str, object] = kwargs.get("extra") or {}
        return msg, {**kwargs, "extra": {**given, **(self.extra or {})}}


@define(eq=False, repr=False)
class Context:
    """One plugin's context; the contract says what everything is for."""

    _kit: Kit
    name: str
    settings: Any
    data: Path
    log: logging.LoggerAdapter[logging.Logger]

    @property
    def workspace(self) -> Path:
        """The folder of workspace files."""
        return self._kit.workspace

    @property
    def services(self) -> ServicesView:
        """What other plugins offer."""
        return ServicesView(self._kit.host, self.name)

    @property
    def secrets(self) -> Secrets:
        """Values of secrets."""
        return self._kit.secrets

    @property
    def files(self) -> Files:
        """Attachments."""
        return self._kit.files

    @property
    def downloads(self) -> PluginDownloads:
        """Files that are fetched."""
        return PluginDownloads(self._kit.downloads, self.progress, self.log)

    @property
    def turns(self) -> Turns:
        """The turns that ended."""
        return FinishedTurns(self._kit.intake.journal.database, self.name)

    @property
    def clock(self) -> Clock:
        """Time."""
        return self._kit.clock

    @property
    def agent(self) -> Agent:
        """The agent, which knows the names that the plugin's channel gives."""
        return evolve(self._kit.agent, asker=self.name)

    @property
    def local_endpoint(self) -> str:
        """Address of the server of local models."""
        return self._kit.local_endpoint()

    async def embedder(self, name: str) -> TextEmbedder:
        """Return a model of any provider that makes vectors."""
        return await self._kit.embedding_models.open(name, plugin=self.name)

    async def emit(self, event: Event) -> str | None:
        """Store an event durably."""
        return await self._kit.intake.emit(event, plugin=self.name, source=self.name)

    @asynccontextmanager
    async def database(
        self, name: str, migrations: Sequence[str], *, extensions: Sequence[str] = ()
    ) -> AsyncIterator[Database]:
        """Open a database of the plugin; the kernel closes it if the plugin does not."""
        path = self._kit.home.data / f"{name}.db"
        if not name.isidentifier() or name.casefold() in _RESERVED:
            raise ArgentError(f"{name!r} is no name for a database of {self.name}")
        async with self._kit.database(
            self.name, path, migrations=migrations, extensions=extensions
        ) as database:
            yield database

    def spawn(self, coroutine: Coroutine[Any, Any, None], *, name: str) -> None:
        """Run a task that ends with the plugin at the latest."""

        async def work() -> None:
            current_event.set(None)  # it outlives the turn that it may come from
            await coroutine

        task = self._kit.guard.start(self.name, work, name=name)

        def ended(_: object) -> None:
            if asyncio.iscoroutine(coroutine):
                coroutine.close()  # in case that it was cancelled before it began
            error = None if task.cancelled() else task.result().error
            if error is not None and not isinstance(error, asyncio.CancelledError):
                self._kit.guard.on_fault(self.name, f"task {name} failed: {shown(error)}")

        task.add_done_callback(ended)

    def progress(
        self, activity: str, *, done: float = 0, total: float | None = None, unit: str = ""
    ) -> None:
        """Tell how long work goes on."""
        notice = Progress(plugin=self.name, activity=activity, done=done, total=total, unit=unit)
        loop = self._kit.local.loop
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._kit.report, notice)

    def serve_local(
        self, handler: Callable[[Connection], Awaitable[None]]
    ) -> AbstractAsyncContextManager[None]:
        """Hand connections from the plugin's own commands to the handler."""
        if self.name == KERNEL:
            raise ArgentError(f"no plugin can be called {KERNEL!r} and serve local connections")
        return self._kit.local.serve(self.name, handler)


@define(eq=False, repr=False)
class ServicesView:
    """The services that one plugin can reach."""

    _host: PluginHost
    _plugin: str

    def get(self, key: ServiceKey[T]) -> T:
        """Return a service, or raise ``ServiceMissing``."""
        found = self.find(key)
        if found is None:
            raise ServiceMissing(self._plugin, f"no running plugin offers {key.name!r}")
        return found

    def find(self, key: ServiceKey[T]) -> T | None:
        """Return a service, or None."""
        for registered in self._host.registered(Service):
            if registered.record.key == key:
                service: T = registered.live
                return service
        return None
