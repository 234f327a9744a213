"""The world with Telegram in it: people write there, and answers stand in its chats."""

from __future__ import annotations

from typing import Any

from attrs import asdict, define, field, frozen

from tests.crash.judge import UNSAFE_DOUBLED
from tests.crash.telegram.platform import TelegramEnd
from tests.crash.world import TELEGRAM, World, named, under_way


@frozen
class Place:
    """Where somebody writes.

    Args:
        chat: Its id; negative for a group, where the bot is mentioned.
        user: Who writes there.
        thread: The topic.
    """

    chat: int
    user: int
    thread: int | None = None

    @property
    def is_group(self) -> bool:
        """Whether others talk there, too."""
        return self.chat < 0


PLACES = {
    "ann": Place(11, 11),
    "bob": Place(12, 12),
    "club": Place(-101, 11),
    "kitchen": Place(-102, 12, thread=7),
    "cellar": Place(-102, 11, thread=8),
}

_TALK = 0.5
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
        """Write to the bot; in a group mention it, at times behind what is not meant for it."""
        super().send(channel, chat)
        name, place = f"m{len(self.ledger.messages)}", PLACES[chat]
        if place.is_group and self._happens(f"{name} talk", _TALK):
            self._say(place, "The weather is fine.")
        self._say(place, f"@bot ask {name}" if place.is_group else f"ask {name}")

    def _say(self, place: Place, text: str) -> None:
        self.platform.ask("say", token=self.token, text=text, **asdict(place))

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
        if not any(named(said["text"]) for said in under_way(messages)):
            words = f"talk that was not meant for it began a turn, in life {self.life}"
            self.ledger.broken.append((UNSAFE_DOUBLED, words))
            return {"text": "Indeed.", "calls": []}
        answer = super()._model(what, key, messages)
        if answer.get("text"):
            # Slowly enough, at times, that it is shown before it is whole.
            answer["text"] += ", as far as I know.\nThat is nearly all,\nand that is all."
            draw = self._draw(f"{answer['text']} pause")
            paused = not self.calm and draw.random() < _PAUSED
            answer["pause"] = draw.random() * _LONGEST_PAUSE if paused else 0
        return answer
