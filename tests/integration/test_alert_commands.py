"""/alerts over the wire, and an alert on its whole way from a fact to the reader's chat."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.hooks import open_hooks
from core.alerts import service as alerts
from core.alerts.found import FINDERS
from core.delivery.sender import drain
from core.embedded import Addresses
from core.settings import Settings
from sim.telegram.chats import Message
from sim.telegram.people import TelegramUser
from tests.integration.alert_facts import article, filing, report
from tests.integration.bot_stage import Stage, open_stage


@pytest.fixture(scope="module")
async def stage(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("alerts")
    async with open_stage(servers, template, folder) as opened:
        await opened.services.cache.clear()
        await opened.ask("/price 삼성전자")  # learns the stocks
        yield opened


@pytest.fixture
def person(stage: Stage) -> TelegramUser:
    """Somebody nobody has met yet."""
    return stage.telegram.user(20_000 + len(stage.telegram.users), "새 사람")


async def panel(stage: Stage, person: TelegramUser) -> Message:
    return (await stage.messages("/alerts", person))[-1]


def buttons(message: Message) -> list[str]:
    return [button["text"] for row in message.buttons for button in row]


async def test_a_button_leads_from_sound_to_silence_to_nothing_and_back(stage: Stage, person: TelegramUser) -> None:
    seen = await panel(stage, person)
    assert {"🔔 기업 공시", "🤫 뉴스", "🔔 가격", "🔔 브리핑"} <= set(buttons(seen))
    for mark in ("🤫", "🔕", "🔔"):
        before = next(text for text in buttons(seen) if text.endswith("공시"))
        await stage.press(seen, before, person)
        assert f"{mark} 기업 공시" in buttons(seen)
        assert f"{mark} 기업 공시 일상 공시를 뺀" in seen.text
    assert buttons(await panel(stage, person)) == buttons(seen)


async def test_quiet_hours_are_set_shown_and_ended(stage: Stage, person: TelegramUser) -> None:
    assert "방해 금지 22:30–06:00" in await stage.ask("/alerts quiet 22:30-06:00", person)
    seen = await panel(stage, person)
    await stage.press(seen, "🌙 방해 금지 끄기", person)
    assert "방해 금지 없음" in seen.text
    await stage.press(seen, "🌙 방해 금지 22:00–07:00", person)
    assert "방해 금지 22:00–07:00" in seen.text
    assert "방해 금지 없음" in await stage.ask("/alerts quiet off", person)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("삼성전자 > 80000", "80,000원 이상"),
        ("005930 < 70,000원", "70,000원 이하"),
        ("삼전 90000 이상 2시간마다", "90,000원 이상"),
        ("삼성전자 5%", "전일보다 ±5%"),
        ("삼성전자 -3.5%", "전일보다 -3.5%"),
        ("삼성전자 거래량 3배", "거래량이 평소의 3배"),
        ("삼성전자 volume 2.5x every 30m", "거래량이 평소의 2.5배"),
    ],
)
async def test_a_condition_is_kept_as_it_is_said(stage: Stage, person: TelegramUser, said: str, kept: str) -> None:
    assert f"삼성전자 {kept}" in await stage.ask(f"/alerts add {said}", person)
    listed = await panel(stage, person)
    assert f"1. 삼성전자 {kept}" in listed.text
    assert "내 조건 1/30" in listed.text


async def test_conditions_are_deleted_by_number_and_by_button(stage: Stage, person: TelegramUser) -> None:
    for won in (80_000, 90_000, 100_000):
        await stage.ask(f"/alerts add 삼성전자 > {won}", person)
    assert "90,000원 이상" not in await stage.ask("/alerts delete 2", person)
    seen = await panel(stage, person)
    await stage.press(seen, "🗑 1", person)
    assert "1. 삼성전자 100,000원 이상" in seen.text
    assert "내 조건 1/30" in seen.text


async def test_nobody_deletes_the_condition_of_another(stage: Stage, person: TelegramUser) -> None:
    await stage.ask("/alerts add 삼성전자 > 80000", person)
    async with stage.services.db.read() as conn:
        query = text("SELECT id FROM alert_rule WHERE user_id = :id")
        number = (await conn.execute(query, {"id": person.id})).scalar_one()
    await stage.forge(f"1:ad:{number}")
    await stage.forge(f"1:ax:{number}")
    assert "내 조건 1/30" in (await panel(stage, person)).text


async def test_an_ambiguous_name_is_asked_back_and_the_button_keeps_the_condition(
    stage: Stage, person: TelegramUser
) -> None:
    question = (await stage.messages("/alerts add 한화 거래량 3배 6시간마다", person))[-1]
    answer = await stage.press(question, "한화시스템 · 272210 KOSPI", person)
    assert "한화시스템 거래량이 평소의 3배" in answer
    assert "6시간에 한 번까지" in answer


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("/alerts nonsense", "quiet, add, delete 가운데"),
        ("/alerts quiet", "quiet, add, delete 가운데"),
        ("/alerts quiet 25:00-07:00", "/alerts quiet 22:00-07:00"),
        ("/alerts quiet 07:00-07:00", "/alerts quiet 22:00-07:00"),
        ("/alerts add 삼성전자", "/alerts add 삼성전자 > 80000"),
        ("/alerts add 삼성전자 > 0", "1원에서 10억 원"),
        ("/alerts add 삼성전자 > 80000.5", "1원에서 10억 원"),
        ("/alerts add 삼성전자 31%", "30을 넘지 않게"),
        ("/alerts add 삼성전자 거래량 1배", "1배보다 크고"),
        ("/alerts add 삼성전자 > 80000 1분마다", "10분에서 30일"),
        ("/alerts add 없는회사이름 > 80000", "찾지 못했습니다"),
        ("/alerts delete 1", "번호를 적어 주세요"),
        ("/alerts delete ١", "번호를 적어 주세요"),
    ],
)
async def test_wrong_arguments_are_answered_with_what_is_expected(
    stage: Stage, person: TelegramUser, said: str, answer: str
) -> None:
    assert answer in await stage.ask(said, person)


@pytest.mark.parametrize(
    "data", ["1:aa:price_above:80000:1:005930", "1:aa:change:99:60:005930", "1:al:news:loud", "1:aq:9999-0000"]
)
async def test_a_forged_button_keeps_nothing(stage: Stage, person: TelegramUser, data: str) -> None:
    answer = await stage.forge(data, person)
    assert "참조 번호" not in answer
    seen = (await panel(stage, person)).text
    assert "내 조건 0/30" in seen
    assert "방해 금지 없음" in seen


# From the fact to the chat


async def told(stage: Stage, person: TelegramUser) -> list[Message]:
    """What the bot brings a person of what came since they watch."""
    before = len(person.messages)
    services = stage.services
    async with services.db.begin() as conn:
        await alerts.tell(services, conn, tuple(FINDERS))
    async with open_hooks(services, token=_token(services.settings)) as hooks:
        await drain(services, hooks=hooks)
    await stage.settled()
    return [message for message in person.messages[before:] if message.sender.is_bot]


def _token(settings: Settings) -> str:
    token = settings.telegram.bot_token
    assert token is not None
    return token.get_secret_value()


async def test_a_filing_and_a_story_reach_whoever_watches_and_can_be_turned_off_there(
    stage: Stage, person: TelegramUser
) -> None:
    await stage.ask("/watch 삼성전자", person)
    now = stage.services.clock.now()
    await filing(stage.services, "20260220800001", "주요사항보고서(자기주식취득결정)", at=now)
    await article(stage.services, 900_001, "005930", at=now, title="<b>공장</b> & 증설")
    filed, story = await told(stage, person)
    assert filed.text.startswith("❗ 삼성전자 새 공시가 나왔습니다\n주요사항보고서(자기주식취득결정)")
    assert "자기 주식" in filed.text or "자사주" in filed.text
    assert (buttons(filed)[0], buttons(filed)[-1]) == ("🔗 DART 원문 보기", "🔕 기업 공시 알림 끄기")
    assert story.text.startswith("📰 삼성전자 새 기사가 나왔습니다\n<b>공장</b> & 증설")
    sent = [
        call.params for call in stage.telegram.calls("sendMessage") if str(call.params["chat_id"]) == str(person.id)
    ]
    assert ["disable_notification" in call for call in sent[-2:]] == [False, True]
    assert "기업 공시 알림을 껐습니다" in await stage.press(filed, "🔕 기업 공시 알림 끄기", person)
    await filing(stage.services, "20260220800002", "유상증자결정", at=now)
    assert await told(stage, person) == []


async def test_a_report_is_told_in_the_reader_s_language(stage: Stage) -> None:
    reader = stage.telegram.user(29_999, "Reader")
    await stage.forge("1:l:en", reader)
    await stage.ask("/watch 000660", reader)
    await report(stage.services, "000660", at=stage.services.clock.now())
    (message,) = await told(stage, reader)
    assert message.text.startswith("🔴▲ SK하이닉스 new report: ")
