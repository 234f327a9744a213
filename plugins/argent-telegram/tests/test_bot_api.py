"""The Bot API server of these tests, as python-telegram-bot itself sees it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    MessageEntity,
    ReplyParameters,
)
from telegram.error import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
)
from telegram.request import HTTPXRequest

sys.path.insert(0, str(Path(__file__).parent))
from bot_api import BAD_GATEWAY, CUT, LOST, BotApi, Limits

pytestmark = pytest.mark.anyio

GRIN = "\N{GRINNING FACE}"
KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton("Allow", callback_data="yes")]])


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def connected(api: BotApi, token: str = "") -> AsyncIterator[Bot]:
    bot = Bot(
        token or api.token,
        base_url=f"{api.url}/bot",
        base_file_url=f"{api.url}/file/bot",
        request=HTTPXRequest(httpx_kwargs={"trust_env": False}),
        get_updates_request=HTTPXRequest(httpx_kwargs={"trust_env": False}),
    )
    async with bot:
        yield bot


def refused(words: str) -> pytest.RaisesExc[BadRequest]:
    """The library begins every description with a capital."""
    return pytest.raises(BadRequest, match=f"(?i){words}")


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    async with connected(api) as client:
        yield client


async def test_updates_are_handed_out_until_they_are_confirmed(api: BotApi, bot: Bot) -> None:
    await api.say("one", chat=5, name="Ann")
    await api.say("two", chat=5)

    first = await bot.get_updates(timeout=0)
    again = await bot.get_updates(timeout=0)
    second = await bot.get_updates(offset=first[1].update_id, timeout=0)
    nothing = await bot.get_updates(offset=second[0].update_id + 1, timeout=0)

    assert [update.message.text for update in first if update.message] == ["one", "two"]
    assert first[0].effective_user is not None
    assert first[0].effective_user.first_name == "Ann"
    assert [update.update_id for update in again] == [update.update_id for update in first]
    assert [update.update_id for update in second] == [first[1].update_id]
    assert not nothing
    assert api.bot.updates.confirmed == first[1].update_id


async def test_a_poll_waits_for_what_comes(api: BotApi, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=10))
    await api.polled()

    await api.say("hello", chat=5)
    (update,) = await poll

    assert update.message is not None
    assert update.message.text == "hello"


async def test_the_second_of_two_polls_ends_the_first(api: BotApi, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=10))
    await api.polled()

    await bot.get_updates(timeout=0)

    with pytest.raises(Conflict, match="terminated by other getUpdates"):
        await first


async def test_nobody_polls_while_there_is_a_webhook(api: BotApi, bot: Bot) -> None:
    await bot.set_webhook("https://example.org/hook")
    info = await bot.get_webhook_info()

    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates(timeout=0)

    assert info.url == "https://example.org/hook"
    await bot.delete_webhook()
    assert not await bot.get_updates(timeout=0)


async def test_what_is_sent_stands_in_the_chat(api: BotApi, bot: Bot) -> None:
    asked = await api.say("hi", chat=5)

    sent = await bot.send_message(
        5,
        f"{GRIN} bold",
        entities=[MessageEntity(MessageEntity.BOLD, 3, 4)],
        reply_parameters=ReplyParameters(asked["message"]["message_id"]),
        reply_markup=KEYBOARD,
    )
    await bot.edit_message_text("other", chat_id=5, message_id=sent.message_id)

    assert sent.reply_to_message is not None
    assert sent.entities[0].length == 4
    assert api.texts(5) == ["other"]
    assert [message["text"] for message in api.edits] == ["other"]
    assert "reply_markup" not in api.messages(5)[0]


async def test_an_edit_that_changes_nothing_is_refused(api: BotApi, bot: Bot) -> None:
    asked = await api.say("hi", chat=5)
    sent = await bot.send_message(5, "same", reply_markup=KEYBOARD)

    with refused("message is not modified"):
        await bot.edit_message_text(
            "same", chat_id=5, message_id=sent.message_id, reply_markup=KEYBOARD
        )
    with refused("message can't be edited"):
        await bot.edit_message_text("x", chat_id=5, message_id=asked["message"]["message_id"])
    with refused("message to edit not found"):
        await bot.edit_message_text("x", chat_id=5, message_id=99)


@pytest.mark.parametrize(
    ("begin", "length", "words"),
    [
        (0, 9, "entity beginning at UTF-16 offset 0 ends after the end"),
        (7, 1, "entity begins after the end of the text at UTF-16 offset 7"),
        (1, 2, "entity begins in a middle of a UTF-16 symbol"),
        (0, 1, "ends in a middle of a UTF-16 symbol"),
    ],
)
async def test_entities_must_fit(
    api: BotApi, bot: Bot, begin: int, length: int, words: str
) -> None:
    await api.say("hi", chat=5)

    with refused(words):
        await bot.send_message(
            5, f"{GRIN} abc", entities=[MessageEntity(MessageEntity.BOLD, begin, length)]
        )

    assert api.messages(5) == []


async def test_entities_that_cross_are_refused(api: BotApi, bot: Bot) -> None:
    await api.say("hi", chat=5)
    crossing = [MessageEntity("bold", 0, 4), MessageEntity("italic", 2, 4)]

    with refused("offset 2 ends after the end"):
        await bot.send_message(5, "abcdefgh", entities=crossing)


@pytest.mark.parametrize(
    ("text", "mode", "plain"),
    [
        ("<b>a <i>b</i></b> &lt;", "HTML", "a b <"),
        ("*a _b_* \\. [x](http://e.org/\\))", "MarkdownV2", "a b . x"),
        ("`a.b!` ||s||", "MarkdownV2", "a.b! s"),
        ("```py\n1 - 1\n```", "MarkdownV2", "py\n1 - 1"),
    ],
)
async def test_formatted_text_is_understood(
    api: BotApi, bot: Bot, text: str, mode: str, plain: str
) -> None:
    await api.say("hi", chat=5)

    sent = await bot.send_message(5, text, parse_mode=mode)

    assert sent.text == plain
    assert sent.entities


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("a.b", "MarkdownV2", r"Character '\.' is reserved and must be escaped"),
        ("*a", "MarkdownV2", "Can't find end of Bold entity at byte offset 0"),
        ("[a](b", "MarkdownV2", "Can't find end of a URL at byte offset 3"),
        ("<b>a", "HTML", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b>a</i>", "HTML", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("a < b", "HTML", "Unclosed start tag at byte offset 2"),
        ("<h1>a</h1>", "HTML", 'Unsupported start tag "h1" at byte offset 0'),
        ("x", "Markup", "unsupported parse_mode"),
    ],
)
async def test_malformed_text_is_refused(
    api: BotApi, bot: Bot, text: str, mode: str, words: str
) -> None:
    await api.say("hi", chat=5)

    with refused(words):
        await bot.send_message(5, text, parse_mode=mode)


async def test_text_has_a_length(api: BotApi, bot: Bot) -> None:
    await api.say("hi", chat=5)

    await bot.send_message(5, GRIN * 2048)
    with refused("message is too long"):
        await bot.send_message(5, GRIN * 2048 + "a")
    with refused("message text is empty"):
        await bot.send_message(5, " \n")
    with refused("message caption is too long"):
        await bot.send_document(5, b"x", caption="a" * 1025)


async def test_files_go_out_and_come_in(api: BotApi, bot: Bot) -> None:
    update = await api.say("look", chat=5, photo=b"picture")

    told = await bot.get_file(update["message"]["photo"][-1]["file_id"])
    sent = await bot.send_document(5, b"content", filename="note.txt", caption="here")

    assert bytes(await told.download_as_bytearray()) == b"picture"
    assert sent.document is not None
    assert sent.document.file_name == "note.txt"
    assert api.content_of(sent.document.file_id) == b"content"
    assert update["message"]["caption"] == "look"


async def test_a_large_file_is_not_handed_out(api: BotApi, bot: Bot) -> None:
    update = await api.say(chat=5, document=("big.bin", b"x" * (20 * 1024 * 1024 + 1)))

    with refused("file is too big"):
        await bot.get_file(update["message"]["document"]["file_id"])


async def test_albums(api: BotApi, bot: Bot) -> None:
    updates = await api.say("ours", chat=5, album=[b"1", b"2"])

    sent = await bot.send_media_group(5, [InputMediaPhoto(b"3"), InputMediaPhoto(b"4", "theirs")])

    assert len({update["message"]["media_group_id"] for update in updates}) == 1
    assert [message.caption for message in sent] == [None, "theirs"]
    assert [api.content_of(message.photo[-1].file_id) for message in sent] == [b"3", b"4"]
    assert len({message.media_group_id for message in sent}) == 1


async def test_voice_places_and_contacts(api: BotApi, bot: Bot) -> None:
    await api.say(chat=5, voice=b"ogg", forward_from="Hidden")
    await api.say(chat=5, location=(48.1, 11.5), venue="Town hall")
    await api.say(chat=5, contact=("Bob", "+49"))

    voice, place, contact = [update.message for update in await bot.get_updates(timeout=0)]
    await bot.send_location(5, 1.5, 2.5)

    assert voice is not None and voice.voice is not None and voice.forward_origin is not None
    assert place is not None and place.venue is not None and place.venue.title == "Town hall"
    assert contact is not None and contact.contact is not None
    assert api.messages(5)[0]["location"] == {"latitude": 1.5, "longitude": 2.5}


async def test_buttons_are_pressed_and_answered(api: BotApi, bot: Bot) -> None:
    await api.say("hi", chat=5)
    await bot.send_message(5, "May I?", reply_markup=KEYBOARD)

    await api.press(api.button(5, "Allow"))
    query = (await bot.get_updates(timeout=0))[-1].callback_query
    assert query is not None
    await query.answer("Thank you")

    assert query.data == "yes"
    assert api.answers == {query.id: "Thank you"}
    with refused("query is too old"):
        await query.answer()
    with refused("BUTTON_DATA_INVALID"):
        button = InlineKeyboardButton("x", callback_data="\N{SNOWMAN}" * 22)
        await bot.send_message(5, "x", reply_markup=InlineKeyboardMarkup([[button]]))


async def test_a_bot_in_privacy_mode_hears_little_in_groups() -> None:
    async with BotApi(reads_groups=False) as api, connected(api) as bot:
        assert await api.say("hello all", chat=-7, user=5, group="Family") is None
        await api.say("@argent_bot hello", chat=-7, user=5, group="Family")
        await api.say("/help", chat=-7, user=5, group="Family")
        sent = await bot.send_message(-7, "yes?")
        await api.say("this", chat=-7, user=5, group="Family", reply_to=sent.message_id)

        heard = [update.message.text for update in await bot.get_updates() if update.message]

    assert heard == ["@argent_bot hello", "/help", "this"]


async def test_topics(api: BotApi, bot: Bot) -> None:
    await api.say("hello", chat=-7, user=5, thread=3)

    sent = await bot.send_message(-7, "yes", message_thread_id=3)

    assert sent.message_thread_id == 3
    assert sent.chat.is_forum
    with refused("message thread not found"):
        await bot.send_message(-7, "no", message_thread_id=4)


async def test_who_may_not_is_told_so(api: BotApi, bot: Bot) -> None:
    await api.say("hi", chat=5)
    api.block(5)

    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(5, "hello?")
    with refused("chat not found"):
        await bot.send_message(6, "hello?")
    with pytest.raises(InvalidToken):
        async with connected(api, f"1:{'x' * 35}"):
            pass


@pytest.mark.filterwarnings("ignore:Deprecated since version v22.2")
async def test_who_sends_too_often_waits() -> None:
    async with BotApi(Limits(chat_per_second=2, group_per_minute=3)) as api, connected(api) as bot:
        await api.say("hi", chat=5)
        await bot.send_message(5, "1")
        sent = await bot.send_message(5, "2")

        with pytest.raises(RetryAfter, match="Retry in 1 seconds"):
            await sent.edit_text("3")
        assert api.texts(5) == ["1", "2"]


async def test_scripted_faults(api: BotApi, bot: Bot) -> None:
    await api.say("hi", chat=5)
    api.fail("sendMessage", LOST)
    api.fail("sendMessage", CUT)
    api.fail("sendMessage", BAD_GATEWAY)

    for words in ("lost", "cut", "refused"):
        with pytest.raises(NetworkError):
            await bot.send_message(5, words)
    await bot.send_message(5, "well")

    assert api.texts(5) == ["lost", "well"]
    assert [call.outcome for call in api.methods_called("sendMessage")] == [
        "cut",
        "cut",
        "502",
        "ok",
    ]


async def test_a_call_can_be_held(api: BotApi, bot: Bot) -> None:
    await api.say("hi", chat=5)
    gate = api.hold("sendMessage")
    sending = asyncio.create_task(bot.send_message(5, "late"))
    await gate.reached.wait()

    assert api.messages(5) == []
    gate.open()
    await sending
    assert api.texts(5) == ["late"]


async def test_updates_are_posted_to_a_webhook_in_order_until_they_are_taken(api: BotApi) -> None:
    taken: list[tuple[str, str]] = []
    answers = iter([500, 200, 200])

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().partition("content-length: ")[2].split()[0])
        body = (await reader.readexactly(length)).decode()
        taken.append((head, body))
        writer.write(f"HTTP/1.1 {next(answers)} x\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    late = api.add_bot("late_bot")
    async with server, connected(api, late.token) as bot:
        await bot.set_webhook(f"http://127.0.0.1:{port}/", secret_token="secret")
        await api.say("one", chat=5, bot=late)
        await api.say("two", chat=5, bot=late)
        await api.settled(bot=late)

    assert ["one" in body for _, body in taken] == [True, True, False]
    assert all("X-Telegram-Bot-Api-Secret-Token: secret" in head for head, _ in taken)
    assert late.updates.posts == [500, 200, 200]


async def test_bots_do_not_see_each_other(api: BotApi, bot: Bot) -> None:
    other = api.add_bot("other_bot")
    await api.say("for the other", chat=5, bot=other)

    async with connected(api, other.token) as second:
        (update,) = await second.get_updates(timeout=0)
        await second.send_message(5, "yes")

    assert not await bot.get_updates(timeout=0)
    assert update.message is not None and update.message.text == "for the other"
    assert (api.texts(5), api.texts(5, bot=other)) == ([], ["yes"])


async def test_the_menu_of_commands(api: BotApi, bot: Bot) -> None:
    await bot.set_my_commands([("help", "What I can do")])

    (command,) = await bot.get_my_commands()

    assert command.command == "help"
    with refused("BOT_COMMAND_INVALID"):
        await bot.set_my_commands([("Help!", "x")])
