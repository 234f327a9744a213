"""The provider: one client for all models that run inside the process."""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeAlias

import jiter

from argent_hookspecs import (
    ModelInfo,
    ModelPart,
    ModelRejected,
    ModelRequest,
    ModelUnavailable,
    PluginContext,
    PullProgress,
    TextDelta,
    ToolSpec,
)
from argent_llama.answer import Answer, error_of
from argent_llama.background import SharedTask, in_thread
from argent_llama.library import Library
from argent_llama.loading import load
from argent_llama.models import LocalModel
from argent_llama.prompts import chat_messages, sampling
from argent_llama.running import RunningModel
from argent_llama.server import ServerOptions, processors
from argent_llama.settings import LlamaSettings
from argent_llama.tool_calls import AnswerReader, answer_schema, reply_name
from argent_llama.weights import WeightStore

_LONGEST_TEXT = 2048
_Use: TypeAlias = tuple[str, bool]
"""A model by its name, and whether it turns texts into vectors."""


@asynccontextmanager
async def open_client(ctx: PluginContext) -> AsyncIterator[LlamaClient]:
    """Open the provider; when it closes, every model is stopped and unloaded."""
    client = LlamaClient(ctx)
    try:
        yield client
    finally:
        await client.close()


class LlamaClient:
    """Models in this process: ``ModelClient``, ``ModelCatalogue``, ``ModelLibrary``, ``Embedder``.

    Each is fetched and loaded when it is first asked, and once more when it is first asked for
    vectors; its weights are in memory once.

    Args:
        ctx: Settings, folder, log and progress of the plugin.
    """

    def __init__(self, ctx: PluginContext) -> None:
        self._ctx = ctx
        self._settings: LlamaSettings = ctx.settings
        self._store = WeightStore(ctx)
        self._library = Library(ctx, self._store)
        self._loading: dict[_Use, SharedTask[RunningModel]] = {}
        self._running: dict[_Use, RunningModel] = {}
        self._users: Counter[_Use] = Counter()
        self._unloading: dict[_Use, asyncio.Task[None]] = {}

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known about a model, without loading it. Raises ``ModelRejected``."""
        return await self._library.describe(model)

    async def models(self) -> Sequence[ModelInfo]:
        """Return the models that can be asked now. Raises ``ModelError``."""
        return await self._library.models()

    async def pull(self, model: str) -> AsyncGenerator[PullProgress]:
        """Fetch a model, telling how far it is. Raises ``ModelError``."""
        async with aclosing(self._library.pull(model)) as progress:
            async for told in progress:
                yield told

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """Answer a request, part by part; see ``ModelClient.stream``."""
        if not request.messages:
            raise ModelRejected("there is nothing to answer: the request has no message")
        model = self._library.find(request.model)
        tools = request.tools if request.may_call and self._offers_tools(model) else ()
        async with self._use(model) as running:
            body = self._body(request, tools, model)
            if tools:
                body["grammar"] = running.server.grammar(answer_schema(tools))
            answer = Answer(AnswerReader(reply_name(tools)) if tools else None)
            try:
                async with aclosing(running.chunks(body)) as chunks:
                    async for chunk in chunks:
                        if words := answer.take(jiter.from_json(chunk)):
                            yield TextDelta(words)
            except RuntimeError as error:
                raise ModelRejected(f"{model.title} cannot read this request: {error}") from error
            self._ctx.log.debug("answered", extra=answer.figures)
            if call := answer.call():
                yield call
            yield answer.finish(called=call is not None)

    async def embed(self, model: str, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return one vector for each text; see ``Embedder.embed``."""
        if not texts:
            return []
        async with self._use(self._library.find(model), vectors=True) as running:
            try:
                answers = await running.embed(texts)
            except RuntimeError as error:
                raise ModelUnavailable(f"{model} makes no vectors: {error}") from error
        vectors: list[Sequence[float]] = []
        for answer in answers:
            if "error" in answer:
                raise error_of(answer["error"])
            rows = sorted(answer["data"], key=lambda row: int(row["index"]))
            vectors += [row["embedding"] for row in rows]
        return vectors

    async def close(self) -> None:
        """Stop and unload every model, and wait until that is done."""
        for task in list(self._loading.values()):
            await task.cancel()
        unloading = list(self._unloading.values())
        for sleeping in unloading:
            sleeping.cancel()
        if unloading:
            await asyncio.wait(unloading)
        while self._running:
            _, running = self._running.popitem()
            await running.close()

    def _offers_tools(self, model: LocalModel) -> bool:
        wish = self._settings.tools
        return wish == "always" or (wish == "auto" and model.calls_tools)

    def _body(
        self, request: ModelRequest, tools: tuple[ToolSpec, ...], model: LocalModel
    ) -> dict[str, Any]:
        in_words = None if tools else model.entry
        manner = in_words.manner if in_words else ""
        most = request.max_output_tokens
        if in_words and in_words.longest:
            most = min(most, in_words.longest)
        return {
            "messages": chat_messages(request, tools=tools, manner=manner),
            "max_tokens": max(1, most),
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,
            "cache_prompt": True,
            "chat_template_kwargs": {"enable_thinking": False},
            **sampling(in_words, temperature=self._settings.temperature),
        }

    @asynccontextmanager
    async def _use(
        self, model: LocalModel, *, vectors: bool = False
    ) -> AsyncIterator[RunningModel]:
        use = (model.name, vectors)
        self._users[use] += 1
        if use in self._running and (sleeping := self._unloading.pop(use, None)):
            sleeping.cancel()
        try:
            yield await self._get(model, use)
        finally:
            self._users[use] -= 1
            if not self._users[use] and use in self._running and self._settings.idle_unload:
                self._unloading[use] = asyncio.create_task(self._unload_later(use))

    async def _get(self, model: LocalModel, use: _Use) -> RunningModel:
        if running := self._running.get(use):
            return running
        task = self._loading.get(use)
        if task is None or task.done:
            task = self._loading[use] = SharedTask(self._load(model, use))
        return await task.wait()

    async def _load(self, model: LocalModel, use: _Use) -> RunningModel:
        if model.weights:
            await self._store.fetch(model.weights)
        size = model.path.stat().st_size if model.path.exists() else 0
        activity = f"loading {model.title}"

        def report(done: int) -> None:
            self._ctx.progress(activity, done=done, total=size, unit="B")

        options = self._options(vectors=use[1])
        server = await in_thread(functools.partial(load, model, options=options, report=report))
        running = RunningModel(server, parallel=options.parallel)
        self._running[use] = running
        return running

    def _options(self, *, vectors: bool) -> ServerOptions:
        settings = self._settings
        return ServerOptions(
            context=min(settings.context, _LONGEST_TEXT) if vectors else settings.context,
            parallel=1 if vectors else settings.parallel,
            threads=settings.threads or processors(),
            vectors=vectors,
        )

    async def _unload_later(self, use: _Use) -> None:
        await self._ctx.clock.sleep(self._settings.idle_unload)
        running = self._running.pop(use)
        await running.close()
        self._ctx.log.info("unloaded, since it was idle", extra={"model": use[0]})
