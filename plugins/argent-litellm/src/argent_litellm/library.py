"""The boundary to LiteLLM: the only file that knows it.

It takes seconds to import, so that is done in a thread, when a model is first asked.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from attrs import frozen

from argent_hookspecs import ModelInfo, ModelRejected, ModelUnavailable, Price
from argent_litellm.failures import failure

PINNED = "1.106.2"
"""The version that this plugin works with."""
INSTALL = 'pip install "argent-litellm[sdk]"'
"""What installs it."""
_WINDOW = 8192
_CLOSE_SECONDS = 5.0
_REASONS = ("received_finish_reason", "intermittent_finish_reason")
_ERRORS = (("openai", "OpenAIError"), ("httpx", "HTTPError"), ("aiohttp", "ClientError"))


def wrong_version() -> str:
    """Say what is wrong with the LiteLLM that is installed, or nothing."""
    try:
        found = version("litellm")
    except PackageNotFoundError:
        return "LiteLLM is not installed"
    return "" if found == PINNED else f"LiteLLM {found} is installed, not {PINNED}"


def load() -> Library:
    """Import LiteLLM. Raises ``ModelRejected`` if it is not there, or not the pinned version."""
    if wrong := wrong_version():
        raise ModelRejected(f"{wrong}; {INSTALL}")
    # It would fetch its price list from the network while it is imported.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    module: Any = importlib.import_module("litellm")
    module.suppress_debug_info = True
    module.disable_streaming_logging = True
    # A first answer imports the rest, which would otherwise hold up the event loop.
    ask = [{"role": "user", "content": "?"}]
    module.completion(model="gpt-4o-mini", messages=ask, mock_response="!", api_key="none")
    errors = tuple(getattr(importlib.import_module(name), kind) for name, kind in _ERRORS)
    return Library(module, errors, _session(module))


def _session(module: Any) -> Any:
    """Have it ask with connections that nobody sends elsewhere, with all that was said."""
    own = importlib.import_module("litellm.llms.openai.common_utils").BaseOpenAILLM
    module.aclient_session = None
    session = own._get_async_http_client()
    session.follow_redirects = False
    module.aclient_session = session
    return session


@frozen(repr=False)
class Library:
    """LiteLLM, imported."""

    _module: Any
    _errors: tuple[type[Exception], ...]
    _session: Any

    async def close(self) -> None:
        """End what LiteLLM keeps running, and close its connections."""
        worker = importlib.import_module("litellm.litellm_core_utils.logging_worker")
        await worker.GLOBAL_LOGGING_WORKER.stop()
        clients = importlib.import_module("litellm.llms.custom_httpx.async_client_cleanup")
        await clients.close_litellm_async_clients()
        if self._module.aclient_session is self._session:
            self._module.aclient_session = None
        await self._session.aclose()
        before = asyncio.all_tasks()
        self._module.in_memory_llm_clients_cache.flush_cache()
        if closing := asyncio.all_tasks() - before:
            # What it throws away closes its connections by itself, a little later.
            await asyncio.wait(closing, timeout=_CLOSE_SECONDS)

    def vendor(self, model: str) -> str:
        """Return LiteLLM's name of a model's provider. Raises ``ModelRejected``."""
        try:
            return str(self._module.get_llm_provider(model)[1])
        except self._errors as error:
            raise ModelRejected(
                f"LiteLLM does not know who has the model {model}; call it as LiteLLM does, such "
                "as groq/llama-3.3-70b-versatile"
            ) from error

    def describe(self, model: str, *, window: int | None) -> ModelInfo:
        """Say what LiteLLM knows about a model; a careful guess, if it knows nothing."""
        facts: Mapping[str, Any] = self._module.model_cost.get(model) or {}
        read = facts.get("max_input_tokens") or facts.get("max_tokens")
        return ModelInfo(
            id=model,
            context_window=int(read or window or _WINDOW),
            price=_price(facts),
            max_output=facts.get("max_output_tokens"),
            takes_images=bool(facts.get("supports_vision", not facts)),
        )

    async def stream(
        self, request: Mapping[str, Any], *, hidden: str, now: Callable[[], datetime]
    ) -> AsyncGenerator[Any]:
        """Make a request and yield the chunks of the answer. Raises ``ModelError``.

        Args:
            request: Arguments of ``litellm.acompletion``.
            hidden: The key, which no message may show.
            now: Tells the time.
        """
        chunks: Any = None
        model, begun = request["model"], False
        try:
            chunks = await self._module.acompletion(**request)
            async for chunk in chunks:
                begun = True
                if getattr(chunk, "usage", None) and not _is_counted(chunks):
                    # LiteLLM estimates what its provider did not count.
                    chunk.usage = None
                yield chunk
            ended = any(getattr(chunks, name, "unknown") for name in _REASONS)
            if not ended and "mock_response" not in request:
                # LiteLLM makes a reason up for an answer that ends without one.
                raise ModelUnavailable(f"{model}: the answer was cut off on its way", may_cost=True)
        except self._errors as error:
            raise failure(error, model=model, hidden=hidden, now=now(), begun=begun) from error
        finally:
            if chunks is not None:
                await chunks.aclose()


def _is_counted(chunks: Any) -> bool:
    """Say whether the provider counted, by what came from it."""
    received = getattr(chunks, "chunks", None)
    return received is None or any(getattr(one, "usage", None) for one in received)


def _price(facts: Mapping[str, Any]) -> Price | None:
    """Read a price, which LiteLLM has in dollars per token."""

    def each(name: str) -> float | None:
        found = facts.get(f"{name}_cost_per_token") or facts.get(f"{name}_token_cost")
        return round(found * 1e6, 6) if isinstance(found, int | float) else None

    read, written = each("input"), each("output")
    if read is None or written is None:
        return None
    kept, put = each("cache_read_input"), each("cache_creation_input")
    return Price(input=read, output=written, cache_read=kept, cache_write=put)
