"""A model that says what a test has written down for it, and nothing else."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TypeAlias

from argent_hookspecs import (
    FREE,
    Finish,
    FinishReason,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRejected,
    ModelRequest,
    ModelTier,
    Plugin,
    TextDelta,
    ToolCall,
    Usage,
    hookimpl,
)
from argent_testing.waiting import PATIENCE, Changes

Answer: TypeAlias = str | ToolCall | Exception | Sequence[str | ModelPart]
"""What a model can say: a text, the chunks of a text, tool calls, or an error that it raises."""
ScriptStep: TypeAlias = Answer | Callable[[ModelRequest], Answer | Awaitable[Answer]]
"""One answer, or a function of the request that makes one, plain or async."""


class ScriptUsedUp(ModelRejected):
    """Report that the model was asked more often than its script foresees."""


class ScriptedModel:
    """A plugin with one model, whose answers a test has written.

    It fails the test when it is asked more often than the script foresees, and when the script is
    not used up at the end.

    Args:
        script: The answers, in order.
        id: Name of the plugin, of the model provider and of its tier.
        context_window: Tokens that the model takes.
        idle_timeout: Seconds of silence after which the kernel gives the model up.
    """

    def __init__(
        self,
        script: Iterable[ScriptStep] = (),
        *,
        id: str = "scripted",
        context_window: int = 32_768,
        idle_timeout: float = 120.0,
    ) -> None:
        self.name = id
        self.script = list(script)
        self.requests: list[ModelRequest] = []
        self.overruns: list[ModelRequest] = []
        self._context_window = context_window
        self._idle_timeout = idle_timeout
        self._changes = Changes()

    @hookimpl
    def argent_plugin(self) -> Plugin:
        """Say who this is."""
        return Plugin(summary="A model that keeps to a script.")

    @hookimpl
    def argent_model_providers(self) -> list[ModelProvider]:
        """Offer the model."""
        return [ModelProvider(id=self.name, open=self._open, idle_timeout=self._idle_timeout)]

    @hookimpl
    def argent_model_tiers(self) -> list[ModelTier]:
        """Let it serve the tier ``local``."""
        tier = ModelTier(
            id=self.name, name="local", below=0.3, provider=self.name, model="scripted"
        )
        return [tier]

    def add(self, *steps: ScriptStep) -> None:
        """Write further answers down."""
        self.script += steps

    async def next_request(self, *, timeout: float = PATIENCE) -> ModelRequest:
        """Wait for the next request that is made from now on."""
        seen = len(self.requests)
        await self._changes.until(
            lambda: len(self.requests) > seen, timeout=timeout, what="a request to the model"
        )
        return self.requests[seen]

    async def asked(self, times: int, *, timeout: float = PATIENCE) -> Sequence[ModelRequest]:
        """Wait until so many requests were made in all, and return them."""
        await self._changes.until(
            lambda: len(self.requests) >= times, timeout=timeout, what=f"request number {times}"
        )
        return self.requests

    def assert_used_up(self) -> None:
        """Check that each answer was asked for, and no more. Raises ``AssertionError``."""
        if self.overruns:
            asked = self.overruns[0].messages[-1].text
            raise AssertionError(
                f"the model was asked {len(self.overruns)} times more than its script of "
                f"{len(self.requests) - len(self.overruns)} answers foresees; first: {asked!r:.300}"
            )
        if self.script:
            raise AssertionError(
                f"{len(self.script)} answers of the script were never asked for; "
                f"the first of them: {self.script[0]!r:.300}"
            )

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """Answer with the next step of the script. Raises ``ScriptUsedUp`` if there is none."""
        self.requests.append(request)
        self._changes.notify()
        if not self.script:
            self.overruns.append(request)
            raise ScriptUsedUp("the script of the model is used up; write another answer into it")
        parts = _parts(await _answer(self.script.pop(0), request))
        for part in parts:
            yield part
        if not any(isinstance(part, Finish) for part in parts):
            yield _finish(request, parts)

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known about the model."""
        return ModelInfo(
            id=model, context_window=self._context_window, price=FREE, good_for="tests"
        )

    def _open(self) -> AbstractAsyncContextManager[ScriptedModel]:
        return nullcontext(self)


async def _answer(step: ScriptStep, request: ModelRequest) -> Answer:
    if not callable(step):
        return step
    made = step(request)
    answer: Answer = await made if inspect.isawaitable(made) else made
    return answer


def _parts(answer: Answer) -> list[ModelPart]:
    if isinstance(answer, Exception):
        raise answer
    pieces: Sequence[Any] = [answer] if isinstance(answer, (str, ToolCall)) else answer
    return [TextDelta(piece) if isinstance(piece, str) else piece for piece in pieces]


def _finish(request: ModelRequest, parts: Sequence[ModelPart]) -> Finish:
    calls = any(isinstance(part, ToolCall) for part in parts)
    asked = sum(len(message.text) for message in request.messages)
    return Finish(
        reason=FinishReason.TOOL_CALLS if calls else FinishReason.STOP,
        usage=Usage(input_tokens=1 + asked // 4, output_tokens=len(parts)),
    )
