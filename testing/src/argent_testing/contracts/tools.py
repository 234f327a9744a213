"""The contract of tools."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import pytest
from attrs import evolve

from argent_core import codec
from argent_core.guard import attempt, attempt_async
from argent_core.loop import signatures
from argent_hookspecs import Effect, Tool, ToolError, ToolRun, WithFiles
from argent_testing.contracts.base import RecordContract
from argent_testing.specimen import Specimen

Arguments = Mapping[str, Any]

_RUN = ToolRun(key="contract", conversation="contract")
_ODD_TEXTS = ("", " ", "\0", "\n" * 50, "ünïcödé 🦉 \u202e", "'; --", "x" * 10_000, "-1", "None")


class ToolContract(RecordContract):
    """Tries out a plugin's tools.

    Attributes:
        calls: For each tool, arguments with which it must work.
        mistakes: For tools that have some, arguments that it must refuse with a ``ToolError``.
    """

    kind = Tool
    calls: ClassVar[Mapping[str, Sequence[Arguments]]] = {}
    mistakes: ClassVar[Mapping[str, Sequence[Arguments]]] = {}

    async def done(self, specimen: Specimen) -> Sequence[Any]:
        """Return all that the tools have done to the world: override it, to check repetitions."""
        pytest.skip("override done(specimen) to check what the tools have done")

    async def test_the_model_can_read_what_it_is_for(self, specimen: Specimen) -> None:
        """Each has a description, and a schema that JSON can express."""
        for tool in self.records(specimen):
            assert len(tool.description.split()) > 1, f"{tool.id}: the description says too little"
            outcome = attempt(signatures.read, tool)
            assert outcome.error is None, f"{tool.id}: {outcome.error}"
            assert json.dumps(outcome.get().spec.parameters), tool.id

    async def test_each_is_called(self, specimen: Specimen) -> None:
        """There is a call to try for each tool, and none for tools that are not there."""
        named = {tool.id for tool in self.records(specimen)}
        untried = sorted(named - {name for name, calls in self.calls.items() if calls})
        unknown = sorted((set(self.calls) | set(self.mistakes)) - named)
        assert not untried, f"write into calls how to call: {', '.join(untried)}"
        assert not unknown, f"there are no such tools: {', '.join(unknown)}"

    async def test_calls_work(self, specimen: Specimen) -> None:
        """Each call returns text, or a value that JSON can express, in time.

        The files that go with the answer are in the store.
        """
        for tool, arguments in self._tried(specimen, self.calls):
            value = await self._run(tool, arguments)
            if isinstance(value, WithFiles):
                for file in value.files:
                    found = await attempt_async(partial(specimen.ctx.files.read, file))
                    assert found.error is None, (
                        f"{tool.id} returned the file {file.name!r}, which is not in the store: "
                        "return what ctx.files.add has returned"
                    )
                value = value.text
            if not isinstance(value, str):
                outcome = attempt(json.dumps, codec.plain(value))
                assert outcome.error is None, f"{tool.id} returned {value!r:.100}: {outcome.error}"

    async def test_mistakes_are_refused(self, specimen: Specimen) -> None:
        """Wrong arguments raise ``ToolError``, which the model reads, and nothing else."""
        for tool, arguments in self._tried(specimen, self.mistakes):
            outcome = await attempt_async(partial(self._run, tool, arguments))
            assert isinstance(outcome.error, ToolError), (
                f"{tool.id}({dict(arguments)!r:.100}) should have raised a ToolError, "
                f"but {_shown(outcome.error, outcome.value)}"
            )
            assert str(outcome.error).strip(), f"{tool.id}: the ToolError says nothing"
            self.discretion.check(str(outcome.error), what=f"the ToolError of {tool.id}")

    async def test_mistakes_do_nothing(self, specimen: Specimen) -> None:
        """What is refused has not been done, not even a part of it."""
        for tool, arguments in self._tried(specimen, self.mistakes):
            before = list(await self.done(specimen))
            await attempt_async(partial(self._run, tool, arguments))
            after = list(await self.done(specimen))
            assert after == before, (
                f"{tool.id}({dict(arguments)!r:.100}) did something before it refused: "
                f"{after[-1]!r:.100}"
            )

    async def test_a_second_try_does_nothing_new(self, specimen: Specimen) -> None:
        """A tool that calls itself idempotent does a thing once, however often it is told to."""
        for tool, arguments in self._tried(specimen, self.calls):
            if tool.effect is not Effect.IDEMPOTENT:
                continue
            run = evolve(_RUN, key=f"{tool.id}-once")
            await self._run(tool, arguments, run)
            once = list(await self.done(specimen))
            await self._run(tool, arguments, run)
            twice = list(await self.done(specimen))
            assert twice == once, (
                f"{tool.id} calls itself idempotent, and did {len(twice) - len(once)} things more "
                "when it was run again with the same key"
            )

    async def test_arguments_of_no_use_are_refused(self, specimen: Specimen) -> None:
        """An argument that it does not have is refused before anything happens."""
        for tool in self.records(specimen):
            signature = signatures.read(tool)
            outcome = attempt(signature.bind, {"no_such_argument": 1}, _RUN)
            assert isinstance(outcome.error, ToolError), f"{tool.id} takes any argument"

    async def test_odd_texts_do_no_harm(self, specimen: Specimen) -> None:
        """Whatever text a model may send, a repeatable tool answers or raises ``ToolError``."""
        for tool, arguments in self._tried(specimen, self.calls):
            if tool.effect is not Effect.IDEMPOTENT:
                continue
            for odd in _oddities(arguments):
                outcome = await attempt_async(partial(self._run, tool, odd))
                assert outcome.error is None or isinstance(outcome.error, ToolError), (
                    f"{tool.id}({odd!r:.100}) raised {outcome.error!r:.200}"
                )

    async def test_calls_run_side_by_side(self, specimen: Specimen) -> None:
        """All calls work at the same time too."""
        await asyncio.gather(*(self._run(t, a) for t, a in self._tried(specimen, self.calls)))

    async def test_a_call_can_be_cancelled(self, specimen: Specimen) -> None:
        """A call that is cancelled ends."""
        for tool, arguments in self._tried(specimen, self.calls):
            task = asyncio.create_task(attempt_async(partial(self._run, tool, arguments)))
            await self.assert_stops(task, what=f"tool {tool.id}")

    async def test_what_can_be_asked_can_be_asked(self, specimen: Specimen) -> None:
        """Queryable tools have ``check``, the others none; a call that never was is None."""
        for tool in self.records(specimen):
            queryable = tool.effect is Effect.QUERYABLE
            assert (tool.check is not None) == queryable, f"{tool.id}: effect and check disagree"
            if tool.check is not None:
                found = await self.soon(tool.check("never-made"), what=f"check of {tool.id}")
                assert found is None, f"{tool.id} says that a call was made which never was"

    async def test_what_was_done_is_known(self, specimen: Specimen) -> None:
        """Asked for a call that was made, ``check`` returns its result."""
        for tool, arguments in self._tried(specimen, self.calls):
            if tool.check is None:
                continue
            run = evolve(_RUN, key=f"{tool.id}-made")
            await self._run(tool, arguments, run)
            found = await self.soon(tool.check(run.key), what=f"check of {tool.id}")
            assert isinstance(found, str), (
                f"{tool.id} says {found!r} of a call that it has made; "
                "check returns the result of a call that happened, as a text"
            )

    async def test_calls_let_everything_go(self, specimen: Specimen) -> None:
        """When a call has ended, it holds no thread, no file and no socket any more."""
        for tool, arguments in self._tried(specimen, self.calls):
            call = partial(self._run, tool, arguments)
            await self.assert_lets_go(call, what=f"tool {tool.id}, done,")

    def _tried(
        self, specimen: Specimen, calls: Mapping[str, Sequence[Arguments]]
    ) -> Iterator[tuple[Tool, Arguments]]:
        for tool in self.records(specimen):
            for arguments in calls.get(tool.id, ()):
                yield tool, arguments

    async def _run(self, tool: Tool, arguments: Arguments, run: ToolRun = _RUN) -> Any:
        bound = signatures.read(tool).bind(arguments, run)
        return await self.soon(tool.run(**bound), what=f"tool {tool.id}", seconds=tool.timeout)


def _oddities(arguments: Arguments) -> Iterator[Arguments]:
    for name, value in arguments.items():
        if isinstance(value, str):
            yield from ({**arguments, name: odd} for odd in _ODD_TEXTS)


def _shown(error: BaseException | None, value: object) -> str:
    return f"returned {value!r:.100}" if error is None else f"raised {error!r:.200}"
