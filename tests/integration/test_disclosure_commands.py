"""/disclosures over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from core.disclosures.service import crawl_feed, crawl_list
from core.embedded import Addresses
from tests.integration.bot_stage import Stage, open_stage, shown


@pytest.fixture(scope="module")
async def stage(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("disclosures")
    async with open_stage(servers, template, folder) as opened:
        await opened.services.cache.clear()
        await opened.ask("/price 삼성전자")  # learns the stocks
        await crawl_list(opened.services, opened.services.db.begin)
        await crawl_feed(opened.services, opened.services.db.begin)
        yield opened


async def test_the_filings_of_a_stock_come_page_by_page(stage: Stage) -> None:
    first = (await stage.messages("/disclosures 005380"))[-1]
    assert "현대차 공시 목록" in first.text
    assert "DART 방금" in first.text
    assert "https://dart.fss.or.kr/dsaf001/main.do?rcpNo=" in shown([first])
    second = await stage.press(first, "다음 ▶")
    assert "현대차 공시 목록 · 2쪽" in second
    assert await stage.ask("/disclosures 현대차 2") == second


async def test_a_number_opens_a_filing_with_its_meaning_and_the_official_page(stage: Stage) -> None:
    page = (await stage.messages("/disclosures 005380"))[-1]
    opened = await stage.press(page, "1")
    assert "🔗 DART 원문 보기" in opened
    assert "공시 내용입니다. R&D 및 <주요 계약>" in opened
    assert "현대자동차(005380)" in opened


async def test_without_an_argument_the_market_comes_first_and_then_the_watchlist(stage: Stage) -> None:
    person = stage.telegram.user(20_001, "새 사람")
    market = await stage.ask("/disclosures", person)
    assert market.startswith("📋 시장 공시\n최근 7일, 중요한 공시부터\n")
    assert "❗ 중요 · ▫️ 참고\nDART " in market
    assert "1. ❗ " in market
    await stage.ask("/watch 카카오", person)
    watched = (await stage.messages("/disclosures", person))[-1]
    assert watched.text.startswith("📋 관심종목 공시")
    assert "카카오" in watched.text
    assert (await stage.press(watched, "시장 공시", person)).startswith("📋 시장 공시")


async def test_a_preferred_share_shows_what_its_company_filed(stage: Stage) -> None:
    common, preferred = await stage.ask("/disclosures 005930"), await stage.ask("/disclosures 005935")
    assert common.splitlines()[1:8] == preferred.splitlines()[1:8]


async def test_a_correction_names_its_original(stage: Stage) -> None:
    async with stage.services.db.begin() as conn:
        query = "SELECT id FROM disclosure WHERE correction ORDER BY filed_on DESC LIMIT 20"
        numbers = list((await conn.execute(text(query))).scalars())
    answers = [await stage.ask(f"/disclosures #{number}") for number in numbers]
    assert sum("낸 공시를 고친 것" in answer for answer in answers) >= len(answers) * 0.8


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("/disclosures #999999", "999999번 공시는 없습니다"),
        ("/disclosures 999", "더 이상 공시가 없습니다."),
        ("/disclosures 없는회사이름", "찾지 못했습니다"),
        ("/disclosures 한화", "어느 종목인가요"),
        ("/disclosures KODEX 200", "아직 모은 공시가 없습니다."),
    ],
)
async def test_other_arguments_are_answered_too(stage: Stage, said: str, answer: str) -> None:
    assert answer in await stage.ask(said)


async def test_a_choice_of_stocks_leads_to_the_filings(stage: Stage) -> None:
    question = (await stage.messages("/disclosures 한화"))[-1]
    assert "한화시스템 공시 목록" in await stage.press(question, "한화시스템 · 272210 KOSPI")


@pytest.mark.parametrize("data", ["1:ds:x:1", "1:ds:005930", "1:ds:m:9999", "1:d:x", "1:dn:1"])
async def test_forged_buttons_are_not_obeyed(stage: Stage, data: str) -> None:
    assert "오래된 버튼" in await stage.forge(data)


async def test_the_text_is_left_out_while_dart_does_not_answer(stage: Stage) -> None:
    async with stage.services.db.begin() as conn:
        number = (await conn.execute(text("SELECT max(id) FROM disclosure"))).scalar_one()
    stage.world.dart.status = "800"
    await stage.services.cache.clear()
    answer = await stage.ask(f"/disclosures #{number}")
    stage.world.dart.status = None
    assert "공시 내용입니다" not in answer
    assert "참조 번호" not in answer


async def test_where_dart_is_off_the_answer_says_so(servers: Addresses, template: str, tmp_path: Path) -> None:
    off = {"api_key": None, "rss_url": ""}
    async with open_stage(servers, template, tmp_path, dart=off) as bare:
        assert "관리자가 DART를 설정하면" in await bare.ask("/disclosures")
