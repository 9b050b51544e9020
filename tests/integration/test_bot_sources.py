"""/sources on the simulated Telegram: what admins read, press and mend."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from core.audit.trail import newest
from core.embedded import Addresses
from core.errors import Blocked, Unavailable
from core.kis.rows import Rejected
from core.outside.declared import Family
from core.outside.registry import DECLARED
from core.services import Services
from core.sources.service import get_source, quarantine, record_failure, record_success
from core.sources.status import Circuit, SourceStatus
from core.stocks.service import refresh_stocks
from sim.telegram.chats import Message
from tests.integration.bot_stage import Stage, open_stage

ROW = {
    "officeId": "015",
    "articleId": "0005211111",
    "officeHname": "한국경제",
    "title": "삼성전자, 9조 수주 <b>소식</b>",
    "subcontent": "반도체 장비를 납품한다.",
    "datetime": "20260220134000",
}


@pytest.fixture(scope="module")
async def stage(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("sources")
    async with open_stage(servers, template, folder) as opened:
        await opened.services.cache.clear()
        await refresh_stocks(opened.services)
        yield opened


@pytest.fixture(autouse=True)
async def clean(stage: Stage) -> None:
    """Nothing noted of any source."""
    async with stage.services.db.begin() as conn:
        await conn.execute(text("TRUNCATE source_status, source_usual, quarantine"))


async def fail(services: Services, key: str, error: Exception, *, times: int = 1) -> None:
    async with services.db.begin() as conn:
        for _ in range(times):
            await record_failure(conn, key, error=error, at=services.clock.now(), services=services)


async def state(services: Services, key: str) -> SourceStatus:
    async with services.db.read() as conn:
        return await get_source(conn, key)


async def put_aside(services: Services, *rows: object, ago: timedelta = timedelta(hours=2)) -> None:
    """Rows of the main list that could not be used then."""
    rejected = [
        Rejected(reason="published: an odd time (page 1, parser 0)", raw=orjson.dumps(row).decode()) for row in rows
    ]
    async with services.db.begin() as conn:
        await quarantine(conn, "naver_main", rejected, at=services.clock.now() - ago)


async def test_every_source_is_listed_with_how_it_stands(stage: Stage) -> None:
    services = stage.services
    async with services.db.begin() as conn:
        await record_success(conn, "naver_main", items=1_234, at=services.clock.now(), services=services)
    await fail(services, "kis_master", Blocked("refused with 403"))
    answer = await stage.ask("/sources", stage.admin)
    for key in DECLARED:
        assert key in answer
    assert "🟢 네이버 증권 주요·속보 naver_main" in answer
    assert "방금 · 1,234건" in answer
    assert "🔴 종목 마스터 kis_master" in answer
    assert "1번 이어서 실패 (거절당함)" in answer
    assert "끊김 1" in answer


async def test_a_source_that_only_stands_in_says_so(stage: Stage) -> None:
    answer = await stage.ask("/sources", stage.admin)
    assert "⚪ DART 회사별 RSS dart_company_feed\n다른 수집원이 안 될 때만 읽음" in answer


async def test_a_source_that_is_off_says_why_and_what_switches_it_on(
    servers: Addresses, template: str, tmp_path: Path
) -> None:
    async with open_stage(servers, template, tmp_path, news={"sources": ()}, kis={"app_key": None}) as without:
        answer = await without.ask("/sources", without.admin)
        assert "robots.txt와 약관이 자동 수집을 금합니다 → NEWS_SOURCES=naver_main" in answer
        assert "설정이 비어 있습니다 → KIS_APP_KEY, KIS_APP_SECRET" in answer
        detail = await without.ask("/sources naver_main", without.admin)
        assert "켜는 설정: NEWS_SOURCES=naver_main" in detail


async def test_one_source_shows_its_failures_and_what_it_sent_that_was_no_use(stage: Stage) -> None:
    await fail(stage.services, "naver_main", Unavailable("stock.naver.com: status 503 <script>"), times=3)
    await put_aside(stage.services, {"title": "<b>&"})
    answer = await stage.ask("/sources naver_main", stage.admin)
    assert "🔴 네이버 증권 주요·속보 naver_main · 끊김" in answer
    assert "회로: 열림 · 16:00까지 읽지 않음" in answer
    assert answer.count("응답 없음 · stock.naver.com: status 503 <script>") == 3
    assert '{"title":"<b>&"}' in answer
    assert "파서 버전: 1" in answer


async def test_rows_in_quarantine_are_used_once_they_can_be_as_first_seen_then(stage: Stage) -> None:
    services = stage.services
    broken = ROW | {"title": ""}
    await put_aside(services, ROW, broken)
    message = (await stage.messages("/sources naver_main", stage.admin))[-1]
    answer = await stage.press(message, "♻️ 격리 다시 처리", stage.admin)
    assert "격리된 행 2개를 다시 처리했습니다. 1개를 쓸 수 있게 되었고 새로 저장한 것은 1건입니다." in answer
    async with services.db.read() as conn:
        (article,) = (
            await conn.execute(text("SELECT title, first_seen_at FROM article WHERE title LIKE '%9조%'"))
        ).all()
        rows = (await conn.execute(text("SELECT resolved_at IS NULL, reason FROM quarantine ORDER BY id"))).all()
        (entry,) = await newest(conn, limit=1)
    assert article.title == "삼성전자, 9조 수주 소식"
    age = services.clock.now() - article.first_seen_at
    assert timedelta(hours=2) <= age < timedelta(hours=2, minutes=5)
    assert sorted(row[0] for row in rows) == [False, True]
    assert any("parser 1" in row.reason for row in rows)
    assert (entry.action, entry.target, entry.detail) == (
        "source_rerun",
        "naver_main",
        {"tried": 2, "used": 1, "new": 1},
    )
    again = await stage.press(message, "♻️ 격리 다시 처리", stage.admin)
    assert "격리된 행 1개를 다시 처리했습니다. 0개를" in again
    async with services.db.read() as conn:
        count = (await conn.execute(text("SELECT count(*) FROM article WHERE title LIKE '%9조%'"))).scalar_one()
    assert count == 1


FILING = {
    "corp_code": "00126380",
    "corp_name": "삼성전자",
    "stock_code": "005930",
    "corp_cls": "Y",
    "report_nm": "주식소각결정",
    "rcept_no": "20260220800999",
    "flr_nm": "삼성전자",
    "rcept_dt": "20260220",
    "rm": "유",
}
ITEM = """<item xmlns:dc="http://purl.org/dc/elements/1.1/"><title>(유가)삼성전자 - 주식소각결정</title>
<link>https://dart.fss.or.kr/api/link.jsp?rcpNo=20260220800998</link><dc:date>2026-02-20T04:10:00Z</dc:date></item>"""


@pytest.mark.parametrize(
    ("key", "row", "receipt"),
    [("dart", orjson.dumps(FILING).decode(), "20260220800999"), ("dart_feed", ITEM, "20260220800998")],
)
async def test_filings_in_quarantine_are_used_once_they_can_be(stage: Stage, key: str, row: str, receipt: str) -> None:
    services = stage.services
    then = services.clock.now() - timedelta(hours=2)
    async with services.db.begin() as conn:
        rejected = [Rejected(reason="an odd day (parser 0)", raw=raw) for raw in (row, row[:40])]
        await quarantine(conn, key, rejected, at=then)
    message = (await stage.messages(f"/sources {key}", stage.admin))[-1]
    answer = await stage.press(message, "♻️ 격리 다시 처리", stage.admin)
    assert "격리된 행 2개를 다시 처리했습니다. 1개를 쓸 수 있게 되었고 새로 저장한 것은 1건입니다." in answer
    async with services.db.read() as conn:
        query = text("SELECT code, first_seen_at FROM disclosure WHERE receipt = :receipt")
        ((code, seen),) = (await conn.execute(query, {"receipt": receipt})).all()
    assert (code, seen) == ("005930", then)


async def test_a_circuit_is_closed_only_after_a_second_press_and_it_is_audited(stage: Stage) -> None:
    services = stage.services
    await fail(services, "hankyung", Blocked("refused with 403"))
    message = (await stage.messages("/sources hankyung", stage.admin))[-1]
    assert "회로를 닫을까요" in await stage.press(message, "🔌 회로 닫기", stage.admin)
    assert (await state(services, "hankyung")).circuit(services.clock.now()) is Circuit.OPEN
    assert "회로를 닫았습니다" in await stage.press(message, "🔌 예, 회로를 닫습니다", stage.admin)
    assert (await state(services, "hankyung")).circuit(services.clock.now()) is Circuit.CLOSED
    async with services.db.read() as conn:
        (entry,) = await newest(conn, limit=1)
    assert (entry.action, entry.target, entry.actor_id) == ("source_close", "hankyung", stage.admin.id)
    assert entry.detail == {"failures": 1, "kind": "blocked"}


async def test_a_source_can_be_asked_now_through_an_open_circuit(stage: Stage) -> None:
    services = stage.services
    await fail(services, "kis_quote", Unavailable("down"), times=3)
    message = (await stage.messages("/sources kis_quote", stage.admin))[-1]
    await stage.press(message, "📡 지금 물어보기", stage.admin)
    answer = await stage.press(message, "📡 예, 지금 물어봅니다", stage.admin)
    assert "답이 왔습니다" in answer
    assert "🟢 한국투자증권 현재가 kis_quote · 정상" in answer


async def test_what_is_still_wrong_is_said(stage: Stage) -> None:
    stage.world.kis.faults.add("html", path="inquire-price", times=1)
    message = (await stage.messages("/sources kis_quote", stage.admin))[-1]
    await stage.press(message, "📡 지금 물어보기", stage.admin)
    answer = await stage.press(message, "📡 예, 지금 물어봅니다", stage.admin)
    stage.world.kis.faults.clear()
    assert "쓸 만한 답이 없습니다" in answer
    assert "Malformed: KIS" in answer
    assert "1번 이어서 실패" in answer


@pytest.mark.parametrize("said", ["/sources nonsense", "/sources <b>&", "/sources " + "x" * 300])
async def test_a_wrong_name_is_answered_with_the_right_ones_and_an_example(stage: Stage, said: str) -> None:
    answer = await stage.ask(said, stage.admin)
    assert "라는 수집원은 없습니다. 있는 것: naver_main" in answer
    assert "예: /sources hankyung" in answer


async def test_a_source_without_rows_of_its_own_says_so(stage: Stage) -> None:
    assert "하나씩 다시 처리할 수 없습니다" in await stage.forge("1:sq:kis_daily", stage.admin)
    assert "따로 시험할 수 없습니다" in await stage.press(
        (await confirming(stage, "kis_daily")), "📡 예, 지금 물어봅니다", stage.admin
    )


async def confirming(stage: Stage, key: str) -> Message:
    """A message that asks whether a source is to be asked now."""
    message = (await stage.messages("/start", stage.admin))[-1]
    message.buttons = [[{"text": "?", "callback_data": f"1:sp:probe:{key}"}]]
    await stage.press(message, f"1:sp:probe:{key}", stage.admin)
    return message


@pytest.mark.parametrize("data", ["1:so", "1:sd:mk", "1:sq:naver_main", "1:sp:close:mk", "1:sc:mk:1:0123456789"])
async def test_a_member_can_neither_read_nor_press(stage: Stage, data: str) -> None:
    await fail(stage.services, "mk", Blocked("403"))
    assert "관리자만" in await stage.ask("/sources")
    assert "관리자만" in await stage.forge(data)
    assert (await state(stage.services, "mk")).open_until is not None


def test_every_source_has_a_name_in_the_list() -> None:
    from bot.views.sources import FAMILIES, NAMES

    assert set(DECLARED) <= set(NAMES)
    assert set(FAMILIES) == set(Family)
