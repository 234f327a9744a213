"""Every hook, in the order in which a plugin's life and a message meet them.

A hook implementation registers: it is an ordinary function that takes ``ctx``, is called once when
its plugin is activated, and returns records. The kernel runs what is in the records. An
implementation may leave the parameter out if it does not need it.

Each docstring says what the hook is for, when it is called, shows an example, and names the version
of the contract that brought it.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from argent_hookspecs.context import ContextProvider
from argent_hookspecs.event_sources import Channel, EventSource
from argent_hookspecs.filters import Filter
from argent_hookspecs.health import HealthCheck
from argent_hookspecs.jobs import Job
from argent_hookspecs.models import ModelProvider, ModelTier
from argent_hookspecs.observers import Observer
from argent_hookspecs.output_handlers import OutputHandler
from argent_hookspecs.plugin import Plugin
from argent_hookspecs.plugin_context import PluginContext
from argent_hookspecs.services import Service
from argent_hookspecs.tools import Tool

hookspec = pluggy.HookspecMarker("argent")
hookimpl = pluggy.HookimplMarker("argent")
"""Marks a function of a plugin as the implementation of a hook."""


@hookspec
def argent_plugin() -> Plugin:  # type: ignore[empty-body]
    """Say who the plugin is, which settings it has, and which services it needs.

    Called once, first, when the plugin is loaded; it takes no ``ctx``, since its answer is what
    ``ctx`` is made from.

    Example::

        @hookimpl
        def argent_plugin():
            return Plugin(summary="The weather where you are.", settings=WeatherSettings)

    Since 0.1.
    """


@hookspec
def argent_services(ctx: PluginContext) -> Iterable[Service[object]]:  # type: ignore[empty-body]
    """Offer services to other plugins.

    Called when the plugin starts, after those whose services it requires are running.

    Example::

        @hookimpl
        def argent_services(ctx):
            return [Service(key=SCORER, open=lambda: nullcontext(LengthScorer()))]

    Since 0.1.
    """


@hookspec
def argent_event_sources(ctx: PluginContext) -> Iterable[EventSource]:  # type: ignore[empty-body]
    """Add things that wake the agent.

    Called when the plugin starts; its sources begin to listen as soon as it has.

    Example::

        class Mailbox:
            async def listen(self, feed):
                async for mail in new_mail(since=feed.cursor):
                    await feed.emit(
                        Event(kind="mail", conversation="mail", content=mail.text),
                        cursor=mail.id,
                    )

        @hookimpl
        def argent_event_sources(ctx):
            return [EventSource(id="mailbox", open=lambda: nullcontext(Mailbox()))]

    Since 0.1.
    """


@hookspec
def argent_channels(ctx: PluginContext) -> Iterable[Channel]:  # type: ignore[empty-body]
    """Add places where people talk with the agent.

    Called when the plugin starts. A channel both listens and delivers.

    Example::

        class Irc:
            async def listen(self, feed): ...
            async def deliver(self, reply):
                return Receipt(await self.say(reply.to.chat, reply.text))

        @hookimpl
        def argent_channels(ctx):
            return [Channel(id="irc", open=lambda: connect(ctx.settings))]

    Since 0.1.
    """


@hookspec
def argent_filters(ctx: PluginContext) -> Iterable[Filter]:  # type: ignore[empty-body]
    """Look at events, tool calls and replies as they pass; change or reject them.

    Called when the plugin starts.

    Example::

        async def no_shouting(event):
            return Reject("shouting") if event.text.isupper() else event

        @hookimpl
        def argent_filters(ctx):
            return [Filter(id="manners", event=no_shouting)]

    Since 0.1.
    """


@hookspec
def argent_context_providers(ctx: PluginContext) -> Iterable[ContextProvider]:  # type: ignore[empty-body]
    """Tell the model what it should know besides the conversation.

    Called when the plugin starts; the providers are asked once in every turn, side by side.

    Example::

        async def weather(request):
            return [ContextBlock(text="It rains.", source="weather", trust=Trust.OUTSIDE)]

        @hookimpl
        def argent_context_providers(ctx):
            return [ContextProvider(id="weather", provide=weather)]

    Since 0.1.
    """


@hookspec
def argent_model_providers(ctx: PluginContext) -> Iterable[ModelProvider]:  # type: ignore[empty-body]
    """Add places where models run.

    Called when the plugin starts.

    Example::

        class Echo:
            async def stream(self, request):
                yield TextDelta(request.messages[-1].text)
                yield Finish()

            async def describe(self, model):
                return ModelInfo(id=model, context_window=4096, price=FREE)

        @hookimpl
        def argent_model_providers(ctx):
            return [ModelProvider(id="echo", open=lambda: nullcontext(Echo()))]

    Since 0.1.
    """


@hookspec
def argent_model_tiers(ctx: PluginContext) -> Iterable[ModelTier]:  # type: ignore[empty-body]
    """Say which model serves which class of work.

    Called when the plugin starts.

    Example::

        @hookimpl
        def argent_model_tiers(ctx):
            return [ModelTier(id="echo", name="local", below=0.3, provider="echo", model="echo-1")]

    Since 0.1.
    """


@hookspec
def argent_tools(ctx: PluginContext) -> Iterable[Tool]:  # type: ignore[empty-body]
    """Add things that the agent can do.

    Called when the plugin starts.

    Example::

        @tool(effect=Effect.IDEMPOTENT)
        async def coin() -> str:
            "Toss a coin."
            return random.choice(["heads", "tails"])

        @hookimpl
        def argent_tools(ctx):
            return [coin]

    Since 0.1.
    """


@hookspec
def argent_output_handlers(ctx: PluginContext) -> Iterable[OutputHandler]:  # type: ignore[empty-body]
    """Add ways out that nobody talks back through: a printer, a log, a speaker.

    Called when the plugin starts.

    Example::

        class Printer:
            async def deliver(self, reply):
                return Receipt(await print_page(reply.text))

        @hookimpl
        def argent_output_handlers(ctx):
            return [OutputHandler(id="printer", open=lambda: nullcontext(Printer()))]

    Since 0.1.
    """


@hookspec
def argent_observers(ctx: PluginContext) -> Iterable[Observer]:  # type: ignore[empty-body]
    """Watch what happens, without a say in it.

    Called when the plugin starts.

    Example::

        async def count(notice):
            TURNS.inc()

        @hookimpl
        def argent_observers(ctx):
            return [Observer(id="metrics", notify=count, kinds=(TurnFinished,))]

    Since 0.1.
    """


@hookspec
def argent_jobs(ctx: PluginContext) -> Iterable[Job]:  # type: ignore[empty-body]
    """Do something every so often.

    Called when the plugin starts.

    Example::

        @hookimpl
        def argent_jobs(ctx):
            return [Job(id="tidy", run=tidy, every=timedelta(hours=6))]

    Since 0.1.
    """


@hookspec
def argent_health_checks(ctx: PluginContext) -> Iterable[HealthCheck]:  # type: ignore[empty-body]
    """Say whether what the plugin depends on is well.

    Called when the plugin starts; the checks are run by ``argent doctor`` and
    ``argent status --deep``.

    Example::

        async def reachable():
            return Health(await ping(), "the printer answers", remedy="Switch the printer on.")

        @hookimpl
        def argent_health_checks(ctx):
            return [HealthCheck(id="printer", check=reachable)]

    Since 0.1.
    """
