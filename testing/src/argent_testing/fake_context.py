"""A plugin's context without a kernel, for tests of model providers that open one many times."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Self, cast

from attrs import define, evolve, field, frozen

from argent_core.downloads import DownloadStore, PluginDownloads
from argent_hookspecs import ModelProvider, PluginContext, Secret, SecretError
from argent_testing.clock import FakeClock
from argent_testing.downloads import downloads_beside
from argent_testing.fake_files import FakeFiles


@frozen
class ProgressNote:
    """What a plugin told of its progress."""

    activity: str
    done: float = 0
    total: float | None = None
    unit: str = ""


@define
class FakeSecrets:
    """The secrets that a test knows, by reference; any other is refused."""

    values: dict[str, str] = field(factory=dict, repr=False)

    async def reveal(self, secret: Secret) -> str:
        """Return a value. Raises ``SecretError``."""
        if secret.ref not in self.values:
            raise SecretError(f"there is no {secret.ref.partition(':')[2]}")
        return self.values[secret.ref]


@define
class FakeContext:
    """As much of a ``PluginContext`` as model providers use; ``load_plugin`` gives a real one.

    Args:
        plugin: The plugin's module.
        settings: An object of its settings class.
        secrets: What its references lead to.
        clock: Time; it stands still.
        notes: What it told of its progress.
        data: Its folder, if it may have one.
        workspace: The folder of workspace files, if there is one.
        local_endpoint: What the configuration says of models on this machine.
        files: Attachments.
    """

    plugin: ModuleType
    settings: Any
    secrets: FakeSecrets = field(factory=FakeSecrets)
    clock: FakeClock = field(factory=FakeClock)
    notes: list[ProgressNote] = field(factory=list)
    data: Path | None = None
    workspace: Path | None = None
    local_endpoint: str = "http://localhost:11434"
    files: FakeFiles = field(factory=FakeFiles)
    _downloads: DownloadStore | None = None

    @property
    def name(self) -> str:
        """Name of the plugin."""
        return self.plugin.__name__.removeprefix("argent_")

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """Its log."""
        return _Log(logging.getLogger(f"argent.{self.name}"), {})

    @property
    def downloads(self) -> PluginDownloads:
        """Files that are fetched, into a folder beside the plugin's own."""
        if self._downloads is None:
            assert self.data is not None
            self._downloads = DownloadStore(downloads_beside(self.data))
        return PluginDownloads(self._downloads, self.progress, self.log)

    @property
    def given(self) -> PluginContext:
        """The context, for calls of hooks."""
        return cast(PluginContext, self)

    def progress(
        self, activity: str, *, done: float = 0, total: float | None = None, unit: str = ""
    ) -> None:
        """Note how far the plugin is."""
        self.notes.append(ProgressNote(activity, done, total, unit))

    def with_settings(self, **changes: Any) -> Self:
        """Return a context with other settings."""
        return evolve(self, settings=evolve(self.settings, **changes))

    def providers(self) -> dict[str, ModelProvider]:
        """Return what the plugin's hook yields, by id."""
        return {one.id: one for one in self.plugin.argent_model_providers(self.given)}

    @asynccontextmanager
    async def open(self, id: str = "") -> AsyncIterator[Any]:
        """Open a provider, the only one if not named, as the kernel would."""
        providers = self.providers()
        (record,) = [providers[id]] if id else providers.values()
        async with record.open() as client:
            yield client


class _Log(logging.LoggerAdapter[logging.Logger]):
    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Leave the fields of a line to themselves."""
        return msg, kwargs
