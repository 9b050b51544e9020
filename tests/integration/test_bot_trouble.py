"""The bot when Telegram, an outside service or one of its own fails: a clear answer and a line in the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from core.embedded import Addresses
from core.errors import StockPilotError
from core.news.service import crawl
from core.news.sources import SOURCES
from core.search.service import embed_pending
from sim.http import SimServer
from tests.integration.bot_stage import Stage, open_stage, shown

FOREVER = 100_000


@pytest.fixture(scope="module")
async def stage(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("bot")
    async with open_stage(servers, template, folder) as opened:
        await opened.services.cache.clear()
        yield opened


@pytest.fixture
async def own_stage(servers: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage whose services may be broken for good."""
    async with open_stage(servers, template, tmp_path) as opened:
        await opened.services.cache.clear()
        yield opened


def die(server: SimServer) -> None:
    """Every further call to this service is cut off."""
    server.faults.add("close", times=FOREVER)


def reference_in(answer: str) -> str:
    return answer.partition("참조 번호 ")[2].split()[0]


# Telegram


async def test_an_answer_refused_for_haste_comes_later(stage: Stage) -> None:
    stage.telegram.fail_next("sendMessage", chat_id=stage.member.id, status=429, retry_after=1)
    assert (await stage.ask("/help")).startswith("쓸 수 있는 명령")


async def test_an_answer_nobody_can_be_given_is_logged_and_the_next_one_works(stage: Stage) -> None:
    stage.telegram.fail_next("sendMessage", chat_id=stage.member.id, status=403)
    with capture_logs() as logs:
        assert await stage.say("/help") == ""
    assert [line["log_level"] for line in logs if line["event"] == "chat_unreachable"] == ["info"]
    assert (await stage.ask("/help")).startswith("쓸 수 있는 명령")


async def test_refused_markup_goes_out_as_plain_text_and_is_an_error_in_the_log(stage: Stage) -> None:
    refusal = "Bad Request: can't parse entities: Unsupported start tag"
    stage.telegram.fail_next("sendMessage", chat_id=stage.member.id, status=400, description=refusal)
    with capture_logs() as logs:
        answer = await stage.ask("/help")
    assert "/report — 종목 리포트와 차트" in answer
    assert "<b>" not in answer
    assert [line["log_level"] for line in logs if line["event"] == "markup_refused"] == ["error"]


async def test_a_caption_refused_for_its_markup_goes_out_as_plain_text(stage: Stage) -> None:
    refusal = "Bad Request: can't parse entities"
    stage.telegram.fail_next("sendPhoto", chat_id=stage.member.id, status=400, description=refusal)
    answer = await stage.ask("삼성전자")
    assert "[사진: " in answer
    assert "거래대금" in answer


@pytest.mark.parametrize("said", ["삼성전자", "/report 삼성전자"])
async def test_where_pictures_are_forbidden_the_text_comes_with_its_buttons(stage: Stage, said: str) -> None:
    refusal = "Bad Request: not enough rights to send photos to the chat"
    stage.telegram.fail_next("sendPhoto", chat_id=stage.member.id, status=400, description=refusal)
    answer = await stage.ask(said)
    assert "[사진: " not in answer
    assert "삼성전자 005930" in answer
    assert "[📰 뉴스]" in answer


@pytest.mark.parametrize("drop", ["before", "after"])
async def test_a_lost_connection_is_logged_once_and_not_answered_blindly(stage: Stage, drop: str) -> None:
    stage.telegram.fail_next("sendMessage", chat_id=stage.member.id, drop=drop)  # type: ignore[arg-type]
    with capture_logs() as logs:
        await stage.say("/help")
    assert [line["log_level"] for line in logs if line["event"] == "update_failed"] == ["warning"]
    assert (await stage.ask("/help")).startswith("쓸 수 있는 명령")


async def test_progress_that_cannot_be_shown_does_not_stop_the_report(stage: Stage) -> None:
    stage.telegram.fail_next("editMessageText", status=429, retry_after=30, times=10)
    stage.telegram.fail_next("deleteMessage", status=400, times=1)
    answer = await stage.ask("/report SK하이닉스")
    assert "확신도" in answer
    stage.telegram.faults.ordered.clear()


async def test_a_press_too_old_to_be_acknowledged_still_works(stage: Stage) -> None:
    card = (await stage.messages("삼성전자"))[-1]
    refusal = "Bad Request: query is too old and response timeout expired or query ID is invalid"
    stage.telegram.fail_next("answerCallbackQuery", status=400, description=refusal)
    click = stage.member.click(card.id, "📰 뉴스")
    await stage.settled()
    assert "뉴스" in shown(stage.member.since(click))


async def test_a_change_that_changes_nothing_is_no_failure(stage: Stage) -> None:
    greeting = (await stage.messages("/start"))[-1]
    english = greeting.buttons
    await stage.press(greeting, "English")
    greeting.buttons = english
    assert "⚠️" not in await stage.press(greeting, "English")
    assert "안녕하세요" in await stage.press(greeting, "한국어")


# Outside services


async def test_without_prices_a_stock_never_seen_is_refused_clearly(own_stage: Stage) -> None:
    die(own_stage.world.kis)
    for said in ("두산", "/report 두산"):
        with capture_logs() as logs:
            answer = await own_stage.ask(said)
        assert "주가 시세(한국투자증권): 지금 응답이 없습니다. 잠시 뒤에 다시 시도해 주세요." in answer
        failed = [line for line in logs if line["event"] == "update_failed"]
        assert [line["reference"] for line in failed] == [reference_in(answer)]
        assert [line["log_level"] for line in failed] == ["warning"]


async def test_without_prices_what_is_known_is_shown_with_its_time(own_stage: Stage) -> None:
    await own_stage.ask("/report 삼성전자")
    die(own_stage.world.kis)
    await own_stage.services.cache.clear()
    assert "2026-02-20 15:30 KST" in await own_stage.ask("삼성전자")
    assert "확신도" in await own_stage.ask("/report 삼성전자")


async def test_without_daily_bars_the_card_comes_without_its_chart(own_stage: Stage) -> None:
    own_stage.world.kis.faults.add("close", path="chartprice", times=FOREVER)
    card = (await own_stage.messages("두산"))[-1]
    assert "거래대금" in card.text
    assert card.media is None
    report = (await own_stage.messages("/report 두산"))[-1]
    assert "확신도" in report.text
    assert "차트를 그릴 시세가 아직 없습니다" in await own_stage.press(report, "1M")


async def test_without_models_the_report_is_made_of_facts_and_says_so(own_stage: Stage) -> None:
    die(own_stage.world.llm)
    report = (await own_stage.messages("/report 삼성전자"))[-1]
    assert "사실만" in report.text
    assert "규칙: 평소 비율" in report.text
    assert "예측 실패: 응답 없음" in await own_stage.press(report, "🤖 다른 모델")


async def test_without_the_embedding_an_article_is_shown_without_similar_ones(own_stage: Stage) -> None:
    await crawl(own_stage.services, SOURCES["naver_main"])
    await embed_pending(own_stage.services)
    die(own_stage.world.llm)
    answer = await own_stage.press((await own_stage.messages("/news"))[-1], "1")
    assert "비슷한 기사는 지금 찾을 수 없습니다" in answer
    assert "🔗 원문 보기" in answer


async def test_without_naver_the_stored_news_is_shown_and_health_tells(own_stage: Stage) -> None:
    await crawl(own_stage.services, SOURCES["naver_main"])
    die(own_stage.world.naver)
    with pytest.raises(StockPilotError):
        await crawl(own_stage.services, SOURCES["naver_main"])
    assert "1. " in await own_stage.ask("/news")
    assert "naver_main" in await own_stage.ask("/health", own_stage.admin)
    assert "연속 실패(응답 없음)" in await own_stage.ask("/health naver_main", own_stage.admin)


async def test_without_redis_everything_is_answered(servers: Addresses, template: str, tmp_path: Path) -> None:
    async with open_stage(servers, template, tmp_path, redis={"url": "redis://127.0.0.1:1/0"}) as stage:
        assert "거래대금" in await stage.ask("삼성전자")
        assert "확신도" in await stage.ask("/report 삼성전자")
        assert "🔴 캐시 서버 redis" in await stage.ask("/health", stage.admin)


async def test_without_the_database_there_is_still_an_answer_in_the_asker_s_language(own_stage: Stage) -> None:
    greeting = (await own_stage.messages("/start"))[-1]
    await own_stage.press(greeting, "English")
    async with own_stage.services.db.begin() as conn:
        await conn.execute(text('ALTER TABLE "user" RENAME TO lost'))
    with capture_logs() as logs:
        answer = await own_stage.ask("/help")
    assert answer.startswith("⚠️ Something unexpected went wrong.")
    failed = [line for line in logs if line["event"] == "update_failed"]
    assert [line["log_level"] for line in failed] == ["error"]
    assert failed[0]["reference"] in answer
    assert failed[0]["exc_info"]
