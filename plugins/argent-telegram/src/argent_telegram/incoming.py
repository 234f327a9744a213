"""From what Telegram tells to an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from argent_hookspecs import Address, Event, EventPart, Location, Text
from argent_telegram.rich_text import sliced

if TYPE_CHECKING:
    from telegram import Message, MessageEntity, MessageOrigin

LONGEST_QUOTE = 500
EDITED = "[What stands above replaces a message that I sent before.]"
_FORWARDED = "[I forward this, which is from {who} and not from me.]"
_REPLIES = "[This replies to what {who} said:]"
_CARD = "a contact that is passed on"


@frozen
class Me:
    """The bot, as Telegram knows it."""

    id: int
    username: str


def is_for_the_agent(message: Message) -> bool:
    """Say whether a person has said something: no other bot, no channel, nothing automatic."""
    sender = message.from_user
    if message.chat.type == "channel" or message.is_automatic_forward:
        return False
    if message.sender_chat is not None:
        return _has_content(message)
    return sender is not None and not sender.is_bot and _has_content(message)


def is_group(message: Message) -> bool:
    """Say whether others read along."""
    return message.chat.type in ("group", "supergroup")


def thread_of(message: Message) -> str | None:
    """Return the topic; a thread of replies outside a forum is none."""
    return str(message.message_thread_id) if message.is_topic_message else None


def is_addressed(message: Message, me: Me) -> bool:
    """Say whether the agent is meant: talked to alone, mentioned, replied to or given a command."""
    if not is_group(message):
        return True
    command = _command(message)
    if command is not None:
        at = command.partition("@")[2]
        return not at or at.lower() == me.username.lower()
    answered = message.reply_to_message
    if answered and answered.from_user and answered.from_user.id == me.id:
        return answered.forum_topic_created is None
    return any(_mentions(message, entity, me) for entity in _entities(message))


def event_of(
    messages: Sequence[Message], files: Sequence[EventPart], *, me: Me, channel: str, edited: bool
) -> Event:
    """Make an event of a message, or of those of an album.

    Args:
        files: What came with them.
        channel: Id of the bot's channel.
        edited: Whether it replaces what was said before.
    """
    first = messages[0]
    chat, thread = str(first.chat.id), thread_of(first)
    sender, name = sender_of(first)
    words = [part for message in messages for part in _words(message, me)]
    parts: list[EventPart] = [part for part in words if part.text]
    parts += [*files, *(place for message in messages if (place := _place(message)))]
    if edited:
        parts.append(Text(EDITED))
    if not parts:
        parts.append(Text(""))
    return Event(
        conversation=f"{channel}:{chat}" if thread is None else f"{channel}:{chat}:{thread}",
        content=tuple(parts),
        sender=sender,
        sender_name=name,
        group=is_group(first),
        group_name=(first.chat.title or "") if is_group(first) else "",
        addressed=any(is_addressed(message, me) for message in messages),
        reply_to=Address(channel, chat, thread),
        occurred_at=first.edit_date if edited and first.edit_date else first.date,
        data=_facts(first, edited=edited),
    )


def _facts(message: Message, *, edited: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {"message": message.message_id}
    if edited:
        facts["edited"] = True
    if message.forward_origin:
        facts["forwarded_from"] = _origin(message.forward_origin)
    if message.chat.title:
        facts["group"] = message.chat.title
    return facts


def sender_of(message: Message) -> tuple[str, str]:
    """Return who speaks: Telegram's unchanging name of them, and what people call them."""
    if message.sender_chat is not None:  # an anonymous administrator: a group speaks, no person
        return str(message.sender_chat.id), message.sender_chat.title or ""
    assert message.from_user is not None
    return str(message.from_user.id), message.from_user.full_name


def _words(message: Message, me: Me) -> list[Text]:
    """Return what a message says in words: what others have said, as theirs."""
    if message.forward_origin is None:
        return _said(message, me)
    who = _origin(message.forward_origin)
    contents = [*_contents(message), *_cards(message), *_venues(message)]
    said = "\n".join([_linked(message), *contents]).strip()
    return [Text(_FORWARDED.format(who=who)), Text(said, source=f"forwarded from {who}")]


def _said(message: Message, me: Me) -> list[Text]:
    """Return what a person says, and after it what that replies to."""
    said = _linked(message)
    command = _command(message)
    if command is not None:
        name = command.partition("@")[0]
        said = f"/help{said[len(command) :]}" if said == "/start" else name + said[len(command) :]
        return [Text(said.strip())]
    said = _without_mention(message, said, me)
    own = "\n".join([said, *_contents(message)]).strip()
    head, quoted = _replied_to(message, me)
    parts = [Text(f"{own}\n\n{head}".strip())]
    parts += [Text(card, source=_CARD) for card in _cards(message)]
    return [*parts, quoted] if quoted else parts


def _linked(message: Message) -> str:
    """Return the text, with the addresses of its links in it."""
    text = _text(message)
    links = [e for e in _entities(message) if e.type == "text_link" and e.url]
    for entity in sorted(links, key=lambda e: e.offset, reverse=True):
        before, words = (
            sliced(text, length=entity.offset),
            sliced(text, entity.offset, length=entity.length),
        )
        after = text[len(before) + len(words) :]
        text = f"{before}[{words}]({entity.url}){after}"
    return text


def _contents(message: Message) -> list[str]:
    """Return in words what is neither text nor a file, as far as its sender has made it."""
    found = []
    if sticker := message.sticker:
        of = f" from the set {sticker.set_name}" if sticker.set_name else ""
        found.append(f"[sticker {sticker.emoji or ''}{of}]")
    if poll := message.poll:
        options = "; ".join(option.text for option in poll.options)
        found.append(f"[poll: {poll.question} ({options})]")
    if dice := message.dice:
        found.append(f"[{dice.emoji} shows {dice.value}]")
    return found


def _cards(message: Message) -> list[str]:
    """Return the contact that a message passes on: people choose their names themselves."""
    contact = message.contact
    if contact is None:
        return []
    name = " ".join(filter(None, (contact.first_name, contact.last_name)))
    return [f"[contact: {name}, {contact.phone_number}]"]


def _venues(message: Message) -> list[str]:
    venue = message.venue
    return [f"[the place is called: {venue.title}, {venue.address}]"] if venue else []


def _has_content(message: Message) -> bool:
    return bool(
        message.text or message.caption or message.effective_attachment or _contents(message)
    ) and not (message.successful_payment or message.invoice)


def _place(message: Message) -> Location | None:
    """Return the place that a message names; one that is forwarded is named in its words."""
    if message.location is None:
        return None
    venue = message.venue if message.forward_origin is None else None
    name = f"{venue.title}, {venue.address}" if venue else ""
    return Location(message.location.latitude, message.location.longitude, name)


def _replied_to(message: Message, me: Me) -> tuple[str, Text | None]:
    """Return what a message replies to: how that is announced, and others' words as theirs."""
    answered = message.reply_to_message
    if answered is None or answered.forum_topic_created is not None:
        return "", None
    told = [*_contents(answered), *_cards(answered), *_venues(answered)]
    said = answered.text or answered.caption or ""
    text = message.quote.text if message.quote else "\n".join(filter(None, (said, *told)))
    if not text:
        return "", None
    short = text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"
    if answered.from_user and answered.from_user.id == me.id:
        return f"{_REPLIES.format(who='you')}\n{_quoted(short)}", None
    if said and not told and _is_own(answered, message):
        return f"{_REPLIES.format(who='I')}\n{_quoted(short)}", None
    who = _sender_name(answered)
    if answered.forward_origin:
        who = f"{_origin(answered.forward_origin)}, forwarded by {who}"
    # The head is the sender's own word, so it does not hold the name, which others choose.
    return _REPLIES.format(who="somebody"), Text(short, source=f"said by {who}")


def _is_own(answered: Message, message: Message) -> bool:
    """Say whether a message is the word of another's sender: not forwarded, nor made by a bot."""
    passed_on = answered.forward_origin or answered.via_bot or answered.sender_chat
    return not passed_on and sender_of(message) == sender_of(answered)


def _sender_name(message: Message) -> str:
    if message.sender_chat is not None:
        return _line(message.sender_chat.title or "a channel")
    return _line(message.from_user.full_name) if message.from_user else "somebody"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())


def _origin(origin: MessageOrigin) -> str:
    """Name whom a forwarded message is from: https://core.telegram.org/bots/api#messageorigin."""
    facts: Any = origin
    match origin.type:
        case "user":
            return _line(facts.sender_user.full_name)
        case "hidden_user":
            return _line(facts.sender_user_name)
        case "chat":
            return _line(facts.sender_chat.title or "a group")
        case "channel":
            return f"the channel {_line(facts.chat.title or '')}".strip()
    return "somebody"


def _line(name: str) -> str:
    """Return a name, which others choose, on one line and without brackets."""
    return " ".join("".join(c for c in name if c.isprintable() and c not in "[]").split())[:80]


def _text(message: Message) -> str:
    return message.text or message.caption or ""


def _entities(message: Message) -> Sequence[MessageEntity]:
    return message.entities or message.caption_entities


def _mentions(message: Message, entity: MessageEntity, me: Me) -> bool:
    if entity.type == "text_mention":
        return entity.user is not None and entity.user.id == me.id
    if entity.type != "mention":
        return False
    said = sliced(_text(message), entity.offset, length=entity.length)
    return said.lower() == f"@{me.username.lower()}"


def _command(message: Message) -> str | None:
    """Return the command that a message begins with, as in ``/stop@bot``."""
    if message.forward_origin:
        return None
    for entity in _entities(message):
        if entity.type == "bot_command" and entity.offset == 0:
            return sliced(_text(message), length=entity.length)
    return None


def _without_mention(message: Message, said: str, me: Me) -> str:
    """Take the bot's name away where a message begins with it: it is no part of what is said."""
    at = f"@{me.username}"
    mentioned = any(e.offset == 0 and _mentions(message, e, me) for e in _entities(message))
    if mentioned and said.lower().startswith(at.lower()):
        return said[len(at) :].lstrip(" ,:\n")
    return said
