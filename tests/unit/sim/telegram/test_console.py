"""Messages in the terminal."""

from __future__ import annotations

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, ReplyKeyboardMarkup

from sim.telegram.console import render
from sim.telegram.people import TelegramUser


async def test_links_are_shown_with_their_address_and_buttons_in_rows(bot: Bot, user: TelegramUser) -> None:
    rows = [[InlineKeyboardButton(text, callback_data=text) for text in row] for row in (["가", "나"], ["다"])]
    await bot.send_message(
        user.id,
        '🔴 <b><a href="https://a.kr/1">기사</a></b>와 <a href="https://b.kr/">https://b.kr/</a> &lt;끝&gt;',
        parse_mode="HTML",
        reply_markup=InlineKeyboardMarkup(rows),
    )
    assert render(user.messages[-1]) == "🔴 기사 (https://a.kr/1)와 https://b.kr/ <끝>\n[가] [나]\n[다]"


async def test_a_reply_keyboard_and_a_document_are_named(bot: Bot, user: TelegramUser) -> None:
    await bot.send_document(
        user.id, b"x", filename="a.csv", caption="표", reply_markup=ReplyKeyboardMarkup([["삼성전자", "시장"]])
    )
    shown = user.messages[-1]
    assert shown.media
    assert render(shown) == f"[문서: {shown.media.saved}]\n표\n[삼성전자] [시장]"
