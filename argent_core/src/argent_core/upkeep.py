"""What a kernel sees to: its files, settings that are read anew, and what is due every so often."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from attrs import evolve

from argent_core import config as configuration
from argent_core.database import Database
from argent_core.encryption import Encryption
from argent_core.hosted_plugin import PluginState
from argent_core.inbound.ballast import Ballast
from argent_core.plugin_trust.approval import waiting
from argent_core.plugins import InstalledPlugin, installed_plugins
from argent_core.schema import MIGRATIONS
from argent_core.secrets import SecretStore

if TYPE_CHECKING:
    from argent_core.kernel import Kernel

_HOUSEKEEPING_SECONDS = 30.0


async def open_journal(kernel: Kernel) -> Database:
    """Let all databases be encrypted, or not, as is wanted, and open the kernel's own."""
    home, wanted = kernel.home, kernel.config.storage.encrypted
    encryption = Encryption(wanted, SecretStore(home), kernel.redactor.add)
    await asyncio.to_thread(encryption.settle_all, home.data)
    return await Ballast(home.data / "ballast").lend_to(
        lambda: Database.open(home.kernel_database, MIGRATIONS, encryption=encryption)
    )


async def read_settings(kernel: Kernel) -> list[str]:
    """Read the settings anew; return the plugins whose own have changed.

    Tiers, tool policy, limits, the budget and who is let in hold at once; the rest waits for the
    next start.
    """
    old, new = kernel.config, configuration.load(kernel.home)
    kernel.config = kernel.agent.router.config = new
    kernel.tools.settings = new.tools
    kernel.agent.approval_rows.timeout = new.tools.approval_timeout
    kernel.loop.settings = new.loop
    kernel.retention.term = new.journal.retention
    kernel.files.settings = new.files
    kernel.loop.shop = evolve(kernel.loop.shop, max_steps=new.loop.max_steps)
    kernel.loop.shop.budget.settings = new.budget
    await kernel.pairing.people.go_by(new.people)
    kernel.loop.wake()
    return [
        name
        for name in kernel.host.plugins
        if (old.plugin(name), old.may_load(name)) != (new.plugin(name), new.may_load(name))
    ]


def refusal(kernel: Kernel, name: str) -> tuple[PluginState, str] | None:
    """Say why a plugin may not run, or None if it may."""
    if not kernel.config.may_load(name):
        reason = "agent.plugins names the plugins that may load, and this is none of them"
        return PluginState.NOT_APPROVED, reason
    if name in kernel.trust.waiting:
        return PluginState.NOT_APPROVED, kernel.trust.waiting[name]
    if not kernel.config.plugin(name).enabled:
        return PluginState.DISABLED, f"enable it with: argent plugins enable {name}"
    return None


def installed_since(kernel: Kernel) -> list[dict[str, Any]]:
    """Describe the plugins that were installed since the kernel started."""
    found = installed_plugins() if kernel.plugins is None else []
    new = [plugin for plugin in found if plugin.name not in kernel.host.plugins]
    held_back = waiting(kernel.home, new)
    return [_described(kernel, plugin, held_back.get(plugin.name, "")) for plugin in new]


def _described(kernel: Kernel, plugin: InstalledPlugin, held_back: str) -> dict[str, Any]:
    state = PluginState.NOT_APPROVED if held_back else PluginState.DISCOVERED
    state, reason = refusal(kernel, plugin.name) or (state, held_back)
    late = "it was installed while the agent runs, and loads only when that starts again"
    return {
        "name": plugin.name,
        "state": str(state),
        "reason": f"{reason}; {late}" if reason else late,
        "faults": 0,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "summary": "",
    }


async def keep_house(kernel: Kernel) -> None:
    """Let what was too long under way expire, and take events again once there is room."""
    while True:
        await kernel.output_handlers.expire()
        await kernel.clock.sleep(_HOUSEKEEPING_SECONDS)
        kernel.intake.reopen_if_roomy()
