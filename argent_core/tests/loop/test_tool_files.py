"""What tools make goes with the answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from argent_core.kernel import Kernel
from argent_hookspecs import (
    Effect,
    File,
    Filter,
    FromOutside,
    ModelRejected,
    Reply,
    Tool,
    ToolCall,
    WithFiles,
)
from argent_testing import Argent, hang

from ..demo import Demo

pytestmark = pytest.mark.anyio

LIST = ToolCall("1", "write_list", {"things": ["milk", "tea"]})


class Writer(Demo):
    """A plugin with a tool that makes a file."""

    def __init__(self, *records: object, outside: bool = False, count: int = 1) -> None:
        super().__init__(self.tool(), *records)
        self.outside, self.count, self.calls = outside, count, 0

    def tool(self) -> Tool:
        return Tool(
            id="write_list",
            description="Write a list.",
            run=self.write,
            effect=Effect.IDEMPOTENT,
        )

    async def write(self, things: list[str]) -> WithFiles:
        assert self.ctx is not None
        self.calls += 1
        rows = [f"{thing}\n" for thing in things]
        files = [
            await self.ctx.files.add("".join(rows * n).encode(), name=f"list-{n}.txt")
            for n in range(1, self.count + 1)
        ]
        text = "It is written."
        return WithFiles(FromOutside(text) if self.outside else text, files)


async def contents(kernel: Kernel, files: Sequence[File]) -> list[bytes]:
    return [await kernel.files.read(file) for file in files]


async def test_a_file_goes_with_the_answer_and_the_model_knows_of_it(argent: Argent) -> None:
    async with argent(plugins=[Writer()], model=[LIST, "Here is your list."]) as kernel:
        await argent.channel.say("Write it down.")
        reply = await argent.channel.next_reply()
        written = await contents(kernel, reply.files)

    (file,) = reply.files
    assert (reply.text, written) == ("Here is your list.", [b"milk\ntea\n"])
    told = str(argent.model.requests[-1].messages[-1].parts)
    assert "It is written." in told
    assert f"[list-1.txt (text/plain, {file.size} bytes) is sent with your answer]" in told


async def test_several_go_in_their_order_and_each_once(argent: Argent) -> None:
    again = ToolCall("2", "write_list", {"things": ["milk", "tea"]})
    async with argent(plugins=[Writer(count=2)], model=[LIST, again, "Here they are."]):
        await argent.channel.say("Write it down.")
        reply = await argent.channel.next_reply()

    assert [file.name for file in reply.files] == ["list-1.txt", "list-2.txt"]


async def test_an_answer_without_one_has_none(argent: Argent) -> None:
    async with argent(plugins=[Writer()], model=[LIST, "Here.", "You are welcome."]):
        await argent.channel.say("Write it down.")
        assert (await argent.channel.next_reply()).files
        await argent.channel.say("Thanks!")
        assert not (await argent.channel.next_reply()).files


async def test_a_turn_that_goes_on_after_a_restart_sends_it_all_the_same(argent: Argent) -> None:
    writer = Writer()
    async with argent(plugins=[writer], model=[LIST, hang]):
        await argent.channel.say("Write it down.")
        await argent.model.asked(2)
    async with argent.restart(model=["Here is your list."]) as kernel:
        reply = await argent.channel.next_reply()
        argent.clock.jump(3 * 86400.0)
        await kernel.files.sweep()
        written = await contents(kernel, reply.files)

    assert (writer.calls, written) == (1, [b"milk\ntea\n"])


async def test_one_that_is_made_of_what_came_from_outside_says_so(argent: Argent) -> None:
    async with argent(plugins=[Writer(outside=True)], model=[LIST, "Here."]) as kernel:
        id = await argent.channel.say("Write it down.")
        reply = await argent.channel.next_reply()
        sql = "SELECT outside FROM turns WHERE id = ?"
        row = await kernel.journal.database.read(lambda tx: tx.execute(sql, (id,)).fetchone())

    assert len(reply.files) == 1 and row == (1,)


async def test_an_apology_takes_nothing_along(argent: Argent) -> None:
    config = {"loop": {"maxAttempts": 1}}
    async with argent(plugins=[Writer()], model=[LIST, ModelRejected("no")], config=config):
        await argent.channel.say("Write it down.")
        assert not (await argent.channel.next_reply()).files


async def test_a_filter_sees_it_and_may_take_it_away(argent: Argent) -> None:
    seen: list[int] = []

    async def bare(reply: Reply) -> Reply:
        seen.append(len(reply.files))
        return Reply(
            key=reply.key,
            to=reply.to,
            text=reply.text,
            turn=reply.turn,
            conversation=reply.conversation,
        )

    writer = Writer(Filter(id="bare", reply=bare))
    async with argent(plugins=[writer], model=[LIST, "Here."]):
        await argent.channel.say("Write it down.")
        reply = await argent.channel.next_reply()

    assert (seen, reply.files) == ([1], ())


@pytest.mark.parametrize("files", [["list.txt"], [None], [File("0" * 64, "x", "x/y", 1)] * 11])
def test_only_files_can_go_and_ten_at_most(files: list[File]) -> None:
    with pytest.raises((TypeError, ValueError)):
        WithFiles("Here.", files)
