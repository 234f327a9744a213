"""Control: what the commands of the kernel ask of it, by name, over a local connection."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import frozen

from argent_core import codec, file_check, upkeep
from argent_core import config as configuration
from argent_core.config import shown, suggestion
from argent_core.guard import attempt
from argent_core.inbound.event_sources import source_names
from argent_core.local import Tell, unheard
from argent_core.model_trials import ModelTrials
from argent_core.models import Models
from argent_core.people import Standing, UnknownPerson
from argent_core.plugins import installed_plugins
from argent_core.spending import Spending
from argent_hookspecs import ArgentError, ConfigError, Connection

if TYPE_CHECKING:
    from argent_core.kernel import Kernel


@frozen(eq=False)
class Control:
    """The operations of a kernel."""

    kernel: Kernel

    async def serve(self, connection: Connection) -> None:
        """Do what each object on a connection asks: ``{"call": …, "arguments": {…}}``.

        The answer is ``{"result": …}`` or ``{"error": …}``; what takes long says before that how
        far it is: ``{"progress": …}``.
        """

        async def tell(progress: Mapping[str, Any]) -> None:
            await connection.send({"progress": progress})

        async for message in connection:
            try:
                arguments = message.get("arguments")
                known = arguments if isinstance(arguments, dict) else {}
                result = await self.run(str(message.get("call")), known, tell=tell)
            except ArgentError as error:
                await connection.send({"error": str(error)})
            else:
                await connection.send({"result": result})

    async def run(
        self, operation: str, arguments: Mapping[str, Any], *, tell: Tell = unheard
    ) -> Any:
        """Do one thing and return its result in JSON values.

        Args:
            tell: Told how far it is, if it takes long.
        """
        agent = self.kernel.agent
        models = Models(self.kernel.host, self.kernel.guard, self.kernel.loop.shop)
        operations: dict[str, Callable[..., Any]] = {
            "status": agent.status,
            "stop": agent.stop,
            "shutdown": self._shutdown,
            "reload": self.kernel.reload,
            "plugins.list": self._list_plugins,
            "plugins.enable": self._enable_plugin,
            "plugins.disable": self._disable_plugin,
            "plugins.approve": self._approve_plugins,
            "plugins.accept": self._accept_plugins,
            "events.list": agent.events.list,
            "events.show": agent.events.show,
            "events.retry": self._retry_event,
            "events.drop": self._drop_event,
            "replies.list": agent.replies.list,
            "replies.show": agent.replies.show,
            "replies.retry": self._retry_reply,
            "replies.drop": self._drop_reply,
            "files.check": partial(file_check.check, self.kernel.files),
            "cost": self._report_cost,
            "trace.list": agent.trace_rows.turns,
            "trace.show": agent.trace_rows.turn,
            "trace.last": agent.trace_rows.last,
            "models.list": models.catalogue,
            "models.price": models.price,
            "models.pull": partial(models.pull, tell),
            "models.test": partial(ModelTrials(models).test, tell),
            "models.named": models.named,
            "approvals.list": self._list_approvals,
            "approvals.answer": self._answer_approval,
            "pair.list": self._list_pairings,
            "pair.approve": self._approve_pairing,
            "pair.deny": agent.pairing.deny,
            "pair.invite": self._invite,
            "pair.people": agent.pairing.people.everybody,
            "pair.revoke": agent.pairing.people.revoke,
            "pair.block": self._block,
            "pair.group": self._set_group,
        }
        work = operations.get(operation)
        if work is None:
            known = ", ".join(operations)
            raise ArgentError(f"there is no operation {operation!r}; there are: {known}")
        bound = attempt(partial(inspect.signature(work).bind, **arguments))
        if bound.error is not None:
            raise ArgentError(f"{operation}: {bound.error}") from bound.error
        return await work(*bound.get().args, **bound.get().kwargs)

    async def _shutdown(self) -> None:
        self.kernel.request_stop()

    async def _report_cost(self, by: str = "day", days: int = 30) -> dict[str, Any]:
        shop = self.kernel.loop.shop
        spending = Spending(self.kernel.journal.database, shop.budget, shop.prices.date)
        return await spending.report(by, days)

    async def _list_plugins(self) -> list[dict[str, Any]]:
        new = await asyncio.to_thread(upkeep.installed_since, self.kernel)
        return sorted([*self.kernel.agent.plugins(), *new], key=lambda plugin: str(plugin["name"]))

    async def _enable_plugin(self, name: str) -> dict[str, Any]:
        return await self._switch(name, enabled=True)

    async def _disable_plugin(self, name: str) -> dict[str, Any]:
        return await self._switch(name, enabled=False)

    async def _switch(self, name: str, *, enabled: bool) -> dict[str, Any]:
        """Write the choice down and act on it, and on whatever else was written down."""
        kernel = self.kernel
        if name not in kernel.host.plugins:
            known = ", ".join(sorted(kernel.host.plugins)) or "none"
            raise ConfigError(
                f"there is no plugin {name!r}; there are: {known}. One that was installed while "
                "the agent runs is found when the agent starts again."
            )
        word = "true" if enabled else "false"
        document = configuration.inspect(kernel.home).document
        place = f"{configuration.section_of(name, document.data)}.enabled"
        configuration.set_value(kernel.home, place, text=word)
        host = kernel.host
        for other in await kernel.read_settings():
            if other != name:
                await host.restart(other)
        await (host.enable(name) if enabled else host.disable(name))
        return next(plugin for plugin in kernel.agent.plugins() if plugin["name"] == name)

    async def _approve_plugins(self, names: list[str]) -> dict[str, Any]:
        kernel = self.kernel
        new = await asyncio.to_thread(kernel.trust.approve, names)
        states = {}
        for name in new:
            known = name in kernel.host.plugins
            states[name] = str((await kernel.host.enable(name)).state) if known else ""
        return states

    async def _accept_plugins(self) -> list[str]:
        return [str(drift) for drift in await asyncio.to_thread(self.kernel.trust.accept)]

    async def _retry_event(self, id: str) -> dict[str, Any]:
        event = await self.kernel.agent.events.retry(id)
        self.kernel.loop.wake()
        return event

    async def _drop_event(self, id: str) -> dict[str, Any]:
        event = await self.kernel.agent.events.drop(id)
        self.kernel.loop.wake()  # others may have waited behind it
        return event

    async def _retry_reply(self, key: str) -> dict[str, Any]:
        reply = await self.kernel.agent.replies.retry(key)
        self.kernel.output_handlers.wake()
        return reply

    async def _drop_reply(self, key: str) -> dict[str, Any]:
        reply = await self.kernel.agent.replies.drop(key)
        self.kernel.output_handlers.wake()  # as with events
        return reply

    async def _list_approvals(self) -> list[dict[str, Any]]:
        return [codec.plain(approval) for approval in await self.kernel.agent.approvals()]

    async def _answer_approval(self, approval: str, *, allow: bool, by: str) -> bool:
        return await self.kernel.agent.answer(approval, allow=allow, by=by)

    async def _list_pairings(self) -> list[dict[str, Any]]:
        pairing = self.kernel.agent.pairing
        return await pairing.described()

    async def _approve_pairing(self, code: str, standing: str, by: str) -> dict[str, Any]:
        let_in = await self.kernel.agent.pairing.approve(code, standing=Standing(standing), by=by)
        self.kernel.output_handlers.wake()
        return let_in

    async def _block(self, channel: str, sender: str, by: str) -> dict[str, Any]:
        await self._demand_channel(channel)
        return await self.kernel.agent.pairing.people.block(channel, sender, by=by)

    async def _set_group(
        self, channel: str, chat: str, *, allowed: bool, by: str
    ) -> dict[str, Any]:
        await self._demand_channel(channel)
        people = self.kernel.agent.pairing.people
        return await people.set_group(channel, chat, allowed=allowed, by=by)

    async def _demand_channel(self, name: str) -> None:
        """Check that a channel is there, or was, or may be. Raises ``UnknownPerson``."""
        found = await self.kernel.agent.pairing.people.channels()
        installed = (plugin.name for plugin in installed_plugins())
        known = sorted({*found, *source_names(self.kernel.host), *installed})
        if name not in known:
            hint = suggestion(name, known) or f"There are: {', '.join(known)}"
            raise UnknownPerson(f"no channel {shown(name)} is known. {hint}")

    async def _invite(self, standing: str, channel: str, by: str) -> dict[str, Any]:
        return await self.kernel.agent.pairing.invite(Standing(standing), channel=channel, by=by)
