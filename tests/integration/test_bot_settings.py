"""/settings on the simulated Telegram, and a brief from the tables to the chat it is told in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, time
from pathlib import Path

import pytest

from bot.demo import TOKEN, USER_ID
from bot.hooks import open_hooks
from core.briefs.brief import Slot
from core.briefs.preferences import preferences_of
from core.chats.service import meet
from core.chats.subscriptions import Mode, PersonalKind, choose
from core.clock import kst
from core.delivery.sender import drain
from core.embedded import Addresses
from core.market.queries import store_quote
from jobs.registry import JOBS
from jobs.run import run_job
from jobs.scheduler import run_due
from tests.integration.bot_stage import MOMENT, Stage, open_stage, shown
from tests.sheets import make_quote

NOON = kst(date(2026, 2, 20), time(12))


@pytest.fixture(scope="module")
async def stage(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("settings")
    async with open_stage(servers, template, folder) as opened:
        await opened.services.cache.clear()
        await run_due(opened.services, specs=[JOBS["refresh_stocks"]])
        yield opened


async def test_settings_show_what_holds_and_change_by_buttons(stage: Stage) -> None:
    asked = (await stage.messages("/settings"))[-1]
    first = shown([asked])
    assert "서울 (Asia/Seoul) · 지금 02-20 15:5" in first
    assert "[🔔 08:00] [🔔 12:00] [🔔 16:00]" in first
    assert "관심종목이 없어 브리핑이 오지 않습니다" in first

    assert "[🔔 08:00] [🔕 12:00] [🔔 16:00]" in await stage.press(asked, "🔔 12:00")
    assert "[🔔 08:00] [🔔 12:00] [🔔 16:00]" in await stage.press(asked, "🔕 12:00")
    assert "도쿄 (Asia/Tokyo)" in await stage.press(asked, "도쿄")
    english = await stage.press(asked, "English")
    assert "Your time zone Tokyo (Asia/Tokyo)" in english
    assert await stage.press(asked, "✓ Tokyo") == ""  # nothing changes, so nothing is edited
    assert "내 시간대 도쿄" in await stage.press(asked, "한국어")


async def test_settings_change_by_words_too(stage: Stage) -> None:
    assert "Europe/Paris" in await stage.ask("/settings zone europe/paris")
    assert "🔕 16:00" in await stage.ask("/settings brief 16:00 off")
    assert "🔔 16:00" in await stage.ask("/settings brief 16시 on")
    assert "Language English" in await stage.ask("/settings language en")
    assert "언어 한국어" in await stage.ask("/settings language ko")
    assert "서울 (Asia/Seoul)" in await stage.ask("/settings zone Asia/Seoul")


@pytest.mark.parametrize(
    "said",
    [
        "/settings zone",
        "/settings zone Mars/Olympus",
        "/settings zone ../../etc/passwd",
        "/settings language klingon",
        "/settings brief 09:00 off",
        "/settings brief 08:00",
        "/settings brief 08:00 maybe",
        "/settings 삼성전자",
        "/settings " + "x" * 3_000,
    ],
)
async def test_wrong_settings_are_answered_with_an_example(stage: Stage, said: str) -> None:
    answer = await stage.ask(said)
    assert "예: /settings zone Asia/Tokyo" in answer
    assert "참조 번호" not in answer
    assert len(answer) < 300


@pytest.mark.parametrize("data", ["1:gs:dawn:on", "1:gs:noon:maybe", "1:gl:fr", "1:gz:", "1:gz:Mars/Olympus", "1:g:x"])
async def test_made_up_buttons_change_nothing(stage: Stage, data: str) -> None:
    member = await meet(stage.services, user_id=USER_ID, name="김하늘")
    before = await preferences_of(stage.services, member)
    await stage.forge(data)
    assert await preferences_of(stage.services, member) == before


async def test_a_brief_reaches_the_chat_with_a_way_to_its_settings(stage: Stage) -> None:
    await stage.ask("/watch 삼성전자")
    async with stage.services.db.begin() as conn:
        await store_quote(conn, make_quote(NOON, code="005930", price=71_200, change=1_200, change_percent=1.71))
        await choose(conn, USER_ID, PersonalKind.BRIEF, Mode.SILENT)
    assert await run_job(stage.services, JOBS["send_briefs"], NOON, owner="here") == "succeeded"
    stage.telegram.requests.clear()
    async with open_hooks(stage.services, token=TOKEN) as hooks:
        await drain(stage.services, hooks=hooks)

    brief = stage.member.messages[-1]
    said = shown([brief])
    assert said.startswith("🕛 점심 브리핑 · 2월 20일 (금)")
    assert "🔴▲ 삼성전자 71,200원 (+1.71%)" in said
    assert "관심종목 1 · 현재가 12:00" in said
    (sent,) = [call for call in stage.telegram.requests if call.method == "sendMessage"]
    assert sent.params["disable_notification"]
    assert "📊" in said
    settings = await stage.press(brief, "⚙️ 브리핑 설정")
    assert "🔔 12:00 점심 브리핑" in settings
    assert "무음" in settings
    assert stage.services.clock.now() >= MOMENT
    assert (
        Slot.NOON
        in (await preferences_of(stage.services, await meet(stage.services, user_id=USER_ID, name="김하늘"))).briefs
    )
