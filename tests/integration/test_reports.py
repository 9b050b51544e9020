"""Reports end to end: real servers, a simulated exchange, simulated models that err in every way they can."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from core.clock import ManualClock
from core.errors import Unavailable
from core.ledger.calls import Budget, Call, reserve
from core.news.service import crawl, stock_matcher
from core.news.sources import SOURCES
from core.prediction.fact import FactSheet
from core.prediction.facts import build_sheet
from core.reports.amounts import amounts_in
from core.reports.compose import WORDS_REFUSED
from core.reports.queries import REPORT
from core.reports.report import Opinion, Report, Sentence, Stage, UpdateReason, Wording
from core.reports.service import get_report, make_report, newest_report
from core.reports.wording import problems
from core.services import Services
from core.stocks.queries import get_stock, upsert_stocks
from core.stocks.stock import Stock
from sim.llm.misbehaviour import Mode
from sim.market import SimMarket, generated_market
from sim.world import World, open_world
from tests.conftest import NOW, OpenServices

LUNA, DEEPSEEK = "openai:gpt-6-luna", "openrouter:deepseek/deepseek-v3.2"
CODE = "005930"


@pytest.fixture(scope="module")
def market() -> SimMarket:
    return generated_market(7, until=date(2026, 2, 27))


@pytest.fixture
async def world(market: SimMarket, clock: ManualClock) -> AsyncIterator[World]:
    async with open_world(market, clock, llm_latency=0.0) as opened:
        yield opened


@asynccontextmanager
async def opened_on(
    world: World, open_services: OpenServices, models: Sequence[str] = (LUNA, DEEPSEEK), **groups: dict[str, Any]
) -> AsyncIterator[Services]:
    """Services in the simulated world, with every listed issue in the master."""
    given = world.settings_overrides() | {"llm": {"models": tuple(models), "timeout_seconds": 5}} | groups
    async with open_services(**given) as services:
        await services.cache.clear()
        stocks = [
            Stock(code=issue.code, name=issue.name, market=issue.market, kind=issue.kind, shares=issue.shares)
            for issue in world.market.issues.values()
        ]
        async with services.db.begin() as conn:
            await upsert_stocks(conn, stocks, at=services.clock.now())
        yield services


@pytest.fixture
async def opened(world: World, open_test_services: OpenServices) -> AsyncIterator[Services]:
    async with opened_on(world, open_test_services) as services:
        yield services


async def _stock(services: Services, code: str = CODE) -> Stock:
    async with services.db.begin() as conn:
        stock = await get_stock(conn, code)
    assert stock is not None
    return stock


async def _rows(services: Services, query: str) -> list[Any]:
    async with services.db.begin() as conn:
        return list((await conn.execute(text(query))).all())


async def _updates(services: Services) -> list[Any]:
    return await _rows(services, "SELECT * FROM report_update ORDER BY id")


def _sentences(report: Report) -> list[Sentence]:
    return [*report.reasons, report.counter_case, report.change_of_view, *report.risks]


def _opinion(report: Report, key: str) -> Opinion:
    return next(each for each in report.opinions if each.model_key == key)


def _figures(report: Report) -> set[Decimal]:
    shown = (part for fact in report.facts for part in (fact.label, fact.text))
    return {abs(each.value) for part in shown for each in amounts_in(part)}


async def test_the_first_report_is_whole_and_stored(opened: Services, world: World) -> None:
    for source in ("naver_main", "naver_stock"):
        await crawl(opened, SOURCES[source])
    stages: list[Stage] = []

    async def progress(stage: Stage) -> None:
        stages.append(stage)

    report = await get_report(opened, await _stock(opened), user_id=7, progress=progress)
    assert (report.reason, report.wording, report.lead_model) == (UpdateReason.FIRST, Wording.WRITTEN, LUNA)
    assert len(report.reasons) == 3
    assert report.since_last is None
    assert stages == [Stage.PRICES, Stage.MODELS, Stage.WRITING]
    quote = world.market.quote(CODE, NOW)
    assert quote is not None
    assert report.base_price == quote.bar.close
    assert "투자자별 매매 동향" in report.missing
    assert {each.outcome for each in report.opinions} == {"made", "abstained"}
    assert 0.05 <= report.confidence <= 0.9
    (row,) = await _rows(opened, "SELECT * FROM stock_analysis")
    assert (row.id, row.last_update_reason, row.last_market_phase) == (report.id, "first", "closing_price")
    assert (row.base_price, row.short_term_target, row.long_term_target) == (
        report.base_price,
        report.short_target,
        report.long_target,
    )
    (update,) = await _updates(opened)
    assert (update.succeeded, update.analysis_id, update.reason, update.llm_calls) == (True, report.id, "first", 2)
    assert update.cost_usd > 0
    assert update.predictions == len(report.opinions)


async def test_a_stored_report_is_read_back_as_it_was(opened: Services) -> None:
    await crawl(opened, SOURCES["naver_main"])
    made = await get_report(opened, await _stock(opened))
    assert await newest_report(opened, CODE) == made
    assert REPORT.validate_json(REPORT.dump_json(made)) == made


async def test_the_second_ask_shows_the_same_report(opened: Services) -> None:
    stock = await _stock(opened)
    first = await get_report(opened, stock)
    assert await get_report(opened, stock) == first
    assert len(await _updates(opened)) == 1


async def test_a_refresh_waits_five_minutes(opened: Services, clock: ManualClock) -> None:
    stock = await _stock(opened)
    first = await get_report(opened, stock)
    clock.move(timedelta(minutes=4, seconds=59))
    assert await get_report(opened, stock, refresh=True) == first
    clock.move(timedelta(seconds=1))
    renewed = await get_report(opened, stock, refresh=True)
    assert (renewed.reason, renewed.made_at) == (UpdateReason.ASKED, clock.now())
    assert renewed.id != first.id
    assert renewed.since_last is not None
    assert (renewed.since_last.made_at, renewed.since_last.price_change_percent) == (first.made_at, 0.0)


async def test_a_moved_price_renews_and_says_so(world: World, opened: Services, clock: ManualClock) -> None:
    made: dict[str, Report] = {}
    codes = [code for code, issue in world.market.issues.items() if issue.kind == "common"][:12]
    for code in codes:
        made[code] = await make_report(opened, await _stock(opened, code), reason=UpdateReason.SCHEDULED)
    clock.move(timedelta(days=3, minutes=-45))  # Monday, in the session's last hour
    opens = opened.calendar.opens(date(2026, 2, 23))
    renewed = {code: await get_report(opened, await _stock(opened, code)) for code in codes}
    assert clock.now() > opens
    for code, report in renewed.items():
        quote = world.market.quote(code, clock.now())
        assert quote is not None
        moved = abs(quote.bar.close / made[code].base_price - 1) >= 0.03
        assert report.reason is (UpdateReason.PRICE_MOVED if moved else UpdateReason.TOO_OLD)
        assert report.since_last is not None
        change = round((report.base_price / made[code].base_price - 1) * 100, 2)
        assert report.since_last.price_change_percent == change
    assert {report.reason for report in renewed.values()} == {UpdateReason.PRICE_MOVED, UpdateReason.TOO_OLD}


async def test_a_model_s_new_prediction_renews(opened: Services, clock: ManualClock) -> None:
    stock = await _stock(opened)
    await get_report(opened, stock)
    clock.move(timedelta(minutes=1))
    async with opened.db.begin() as conn:
        await conn.execute(
            text(
                "INSERT INTO prediction SELECT (jsonb_populate_record(p, jsonb_build_object("
                "'id', p.id + 1000, 'made_at', p.made_at + interval '1 minute', 'input_hash', 'other'))).*"
                f" FROM prediction p WHERE model_key = '{LUNA}'"
            )
        )
    assert (await get_report(opened, stock)).reason is UpdateReason.NEW_PREDICTION


async def test_a_crowd_shares_one_report(opened: Services, world: World) -> None:
    world.llm.latency = 0.1
    stock = await _stock(opened)
    first, *others = await asyncio.gather(*(get_report(opened, stock, user_id=asker) for asker in range(10)))
    assert all(other == first for other in others)
    assert len(await _rows(opened, "SELECT id FROM stock_analysis")) == 1
    assert len(await _updates(opened)) == 1


async def test_a_dead_exchange_leaves_the_stored_bars(opened: Services, world: World, clock: ManualClock) -> None:
    stock = await _stock(opened)
    whole = await get_report(opened, stock)
    await world.kis.stop()
    await opened.cache.clear()
    clock.move(timedelta(days=3))
    report = await get_report(opened, stock)
    assert report.reason is UpdateReason.TOO_OLD
    assert report.base_price == whole.base_price
    assert any("실시간" in each for each in report.missing)
    assert len(report.missing) > len(whole.missing)
    lead = _opinion(report, report.lead_model)
    assert report.confidence == pytest.approx(max(min(lead.confidence or 0, 0.9) - 0.05 * len(report.missing), 0.05))
    assert max(fact.at for fact in report.facts if fact.name == "price") == whole.base_at


async def test_with_everything_dead_the_attempt_is_recorded(opened: Services, world: World) -> None:
    for server in world.servers:
        await server.stop()
    with pytest.raises(Unavailable):
        await get_report(opened, await _stock(opened))
    (update,) = await _updates(opened)
    assert (update.succeeded, update.analysis_id, update.reason) == (False, None, "first")
    assert update.failure.startswith("Unavailable: ")
    assert await _rows(opened, "SELECT id FROM stock_analysis") == []


async def test_an_old_report_is_better_than_none(opened: Services, world: World, clock: ManualClock) -> None:
    stock = await _stock(opened)
    first = await get_report(opened, stock)
    await world.kis.stop()
    await opened.cache.clear()
    for table in ("daily_price", "daily_coverage", "quote"):
        await _rows(opened, f"WITH gone AS (DELETE FROM {table} RETURNING 1) SELECT count(*) FROM gone")
    clock.move(timedelta(days=3))
    assert await get_report(opened, stock) == first
    assert [update.succeeded for update in await _updates(opened)] == [True, False]


async def test_without_a_model_a_rule_leads_with_facts(world: World, open_test_services: OpenServices) -> None:
    async with opened_on(world, open_test_services, openai={}, openrouter={}) as services:
        report = await get_report(services, await _stock(services))
        (update,) = await _updates(services)
    assert (report.wording, report.lead_model) == (Wording.FACTS_ONLY, "rule:base_rate")
    assert len(report.reasons) == 3
    assert (update.llm_calls, update.cost_usd) == (0, 0)


async def test_a_used_up_budget_leaves_the_facts(opened: Services, world: World) -> None:
    call = Call(provider="openai", endpoint="e", model="m", purpose="x", request_id="r0")
    all_of_it = Decimal(5)
    async with opened.db.begin() as conn:
        await reserve(conn, call, estimate=all_of_it, budget=Budget(daily=all_of_it, monthly=all_of_it), at=NOW)
    report = await get_report(opened, await _stock(opened))
    assert (report.wording, report.lead_model) == (Wording.FACTS_ONLY, "rule:base_rate")
    assert _opinion(report, LUNA).failure == "BudgetExceeded"


@pytest.mark.parametrize("mode", ["invented_number", "other_company", "obeys_article"])
async def test_words_that_break_the_rules_are_written_again(
    world: World, open_test_services: OpenServices, mode: Mode
) -> None:
    world.llm.misbehave(mode)
    async with opened_on(world, open_test_services, [LUNA]) as services:
        report = await get_report(services, await _stock(services))
        (update,) = await _updates(services)
    assert report.wording is Wording.WRITTEN
    assert update.llm_calls == 2
    assert _opinion(report, LUNA).failure is None


@pytest.mark.parametrize("mode", ["invented_number", "other_company", "obeys_article"])
async def test_words_that_break_them_twice_give_way_to_the_facts(
    world: World, open_test_services: OpenServices, mode: Mode
) -> None:
    world.llm.misbehave(mode, times=2)
    async with opened_on(world, open_test_services, [LUNA]) as services:
        report = await get_report(services, await _stock(services))
        matcher = await stock_matcher(services)
    assert (report.wording, report.lead_model) == (Wording.FACTS_ONLY, LUNA)
    refused = _opinion(report, LUNA)
    assert (refused.outcome, refused.failure, refused.reasons) == ("made", WORDS_REFUSED, ())
    shown = " ".join(each.text for each in _sentences(report))
    assert "987,654" not in shown
    assert "권합니다" not in shown
    assert {match.code for match in matcher.match(shown)} <= {CODE}
    others = [each for each in report.opinions if each.model_key.startswith("rule:")]
    assert all(each.failure is None for each in others)
    assert sum(each.outcome == "made" for each in others) >= 5


@pytest.mark.parametrize("mode", ["prose", "truncated_json", "huge", "empty", "refusal"])
async def test_a_model_that_gives_no_answer_hands_the_lead_on(
    world: World, open_test_services: OpenServices, mode: Mode
) -> None:
    world.llm.misbehave(mode, times=2)
    async with opened_on(world, open_test_services, [LUNA]) as services:
        report = await get_report(services, await _stock(services))
    assert (report.wording, report.lead_model) == (Wording.FACTS_ONLY, "rule:base_rate")
    assert (_opinion(report, LUNA).outcome, _opinion(report, LUNA).failure) == ("failed", "Malformed")


async def test_a_rewrite_that_fails_leaves_the_facts(world: World, open_test_services: OpenServices) -> None:
    world.llm.misbehave("invented_number")
    world.llm.misbehave("prose", times=2)
    async with opened_on(world, open_test_services, [LUNA]) as services:
        report = await get_report(services, await _stock(services))
    assert (report.wording, report.lead_model) == (Wording.FACTS_ONLY, LUNA)
    assert _opinion(report, LUNA).failure == WORDS_REFUSED


async def test_every_shown_figure_is_on_the_sheet(opened: Services, world: World) -> None:
    """For stocks of every kind, in a model's words and in the program's."""
    written = 0
    for code in ("005930", "005935", "452980", "001570", "140610", "330590", "0126Z0", "000040", "069500", "034730"):
        stock = await _stock(opened, code)
        report = await make_report(opened, stock, reason=UpdateReason.SCHEDULED)
        written += report.wording is Wording.WRITTEN
        allowed = _figures(report) | {abs(each.value) for each in amounts_in(stock.name)}
        opinions = [each for opinion in report.opinions for each in opinion.reasons]
        for sentence in (*_sentences(report), *opinions):
            assert {abs(each.value) for each in amounts_in(sentence.text)} <= allowed, sentence.text
            assert "[" not in sentence.text
    assert written >= 8


async def test_the_program_s_own_words_pass_the_check(world: World, open_test_services: OpenServices) -> None:
    async with opened_on(world, open_test_services, openai={}, openrouter={}) as services:
        matcher = await stock_matcher(services)
        for code in ("005930", "001570", "0126Z0", "452980", "001680"):
            stock = await _stock(services, code)
            sheet = await build_sheet(services, stock, as_of=services.clock.now())
            report = await make_report(services, stock, reason=UpdateReason.SCHEDULED)
            for sentence in _sentences(report):
                assert _problems(sentence.text, sheet, matcher) == [], sentence.text


def _problems(sentence: str, sheet: FactSheet, matcher: Any) -> list[str]:
    return list(problems(sentence, sheet, lambda words: [match.code for match in matcher.match(words)]))


async def test_a_halted_stock_is_said_not_to_have_traded(world: World, open_test_services: OpenServices) -> None:
    async with opened_on(world, open_test_services, openai={}, openrouter={}) as services:
        report = await get_report(services, await _stock(services, "001570"))
    assert len(report.reasons) == 3
    assert any(re.search(r"거래가 없었습니다\(0주\)", each.text) for each in report.reasons)
