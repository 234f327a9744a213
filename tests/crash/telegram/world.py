"""The world with Telegram in it: people write there, and answers stand in its chats."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tests.crash.telegram.platform import TelegramEnd
from tests.crash.world import TELEGRAM, World

CHATS = {"ann": 11, "bob": 12}

_PAUSED = 0.6
_LONGEST_PAUSE = 2.5
_ENOUGH_COMMITS = 2


@define(eq=False)
class Standing:
    """A message of the bot.

    Args:
        life: The one that was told its number, or 0 if none was.
        commits: How often that life has committed its own records afterwards.
        edited: Whether it was edited, so that its number was known.
    """

    life: int = 0
    commits: int = 0
    edited: bool = False

    @property
    def was_known(self) -> bool:
        """Whether whoever sent it could have kept its number."""
        # The first commit may have been under way when the answer came.
        return self.edited or self.commits >= _ENOUGH_COMMITS


@define(eq=False, kw_only=True)
class TelegramWorld(World):
    """A world whose only channel is Telegram, with a bot of its own."""

    platform: TelegramEnd
    token: str = field(init=False)
    known: dict[tuple[int, int], Standing] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.token = self.platform.ask("bot", seed=None if self.calm else f"{self.seed} weather")

    def send(self, channel: str, chat: str) -> None:
        """Write to the bot."""
        super().send(channel, chat)
        text = f"ask m{len(self.ledger.messages)}"
        self.platform.ask("say", token=self.token, chat=CHATS[chat], text=text)

    def has_handed_out(self, acknowledged: dict[str, int]) -> bool:
        """Tell whether the platform has nothing that the life does not have."""
        waiting: int = self.platform.ask("waiting", token=self.token)
        return waiting <= acknowledged[TELEGRAM.name]

    def standing(self) -> list[dict[str, Any]]:
        """Return what the bot has said, as it stands in its chats."""
        found: list[dict[str, Any]] = self.platform.ask("messages", token=self.token)
        return found

    def note_commit(self, names: list[str]) -> None:
        """Count the commits of the life that was told the numbers of messages."""
        if any(name.startswith("commit telegram.db: ") for name in names):
            for standing in self.known.values():
                standing.commits += standing.life == self.life

    def note_call(self, what: str, facts: dict[str, Any]) -> None:
        """Note which messages a life knows of, and what it has confirmed."""
        if what == "getUpdates":
            self._acknowledge(TELEGRAM.name, facts["offset"] - 1)
        elif facts.get("message"):
            standing = self.known.setdefault((facts["chat"], facts["message"]), Standing(self.life))
            standing.edited |= what.startswith("edit")

    def _model(self, what: str, key: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
        answer = super()._model(what, key, messages)
        if answer.get("text"):
            # Slowly enough, at times, that it is shown before it is whole.
            answer["text"] += ", as far as I know.\nThat is nearly all,\nand that is all."
            draw = self._draw(f"{answer['text']} pause")
            paused = not self.calm and draw.random() < _PAUSED
            answer["pause"] = draw.random() * _LONGEST_PAUSE if paused else 0
        return answer
