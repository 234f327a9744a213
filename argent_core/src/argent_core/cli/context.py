"""What commands find in ``click``'s ``obj``. It imports nothing until it is asked for something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from argent_core.local import LocalCommandContext
    from argent_core.paths import Home
    from argent_hookspecs import Connection


class LazyContext:
    """The contract's ``SetUpContext``, and a little more for the kernel's own commands.

    Args:
        explicit: The home that was asked for with ``--home``.
    """

    def __init__(self, explicit: str | None = None) -> None:
        self._explicit = explicit
        self._home: Home | None = None
        self._local: LocalCommandContext | None = None

    @property
    def place(self) -> Home:
        """The home, with the names of what is in it."""
        if self._home is None:
            from pathlib import Path

            from argent_core.paths import Home

            self._home = Home.find(Path(self._explicit) if self._explicit else None)
        return self._home

    @property
    def local(self) -> LocalCommandContext:
        """The way to the kernel that runs on this home."""
        if self._local is None:
            from argent_core.local import LocalCommandContext

            self._local = LocalCommandContext(self.place)
        return self._local

    @property
    def home(self) -> Path:
        """The folder of this agent."""
        return self.place.root

    def operate(
        self, operation: str, *, with_plugins: bool = False, **arguments: Any
    ) -> tuple[Any, bool]:
        """Have the running kernel do something, or do it here while none runs.

        Args:
            with_plugins: Whether the plugins are needed for it.

        Returns:
            The result, and whether a kernel runs.
        """
        from argent_core.link import Unreachable

        try:
            return self.ask(operation, **arguments), True
        except Unreachable:
            import asyncio

            work = self.local.operate_here(operation, arguments, with_plugins=with_plugins)
            return asyncio.run(work), False

    def call(self, operation: str, **arguments: Any) -> Any:
        """Have the running kernel do something; without one, tell the person so."""
        from argent_core.link import Unreachable

        try:
            return self.ask(operation, **arguments)
        except Unreachable as error:
            raise click.ClickException(str(error)) from error

    def ask(self, operation: str, **arguments: Any) -> Any:
        """Have the running kernel do something. Raises ``Unreachable``."""
        from argent_core import link

        answer = link.ask(self.place, operation, arguments=arguments)
        if "error" in answer:
            raise click.ClickException(str(answer["error"]))
        return answer.get("result")

    def keep_secret(self, name: str, value: str) -> str:
        """Store a secret and return the reference to it."""
        from argent_core.secrets import SecretStore

        self.place.create()
        SecretStore(self.place).set(name, value)
        return f"store:{name}"

    def set_setting(self, path: str, value: str) -> None:
        """Set a setting, and have an agent that runs go by it."""
        from argent_core.cli.config import tell_running_kernel
        from argent_core.config import set_value
        from argent_core.settings_check import settings_classes

        self.place.create()
        set_value(self.place, path, text=value, classes=settings_classes(self.place))
        tell_running_kernel(self)

    def invite(self, channel: str, *, owner: bool = False) -> str:
        """Return a code that lets in whoever sends it on a channel."""
        from argent_core.cli.user import user_name

        standing = "owner" if owner else "paired"
        made, _ = self.operate("pair.invite", standing=standing, channel=channel, by=user_name())
        return str(made["code"])

    def running_kernel(self) -> AbstractAsyncContextManager[None]:
        """Return a running kernel: the one on this home, or one for the block only."""
        return self.local.running_kernel()

    def connect(self, plugin: str) -> AbstractAsyncContextManager[Connection]:
        """Return a connection to what a plugin serves."""
        return self.local.connect(plugin)
