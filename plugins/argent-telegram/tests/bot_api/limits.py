"""Flood limits: how often a bot may send, and how long it is then asked to wait.

See https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable

from attrs import define, field, frozen

from bot_api.refusal import too_many


@frozen(kw_only=True)
class Limits:
    """What a bot may send or edit; None is without limit.

    Args:
        per_second: Messages a second, to all chats together.
        chat_per_second: Messages a second to one chat.
        group_per_minute: Messages a minute to one group.
    """

    per_second: int | None = None
    chat_per_second: int | None = None
    group_per_minute: int | None = None


TELEGRAM = Limits(per_second=30, chat_per_second=1, group_per_minute=20)
"""What Telegram documents."""


@define(eq=False)
class FloodGate:
    """Counts what a bot sends. What was refused does not count."""

    limits: Limits
    clock: Callable[[], float] = time.monotonic
    refused: int = 0
    _sent: dict[object, deque[float]] = field(factory=lambda: defaultdict(deque))

    def pass_one(self, chat: int) -> None:
        """Let a message to a chat pass, or ask to wait."""
        now = self.clock()
        windows = [
            ("all", self.limits.per_second, 1.0),
            (chat, self.limits.chat_per_second, 1.0),
            (("group", chat), self.limits.group_per_minute if chat < 0 else None, 60.0),
        ]
        waits = [
            self._wait(key, most, seconds, now)
            for key, most, seconds in windows
            if most is not None
        ]
        if (wait := max(waits, default=0.0)) > 0:
            self.refused += 1
            raise too_many(max(1, math.ceil(wait)))
        for key, most, _ in windows:
            if most is not None:
                self._sent[key].append(now)

    def _wait(self, key: object, most: int, seconds: float, now: float) -> float:
        sent = self._sent[key]
        while sent and sent[0] <= now - seconds:
            sent.popleft()
        return sent[0] + seconds - now if len(sent) >= most else 0.0
