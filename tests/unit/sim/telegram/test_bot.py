"""A real python-telegram-bot application lives on the simulated server."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputMediaPhoto,
    InputTextMessageContent,
    Update,
)
from telegram.error import BadRequest, ChatMigrated, Forbidden
from telegram.ext import CallbackQueryHandler, ChatMemberHandler, CommandHandler, InlineQueryHandler, MessageHandler
from telegram.ext.filters import TEXT

from core.clock import ManualClock
from sim.telegram.chats import Message
from sim.telegram.console import render
from sim.telegram.people import TelegramUser
from sim.telegram.server import TelegramServer

from .conftest import RunBot, png

BUTTONS = InlineKeyboardMarkup([[InlineKeyboardButton("새로고침", callback_data="r:005930")]])


def saved_bytes(message: Message) -> bytes:
    """The picture as the server saved it for people."""
    assert message.media
    assert message.media.saved
    return message.media.saved.read_bytes()


async def greet(update: Update, context: Any) -> None:
    assert update.effective_message
    await update.effective_message.reply_html("<b>안녕</b>하세요", reply_markup=BUTTONS)


async def test_start_is_answered(run_bot: RunBot, server: TelegramServer) -> None:
    async with run_bot(CommandHandler("start", greet)):
        user = server.user(5, "새 사람")
        [answer] = await user.wait_answer(user.send("/start"))
    assert answer.text == "안녕하세요"
    assert answer.wire()["entities"] == [{"type": "bold", "offset": 0, "length": 2}]
    assert render(answer) == "안녕하세요\n[새로고침]"


async def test_a_pressed_button_is_answered_and_the_message_edited(run_bot: RunBot, user: TelegramUser) -> None:
    async def refresh(update: Update, context: Any) -> None:
        query = update.callback_query
        assert isinstance(query, CallbackQuery)
        await query.answer("새로 읽었습니다")
        await query.edit_message_text(f"자료 {query.data}")

    async with run_bot(CommandHandler("start", greet), CallbackQueryHandler(refresh)):
        [shown] = await user.wait_answer(user.send("/start"))
        click = user.click(shown.id, "새로고침")
        [edited] = await user.wait_idle(click, quiet=0.1)
    assert (click.text, click.data) == ("새로 읽었습니다", "r:005930")
    assert edited is shown
    assert (edited.text, edited.buttons) == ("자료 r:005930", [])
    with pytest.raises(ValueError, match="no button"):
        user.click(shown.id, "새로고침")


async def test_blocking_is_told_and_writing_is_forbidden(run_bot: RunBot, user: TelegramUser) -> None:
    changes: list[str] = []

    async def note(update: Update, context: Any) -> None:
        assert update.my_chat_member
        changes.append(update.my_chat_member.new_chat_member.status)

    async with run_bot(ChatMemberHandler(note, ChatMemberHandler.MY_CHAT_MEMBER)) as app:
        user.block()
        with pytest.raises(Forbidden, match="bot was blocked by the user"):
            await app.bot.send_message(user.id, "가")
        user.unblock()
        await app.bot.send_message(user.id, "나")
        await user.wait_until(lambda: len(changes) == 2)
    assert sorted(changes) == ["kicked", "member"]


async def test_inline_results_are_offered_and_chosen(run_bot: RunBot, user: TelegramUser) -> None:
    async def offer(update: Update, context: Any) -> None:
        assert update.inline_query
        content = InputTextMessageContent(f"<b>{update.inline_query.query}</b> 71,200원", parse_mode="HTML")
        await update.inline_query.answer([InlineQueryResultArticle("1", "삼성전자", content)], cache_time=5)

    async with run_bot(InlineQueryHandler(offer)):
        question = user.ask_inline("삼성")
        [result] = await user.wait_results(question)
        message = user.choose(question, "1")
    assert result["title"] == "삼성전자"
    assert message.text == "삼성 71,200원"


async def test_a_group_hears_only_what_concerns_it(run_bot: RunBot, user: TelegramUser, server: TelegramServer) -> None:
    heard: list[str] = []

    async def hear(update: Update, context: Any) -> None:
        assert update.effective_message
        heard.append(update.effective_message.text or "")
        await update.effective_message.reply_text("네")

    group = server.group(-1001, "모임", user)
    group.add_bot(user)
    async with run_bot(MessageHandler(TEXT, hear)) as app:
        group.send(user, "우리끼리 이야기")
        group.send(user, "/price@other_bot 삼성")
        command = group.send(user, "/price 삼성")
        [answer] = await group.wait_answer(command)
        last = group.send(user, "답장", reply_to=answer)
        await group.wait_answer(last)
        await group.wait_idle(group.send(user, "@stockpilot_demo_bot 삼성"), quiet=0.1)
        assert await app.bot.get_chat_member_count(-1001) == 2
        new = group.upgrade(-1002000000000)
        with pytest.raises(ChatMigrated) as moved:
            await app.bot.send_message(-1001, "가")
        assert moved.value.new_chat_id == new.chat.id
        await app.bot.send_message(new.chat.id, "가")
        new.remove_bot(user)
        with pytest.raises(Forbidden, match="bot was kicked from the supergroup chat"):
            await app.bot.send_message(new.chat.id, "나")
    assert heard == ["/price 삼성", "답장", "@stockpilot_demo_bot 삼성"]


async def test_pictures_are_saved_reused_edited_and_downloaded(bot: Bot, user: TelegramUser) -> None:
    sent = await bot.send_photo(user.id, png(40, 30), caption="<i>일봉</i>", parse_mode="HTML", filename="chart.png")
    assert (sent.photo[-1].width, sent.photo[-1].height, sent.caption) == (40, 30, "일봉")
    shown = user.messages[-1]
    assert shown.media
    assert saved_bytes(shown) == png(40, 30)
    assert render(shown) == f"[사진: {shown.media.saved}]\n일봉"

    again = await bot.send_photo(user.id, sent.photo[-1].file_id)
    assert again.photo == sent.photo
    assert bytes(await (await sent.photo[-1].get_file()).download_as_bytearray()) == png(40, 30)

    await bot.edit_message_media(InputMediaPhoto(png(50, 30), caption="주봉"), user.id, sent.message_id)
    assert (shown.text, shown.media.width) == ("주봉", 50)
    await bot.edit_message_caption(user.id, sent.message_id, caption="월봉", reply_markup=BUTTONS)
    await bot.edit_message_reply_markup(user.id, sent.message_id)
    assert (shown.text, shown.buttons) == ("월봉", [])

    album = await bot.send_media_group(user.id, [InputMediaPhoto(png()), InputMediaPhoto(sent.photo[-1].file_id)])
    assert len({message.media_group_id for message in album}) == 1
    document = await bot.send_document(user.id, b"<h1>x</h1>", filename="보고서.html")
    assert document.document
    assert (document.document.file_name, document.document.mime_type) == ("보고서.html", "text/html")


async def test_menus_are_seen_by_scope_and_language(bot: Bot, user: TelegramUser, server: TelegramServer) -> None:
    admin = server.user(9, "관리자")
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.set_my_commands([BotCommand("jobs", "작업")], scope=BotCommandScopeChat(9))
    admin.send("/start")
    await bot.set_my_commands([BotCommand("help", "Help")])
    await bot.set_my_commands([BotCommand("help", "도움말")], language_code="ko")
    await bot.set_my_commands([BotCommand("jobs", "작업")], scope=BotCommandScopeChat(9))
    assert [c["description"] for c in user.commands()] == ["도움말"]
    assert [c["command"] for c in admin.commands()] == ["jobs"]
    assert [c.description for c in await bot.get_my_commands()] == ["Help"]
    await bot.delete_my_commands(scope=BotCommandScopeChat(9))
    assert [c["command"] for c in admin.commands()] == ["help"]
    with pytest.raises(BadRequest, match="Bot_command_invalid"):
        await bot.set_my_commands([BotCommand("도움말", "도움말")])


async def test_reactions_deletion_and_chat_facts(bot: Bot, user: TelegramUser) -> None:
    mine = user.messages[-1]
    await bot.set_message_reaction(user.id, mine.id, "👍")
    assert mine.reactions == [{"type": "emoji", "emoji": "👍"}]
    sent = await bot.send_message(user.id, "지울 글", reply_to_message_id=mine.id)
    assert sent.reply_to_message
    assert sent.reply_to_message.text == "/start"
    await bot.delete_message(user.id, sent.message_id)
    assert user.messages == [mine]
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await bot.delete_message(user.id, sent.message_id)
    assert (await bot.get_chat(user.id)).first_name == "지민"
    assert (await bot.get_chat_member(user.id, user.id)).status == "member"


async def test_a_click_cannot_be_answered_late_or_twice(bot: Bot, user: TelegramUser, clock: ManualClock) -> None:
    sent = await bot.send_message(user.id, "가", reply_markup=BUTTONS)
    first, second = user.click(sent.message_id, "새로고침"), user.click(sent.message_id, "r:005930")
    await bot.answer_callback_query(first.id)
    with pytest.raises(BadRequest, match="Query is too old"):
        await bot.answer_callback_query(first.id)
    await clock.sleep(61)
    with pytest.raises(BadRequest, match="Query is too old"):
        await bot.answer_callback_query(second.id)
