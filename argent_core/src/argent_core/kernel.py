"""The kernel: builds everything, starts it in order, and stops it in reverse."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

from attrs import define, field

from argent_core import config as configuration
from argent_core import home_lock, upkeep
from argent_core import log as log_file
from argent_core.agent import KernelAgent
from argent_core.clock import SystemClock
from argent_core.config import Config
from argent_core.control import Control
from argent_core.database import Database
from argent_core.embedding_models import EmbeddingModels
from argent_core.files import FileStore
from argent_core.first_run import prepare_home
from argent_core.guard import Guard
from argent_core.host import PluginHost
from argent_core.inbound.ballast import Ballast
from argent_core.inbound.event_list import EventList
from argent_core.inbound.event_sources import EventSources
from argent_core.inbound.gate import Gate
from argent_core.inbound.intake import Intake
from argent_core.inbound.journal import Journal
from argent_core.inbound.soundness import Soundness, loss
from argent_core.jobs import Jobs
from argent_core.link import KERNEL
from argent_core.local import LocalServer
from argent_core.loop.agent_loop import AgentLoop
from argent_core.loop.approvals import Approvals
from argent_core.loop.attachments import Attachments
from argent_core.loop.budget import Budget
from argent_core.loop.commands import Commands
from argent_core.loop.context import Context
from argent_core.loop.filters import Filters
from argent_core.loop.model_router import ModelRouter
from argent_core.loop.model_stream import ModelStream
from argent_core.loop.prices import Prices
from argent_core.loop.provider_health import ProviderHealth
from argent_core.loop.tools import Tools
from argent_core.loop.workshop import Workshop
from argent_core.loop.workspace_files import WorkspaceFiles
from argent_core.outbound.observers import Observers
from argent_core.outbound.outbox import Outbox
from argent_core.outbound.output_handlers import OutputHandlers
from argent_core.pairing import Pairing
from argent_core.paths import Home
from argent_core.people import People
from argent_core.plugin_context import Kit
from argent_core.plugin_trust.approval import PluginTrust
from argent_core.plugins import InstalledPlugin, LoadedPlugin, installed_plugins
from argent_core.redaction import Redactor
from argent_core.retention import Retention
from argent_core.running import end, keep_running
from argent_core.secrets import SecretResolver
from argent_core.trace import Trace
from argent_hookspecs import Clock, ModelProvider, PluginContext, Service

log = logging.getLogger("argent.kernel")


@define(eq=False, repr=False)
class Kernel:
    """One agent's kernel. ``async with Kernel(home) as kernel:`` runs it for the block.

    Args:
        home: Where everything of the agent is.
        plugins: What to run; what is installed, if not given.
        clock: Time; the system's, if not given.
        listening: Whether it works: takes events, makes turns, sends replies. A kernel that does
            not, only looks: it loads the plugins and opens their services and models.
        log_to_stderr: Whether people read the log along.
    """

    home: Home
    plugins: Sequence[InstalledPlugin] | None = None
    clock: Clock = field(factory=SystemClock)
    listening: bool = True
    log_to_stderr: bool = False
    config: Config = field(init=False)
    host: PluginHost = field(init=False)
    guard: Guard = field(init=False)
    intake: Intake = field(init=False)
    journal: Journal = field(init=False)
    loop: AgentLoop = field(init=False)
    tools: Tools = field(init=False)
    outbox: Outbox = field(init=False)
    pairing: Pairing = field(init=False)
    retention: Retention = field(init=False)
    files: FileStore = field(init=False)
    output_handlers: OutputHandlers = field(init=False)
    observers: Observers = field(init=False)
    local: LocalServer = field(init=False)
    trust: PluginTrust = field(init=False)
    agent: KernelAgent = field(init=False)
    control: Control = field(init=False)
    redactor: Redactor = field(factory=Redactor)
    _kit: Kit = field(init=False)
    _stack: AsyncExitStack = field(factory=AsyncExitStack)
    _ended: asyncio.Event = field(factory=asyncio.Event)
    _failure: BaseException | None = None

    async def __aenter__(self) -> Kernel:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Start everything, in order.

        Raises:
            ConfigError: The home or a setting is wrong.
            HomeInUse: Another kernel runs on this home.
            StorageError: The database cannot be used.
        """
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Stop everything, in reverse; turns under way go on at the next start."""
        await self._stack.aclose()

    def request_stop(self) -> None:
        """Let whoever waits for the end know that it is time."""
        self._ended.set()

    async def wait(self) -> None:
        """Wait until the end is requested. Raises what broke the kernel, if something did."""
        await self._ended.wait()
        if self._failure is not None:
            raise self._failure

    async def reload(self) -> list[str]:
        """Read the settings anew and restart the plugins whose own have changed; return them."""
        changed = await self.read_settings()
        for name in changed:
            await self.host.restart(name)
        return changed

    async def read_settings(self) -> list[str]:
        """Read the settings anew; return the plugins whose own have changed."""
        return await upkeep.read_settings(self)

    async def _start(self, stack: AsyncExitStack) -> None:
        prepare_home(self.home)
        self.config = configuration.load(self.home)
        stack.callback((await home_lock.take(self.home)).release)
        lost = loss(self.home)
        level, redactor = self.config.log.level, self.redactor
        stack.enter_context(
            log_file.configure(self.home, level, redactor=redactor, stderr=self.log_to_stderr)
        )
        for warning in (*self.config.warnings, *lost):
            log.warning("%s", warning)
        self.guard = Guard(on_fault=lambda plugin, reason: self.host.blame(plugin, reason))
        self.guard.install()
        stack.callback(self.guard.uninstall)
        database = await upkeep.open_journal(self)
        stack.push_async_callback(database.close)
        self._build(database)
        await self._start_plugins(stack)
        if self.listening:
            await self._listen(stack)

    def _build(self, database: Database) -> None:
        """Make every part of the kernel and tell each of the others that it needs."""
        self.host = PluginHost(
            self.guard,
            self.context_of,
            partial(upkeep.refusal, self),
            lambda name: self._kit.close(name),
            self.redactor.redact,
        )
        self.observers = Observers(self.guard)
        self.journal = Journal(database, self.clock)
        self.outbox = Outbox(database, self.clock)
        self.pairing = Pairing(People(database, self.clock, self.config.people))
        term, results = self.config.journal.retention, self.home.data / "results"
        self.files = FileStore(self.home.data / "files", database, self.clock, self.config.files)
        self.retention = Retention(self.journal, term, results, files=self.files)
        publish = self.observers.publish
        self.output_handlers = OutputHandlers(
            self.host, self.guard, self.outbox, publish, make_room=lambda: self.intake.make_room()
        )
        self._build_loop(database)
        gate = Gate(
            self.journal,
            self.pairing,
            self.config.agent.id,
            publish=publish,
            replied=self.output_handlers.wake,
        )
        self.intake = Intake(
            self.journal,
            gate,
            self.guard,
            Ballast(self.home.data / "ballast"),
            stop=partial(self.loop.stop, reason="stopped by the person"),
            stored=self.loop.wake,
            heard_from=self.output_handlers.hear_from,
            publish=publish,
        )
        self._build_agent(database)

    def _build_loop(self, database: Database) -> None:
        """Make the loop and what its turns work with."""
        settings, redact, publish = self.config, self.redactor.redact, self.observers.publish
        approvals = Approvals(
            self.journal, settings.tools.approval_timeout, lambda: self.pairing.people.owner_at
        )
        filters = Filters(self.host, self.guard)
        self.tools = Tools(
            self.host,
            self.guard,
            filters,
            approvals,
            settings.tools,
            results=self.retention.results,
            redact=redact,
        )
        router = ModelRouter(self.host, self.guard, self.tools, settings)
        files = WorkspaceFiles(settings.agent.workspace)
        attached = Attachments(self.host, self.guard, self.files)
        workshop = Workshop(
            journal=self.journal,
            filters=filters,
            context=Context(self.host, self.guard, database, files, attached),
            router=router,
            commands=Commands(database, router, status=lambda: self.agent.status()),
            model_stream=ModelStream(self.guard),
            health=ProviderHealth(self.clock),
            budget=Budget(settings.budget, self.clock),
            prices=Prices(),
            approvals=approvals,
            tools=self.tools,
            max_steps=settings.loop.max_steps,
            publish=publish,
            redact=redact,
            make_room=lambda: self.intake.make_room(),
            longest=self.output_handlers.longest,
        )
        self.loop = AgentLoop(workshop, settings.loop, delivered=self._turn_ended)
        self.pairing.people.end_turns = self.loop.end

    def _build_agent(self, database: Database) -> None:
        """Make what commands, channels and plugins see of the kernel."""
        self.trust = PluginTrust(self.home)
        self.agent = KernelAgent(
            self.config.agent.id,
            self.host,
            self.guard,
            EventList(self.journal),
            Trace(database, self.redactor.redact),
            self.loop,
            self.loop.shop.approvals,
            self.loop.shop.router,
            self.outbox,
            self.trust,
            self.pairing,
            refusing=lambda: self.intake.closed,
            delivered=self.output_handlers.wake,
        )
        self.local = LocalServer(self.home, self.guard, self.host.why_down)
        self.control = Control(self)
        self._kit = Kit(
            self.home,
            self.host,
            self.guard,
            self.intake,
            self.observers,
            self.local,
            self.agent,
            self.clock,
            SecretResolver(self.home, self.redactor),
            self.files,
            working=self.loop.extend_deadlines,
            local_endpoint=lambda: self.config.models.routing.local_endpoint,
            workspace=self.config.agent.workspace,
            embedding_models=EmbeddingModels(self.host, self.guard, self.loop.shop),
        )

    async def _start_plugins(self, stack: AsyncExitStack) -> None:
        self.host.followers += [self.tools]
        if self.listening:
            sources = EventSources(self.guard, self.intake, self.host.mend)
            jobs = Jobs(self.guard, self.clock)
            self.host.followers += [self.observers, sources, jobs, self.output_handlers]
        else:
            self.host.opened = (Service, ModelProvider)
        found = self.plugins
        if found is None:
            found, named = installed_plugins(), self.config.agent.plugins or ()
            await asyncio.to_thread(self.trust.begin, found, named)
        stack.push_async_callback(self.host.stop)
        await self.host.start(found)
        if self.listening and not self.host.starting:
            for problem in self.agent.idle_settings():
                log.warning("%s", problem)

    async def _listen(self, stack: AsyncExitStack) -> None:
        self.intake.ballast.restore()
        await self.pairing.people.go_by(self.config.people)
        recovered = await self.journal.recover()
        if recovered:
            log.info("%d events go on that were under way at the last end", recovered)
        stack.push_async_callback(self.loop.put_back)
        stack.push_async_callback(self.output_handlers.end)
        works = {
            "loop": self.loop.run,
            "outbox": self.output_handlers.run,
            "housekeeping": lambda: upkeep.keep_house(self),
            "soundness": Soundness(self.journal, self.intake.cope).run,
            "retention": self.retention.run,
        }
        for name, work in works.items():
            kept = keep_running(name, work, cope=self.intake.cope, broke=self._break)
            task = asyncio.create_task(kept, name=name)
            stack.push_async_callback(end, task)
        await stack.enter_async_context(self.local.serve(KERNEL, self.control.serve))
        await stack.enter_async_context(self.local.listen())

    def _break(self, error: BaseException | None) -> None:
        self._failure = error
        self.request_stop()

    def _turn_ended(self) -> None:
        self.output_handlers.wake()
        self.intake.drained()

    def context_of(self, loaded: LoadedPlugin) -> PluginContext:
        """Make what a plugin is given."""
        self.guard.watchdog.learn(loaded.package, loaded.name)
        settings, kind = None, loaded.record.settings
        if kind is not None:
            section = self.config.plugin(loaded.name).section
            settings = configuration.structure_plugin_settings(loaded.name, kind, section=section)
        return self._kit.context(loaded.name, settings)
