"""An agent on a small disk of its own that fills up at the worst moments; says what happened."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from argent_core.paths import Home
from argent_hookspecs import ArgentError, Observer, Progress, Receipt, Reply
from argent_testing import Argent, MadePlugin, MemoryChannel, eventually

CHUNK = 4096


class Disk:
    """The disk, and what somebody else has put on it."""

    def __init__(self, folder: Path, home: Home) -> None:
        self.filler = folder / "filler"
        self.ballast = home.data / "ballast"

    def fill(self, *, reserve: bool = True) -> None:
        """Leave no room, unless it is the agent's own reserve."""
        if reserve:
            self.ballast.unlink(missing_ok=True)
        with contextlib.suppress(OSError), self.filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(CHUNK))

    def free(self) -> None:
        """Make room again."""
        self.filler.unlink()


class Channel(MemoryChannel):
    """A channel that meets a full disk while it delivers."""

    disk: Disk

    async def deliver(self, reply: Reply) -> Receipt:
        if reply.text == "full at delivery":
            self.disk.fill()
        return await super().deliver(reply)


async def main(folder: Path) -> dict[str, Any]:
    """Go through it all."""
    argent, told = Argent(folder), []
    home = Home(folder / "home")
    argent.channel = channel = Channel()
    channel.disk = disk = Disk(folder, home)

    async def notify(notice: Any) -> None:
        told.append(notice)

    def think(_: Any) -> str:
        disk.fill()
        return "full in the middle"

    watch = MadePlugin("watch", Observer(id="watch", notify=notify, kinds=(Progress,)))
    script = ["one", think, "full at delivery", "last"]
    found: dict[str, Any] = {}
    async with argent(plugins=[watch], model=script, home=home) as kernel:
        found["at first"] = await channel.ask("Hello?")
        await channel.say("And now?")
        await eventually(lambda: told, what="word that the disk is full")
        found["in the middle"] = [told[0].activity, len(channel.replies)]
        disk.free()
        found["then"] = (await channel.next_reply(timeout=60)).text

        found["at delivery"] = await channel.ask("And at delivery?")
        try:
            await channel.say("No room for this.")
        except ArgentError as error:
            found["refused"] = str(error)
        disk.free()
        found["last"] = await channel.ask("And now?", timeout=60)
        async with asyncio.timeout(60):
            while {one["state"] for one in await kernel.agent.replies.list()} != {"sent"}:
                pass
        disk.fill()
    try:
        async with argent.restart():
            found["start"] = "it starts"
    except ArgentError as error:
        found["start"] = str(error)
    disk.free()
    async with argent.restart():
        disk.fill(reserve=False)
    async with argent.restart(model=["in the reserve"]) as kernel:
        found["again"] = await channel.ask("And in your reserve?")
        found["events"] = [event["state"] for event in await kernel.agent.events.list()]
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1])))))
