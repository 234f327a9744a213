"""A loaded model as seen from the event loop: answers stream in, and can be stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from argent_hookspecs import ModelUnavailable
from argent_llama.server import ModelServer

_TEXTS_AT_ONCE = 8


class RunningModel:
    """A model in memory, and the threads in which it answers.

    Args:
        server: The model.
        parallel: Answers that it gives at a time; further ones wait their turn.
    """

    def __init__(self, server: ModelServer, *, parallel: int) -> None:
        self._server: ModelServer | None = server
        self._closing = False
        self._turns = asyncio.Semaphore(parallel)
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="argent-llama")
        self._answers: dict[asyncio.Future[Any], threading.Event] = {}

    @property
    def server(self) -> ModelServer:
        """The model. Raises ``ModelUnavailable`` once it is being closed."""
        if self._server is None or self._closing:
            raise ModelUnavailable("the model has been unloaded")
        return self._server

    async def chunks(self, body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        """Answer a chat request, piece by piece, each as JSON.

        Closing the iterator stops the model at its next word, or at the next batch of the prompt.
        It is not waited for; ``close`` does that. Raises ``ModelUnavailable`` if the model is
        closed meanwhile.
        """
        await self._turns.acquire()
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[bytes | None] = asyncio.Queue()
        stopped = threading.Event()

        def on_chunk(chunk: bytes) -> bool:
            if not stopped.is_set():
                loop.call_soon_threadsafe(arrived.put_nowait, chunk)
            return stopped.is_set()

        def on_end(answer: asyncio.Future[None]) -> None:
            del self._answers[answer]
            self._turns.release()
            arrived.put_nowait(None)
            if not answer.cancelled():
                answer.exception()

        try:
            answer = loop.run_in_executor(self._threads, self.server.complete, body, on_chunk)
        except ModelUnavailable:
            self._turns.release()
            raise
        self._answers[answer] = stopped
        answer.add_done_callback(on_end)
        try:
            while (chunk := await arrived.get()) is not None:
                yield chunk
            answer.result()
            if stopped.is_set():
                raise ModelUnavailable("the model was unloaded while it answered")
        finally:
            stopped.set()

    async def embed(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Turn texts into vectors, a few at a time; return what the model gave, one for each few.

        A caller that gives up waits for the few under way. Raises ``ModelUnavailable`` if the
        model is closed meanwhile.
        """
        loop, found = asyncio.get_running_loop(), []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            some = texts[start : start + _TEXTS_AT_ONCE]
            work = loop.run_in_executor(self._threads, self.server.embed, some)
            self._answers[work] = threading.Event()
            work.add_done_callback(self._answers.pop)
            try:
                found.append(await asyncio.shield(work))
            finally:
                await asyncio.wait([work])
        return found

    async def close(self) -> None:
        """Stop every answer, wait until the last has ended, and give the memory back."""
        self._closing = True
        for stopped in self._answers.values():
            stopped.set()
        if self._answers:
            await asyncio.wait(list(self._answers))
        await asyncio.to_thread(self._unload)

    def _unload(self) -> None:
        self._threads.shutdown()
        self._server = None
