"""The chat page's data, its live events and what a person at it can do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup

from sim.telegram.people import TelegramUser
from sim.telegram.server import TelegramServer

from .conftest import png


@pytest.fixture
async def web(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url) as client:
        yield client


async def test_the_page_comes_whole_and_reaches_nothing_outside(web: httpx.AsyncClient) -> None:
    page = await web.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http://" not in page.text
    assert "https://" not in page.text


async def test_the_state_shows_the_chat_in_korean_time(web: httpx.AsyncClient, bot: Bot, user: TelegramUser) -> None:
    keyboard = [
        [InlineKeyboardButton("누름", callback_data="a"), InlineKeyboardButton("원문", url="https://dart.fss.or.kr/")]
    ]
    await bot.set_my_commands([("help", "도움말")])
    await bot.send_photo(
        user.id,
        png(40, 30),
        caption="<b>&lt;가&gt;</b>",
        parse_mode="HTML",
        reply_markup=InlineKeyboardMarkup(keyboard),
    )
    state = (await web.get("/page/state", params={"user": user.id})).json()
    assert state["now"] == "2026-02-20 15:50"
    assert state["users"] == [{"id": 1001, "name": "지민"}]
    assert state["commands"] == [{"command": "help", "description": "도움말"}]
    shown = state["messages"][-1]
    assert (shown["html"], shown["time"]) == ("<b>&lt;가&gt;</b>", "15:50")
    assert shown["day"] == "2026년 2월 20일 금요일"
    assert shown["buttons"] == [[{"text": "누름", "data": "a"}, {"text": "원문", "url": "https://dart.fss.or.kr/"}]]
    picture = await web.get(shown["photo"]["url"])
    assert (picture.content, picture.headers["content-type"]) == (png(40, 30), "image/png")


async def next_event(lines: AsyncIterator[str], kind: str) -> dict[str, Any]:
    """The next event of this kind."""
    async for line in lines:
        if line.startswith("data: ") and (event := json.loads(line[6:]))["kind"] == kind:
            return dict(event)
    raise AssertionError(f"the stream ended without {kind}")


async def test_events_tell_messages_edits_typing_and_answers_live(
    web: httpx.AsyncClient, bot: Bot, user: TelegramUser, server: TelegramServer
) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("누름", callback_data="a")]])
    stranger = server.user(7, "남")
    async with web.stream("GET", "/page/events", params={"user": user.id}) as stream:
        lines = stream.aiter_lines()
        await next_event(lines, "tick")
        stranger.send("남의 글")
        sent = await bot.send_message(user.id, "가", reply_markup=keyboard)
        assert (await next_event(lines, "message"))["message"]["html"] == "가"
        await bot.send_chat_action(user.id, "typing")
        assert (await next_event(lines, "action"))["action"] == "typing"
        await bot.edit_message_text("나", user.id, sent.message_id, reply_markup=keyboard)
        edited = (await next_event(lines, "message"))["message"]
        assert (edited["id"], edited["html"], edited["edited"]) == (sent.message_id, "나", True)
        clicked = await web.post("/page/click", json={"user": user.id, "message": sent.message_id, "data": "a"})
        assert clicked.json() == {"ok": True}
        await bot.answer_callback_query(user.clicks[-1].id, "됐습니다", show_alert=True)
        answer = await next_event(lines, "callback")
        assert (answer["text"], answer["alert"]) == ("됐습니다", True)
        await bot.delete_message(user.id, sent.message_id)
        assert (await next_event(lines, "delete"))["id"] == sent.message_id


async def test_a_person_writes_from_the_page(web: httpx.AsyncClient, user: TelegramUser) -> None:
    await web.post("/page/send", json={"user": user.id, "text": " 삼성전자 "})
    assert user.messages[-1].text == "삼성전자"
    assert (await web.post("/page/click", json={"user": user.id, "message": 99, "data": "a"})).json() == {"ok": False}


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [("user=1001&text=a", "application/x-www-form-urlencoded", 415), ("[", "application/json", 400)],
)
async def test_requests_a_foreign_page_could_make_are_refused(
    web: httpx.AsyncClient, user: TelegramUser, content: str, kind: str, status: int
) -> None:
    reply = await web.post("/page/send", content=content, headers={"Content-Type": kind})
    assert reply.status_code == status
    assert len(user.messages) == 1


async def test_a_sent_html_document_opens_in_a_sandbox(web: httpx.AsyncClient, bot: Bot, user: TelegramUser) -> None:
    await bot.send_document(user.id, b"<script>1</script>", filename="a.html")
    await bot.send_document(user.id, b"%PDF", filename="보고서.pdf")
    page, pdf = [m["document"]["url"] for m in (await web.get("/page/state")).json()["messages"][-2:]]
    assert "sandbox" in (await web.get(page)).headers["content-security-policy"]
    assert "attachment" in (await web.get(pdf)).headers["content-disposition"]
