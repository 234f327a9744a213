from __future__ import annotations

import asyncio

import pytest

from argent_core.running import end, keep_running
from argent_hookspecs import ArgentError

pytestmark = pytest.mark.anyio


async def test_an_error_after_a_sound_while_is_the_first_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, pauses, fourth = asyncio.get_running_loop(), list[float](), asyncio.Event()
    time, passed, ended = loop.time, 0.0, 0.0
    monkeypatch.setattr(loop, "time", lambda: time() + passed)

    async def work() -> None:
        nonlocal passed, ended
        if ended:
            pauses.append(loop.time() - ended)
        if len(pauses) == 3:
            fourth.set()
        passed += 3600
        ended = loop.time()
        raise ArgentError("the disk is full")

    part = asyncio.create_task(
        keep_running("part", work, cope=lambda _: None, broke=lambda _: None)
    )
    await fourth.wait()
    await end(part)

    assert max(pauses) < 1.5
