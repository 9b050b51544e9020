"""Briefs over a real database: who is told what, once, and at what price in statements."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from core.briefs.brief import WRITTEN, Brief, Slot
from core.briefs.preferences import choose_brief, choose_zone, preferences_of
from core.chats import service as chats
from core.chats.member import Member
from core.chats.subscriptions import Mode, PersonalKind, choose, set_quiet_hours
from core.clock import kst
from core.disclosures.filing import Weight
from core.errors import UserError
from core.market.bar import Quote
from core.market.queries import store_quote
from core.prediction.forecast import Direction
from core.runs.run import RunState
from core.services import Services
from jobs.briefs import BATCH
from jobs.registry import JOBS
from jobs.run import run_job
from tests.conftest import OpenServices
from tests.integration.articles import clock_of, list_stocks, store_article

FRIDAY, SATURDAY, MONDAY = date(2026, 2, 20), date(2026, 2, 21), date(2026, 2, 23)
CLOSE = kst(FRIDAY, time(16))
SAMSUNG, HYNIX = "005930", "000660"


@pytest.fixture
async def here(open_test_services: OpenServices) -> AsyncIterator[Services]:
    """Services in which somebody may join, and the stocks are listed; 16:00 on a Friday."""
    async with open_test_services(telegram={"sign_up": "open"}, dart={"api_key": "k" * 40}) as opened:
        await opened.cache.clear()
        clock_of(opened).at = CLOSE
        await list_stocks(opened)
        yield opened


async def joined(services: Services, number: int, *codes: str) -> Member:
    """Somebody who watches these stocks."""
    member = await chats.meet(services, user_id=number, name=f"사람{number}")
    for code in codes:
        await chats.watch(services, member, code)
    return member


async def do(services: Services, statement: str, **values: Any) -> None:
    async with services.db.begin() as conn:
        await conn.execute(text(statement), values)


async def quote(services: Services, code: str, percent: float, at: datetime) -> None:
    price = 70_000
    async with services.db.begin() as conn:
        await store_quote(
            conn,
            Quote(
                code=code,
                price=price,
                change=round(price * percent / 100),
                change_percent=percent,
                volume=1,
                value=1,
                at=at,
                source="KIS",
            ),
        )


async def file(services: Services, code: str, seen_at: datetime, **changes: Any) -> None:
    values: dict[str, Any] = {
        "receipt": f"20260220{seen_at:%H%M%S}",
        "code": code,
        "name": "주요사항보고서(유상증자결정)",
        "remarks": "",
        "filed_on": seen_at.date(),
        "seen_at": seen_at,
        "weight": Weight.MATERIAL.value,
    }
    await do(
        services,
        "INSERT INTO disclosure (receipt, company, code, linked_at, name, subject, correction, filer, remarks, "
        "filed_on, first_seen_at, kind, weight, rules) "
        "VALUES (:receipt, '가', :code, :seen_at, :name, '', false, '가', :remarks, "
        ":filed_on, :seen_at, 'other', :weight, 1)",
        **values | changes,
    )


async def read(services: Services, *sources: str) -> None:
    """Let these sources have been read just now."""
    for source in sources:
        await do(
            services,
            "INSERT INTO source_status (source, last_success_at, failures_in_row) VALUES (:source, :at, 0)",
            source=source,
            at=services.clock.now(),
        )


async def send(services: Services, at: datetime) -> RunState:
    clock_of(services).at = max(at, services.clock.now())
    return await run_job(services, JOBS["send_briefs"], at, owner="here")


async def letters(services: Services) -> list[Any]:
    async with services.db.read() as conn:
        return list(
            await conn.execute(
                text("SELECT key, chat_id, state, silent, not_before, facts, kind FROM outbox ORDER BY chat_id, id")
            )
        )


async def told(services: Services) -> dict[int, Brief]:
    """What everybody is told, by their id."""
    return {row.chat_id: WRITTEN.validate_json(row.facts["brief"]) for row in await letters(services)}


# What is told


async def test_the_closing_brief_tells_of_one_s_own_stocks_from_every_table(here: Services) -> None:
    await joined(here, 1, SAMSUNG, HYNIX)
    closes = here.calendar.closes(FRIDAY)
    await quote(here, SAMSUNG, 2.5, closes)
    await quote(here, HYNIX, -1.25, closes)
    await do(
        here,
        "INSERT INTO index_quote (code, level, change, change_percent, volume, turnover, rising, unchanged, falling, "
        "upper_limit, lower_limit, at) VALUES ('0001', 2807.63, 1, 0.37, 1, 1, 1, 1, 1, 0, 0, :at)",
        at=closes,
    )
    await file(here, SAMSUNG, kst(FRIDAY, time(14)))
    clock_of(here).at = kst(FRIDAY, time(15))
    await store_article(here, 1, "삼성전자 실적 발표")
    clock_of(here).at = CLOSE
    await read(here, "dart", "naver_main")
    await do(
        here,
        "INSERT INTO investor_trading (code, day, first_seen_at, close, foreign_shares, institution_shares, "
        "individual_shares, foreign_value, institution_value, individual_value, source) "
        "VALUES ('005930', :day, :at, 70000, 1, 1, -2, 120000000000, -8000000000, 0, 'KIS')",
        day=FRIDAY,
        at=CLOSE,
    )
    await report(here, SAMSUNG, made_at=kst(FRIDAY, time(13)), verdict="down")
    await report(here, SAMSUNG, made_at=kst(FRIDAY, time(15, 50)), verdict="up")
    await report(here, HYNIX, made_at=kst(FRIDAY - timedelta(days=1), time(15, 50)), verdict="up")
    assert await send(here, CLOSE) is RunState.SUCCEEDED

    brief = (await told(here))[1]
    assert [(price.name, price.change_percent) for price in brief.prices] == [("삼성전자", 2.5), ("SK하이닉스", -1.25)]
    assert {price.at for price in brief.prices} == {closes} == {brief.today.last_close}
    assert [(index.code, index.level) for index in brief.indices] == [("0001", 2807.63)]
    assert [(filing.stock, filing.weight) for filing in brief.filings] == [("삼성전자", Weight.MATERIAL)]
    assert [(story.stock, story.title) for story in brief.stories] == [("삼성전자", "삼성전자 실적 발표")]
    assert [(flow.name, flow.foreigners, flow.institutions) for flow in brief.flows] == [
        ("삼성전자", 120_000_000_000, -8_000_000_000)
    ]
    assert [(one.name, one.verdict) for one in brief.reports] == [("삼성전자", Direction.UP)]
    assert (brief.today.filings_at, brief.today.news_at) == (CLOSE, CLOSE)


async def report(services: Services, code: str, *, made_at: datetime, verdict: str, input_hash: str = "h") -> None:
    await do(
        services,
        "INSERT INTO stock_analysis (code, made_at, as_of, last_update_reason, last_market_phase, base_price, verdict, "
        "confidence, lead_model, wording, body, input_hash) VALUES (:code, :made_at, :made_at, 'scheduled', 'session', "
        "70000, :verdict, 0.6, 'rule:momentum', 'facts_only', '{}', :input_hash)",
        code=code,
        made_at=made_at,
        verdict=verdict,
        input_hash=input_hash,
    )


async def test_estimates_stand_in_until_the_day_s_flows_are_known(here: Services) -> None:
    await joined(here, 1, SAMSUNG)
    await quote(here, SAMSUNG, 1.0, here.calendar.closes(FRIDAY))
    for hour in (10, 14):
        await do(
            here,
            "INSERT INTO flow_estimate (code, at, foreign_shares, institution_shares, first_seen_at) "
            "VALUES ('005930', :at, :shares, 5, :at)",
            at=kst(FRIDAY, time(hour)),
            shares=hour,
        )
    await send(here, CLOSE)
    (flow,) = (await told(here))[1].flows
    assert (flow.foreigners, flow.institutions, flow.estimated_at) == (14, 5, kst(FRIDAY, time(14)))


async def test_calls_that_reports_led_with_are_told_once_scored(here: Services) -> None:
    await joined(here, 1, SAMSUNG)
    await do(
        here,
        "INSERT INTO model (key, kind, provider, name, active, rank, added_at) "
        "SELECT key, 'rule', 'rule', key, true, 0, now() FROM unnest(ARRAY['rule:momentum', 'rule:no_change']) AS key",
    )
    await report(here, SAMSUNG, made_at=kst(FRIDAY - timedelta(days=2), time(13)), verdict="up", input_hash="led")
    thursday, scored_at = FRIDAY - timedelta(days=1), kst(FRIDAY - timedelta(days=1), time(16, 30))
    for model, led, actual in (
        ("rule:momentum", "led", "up"),
        ("rule:momentum", "not led", "up"),
        ("rule:no_change", "led", "up"),
    ):
        await do(
            here,
            "WITH p AS (INSERT INTO prediction (code, model_key, as_of, made_at, phase, live, base_price, base_at, "
            "outcome, narrative, prompt_version, input_hash, request_id) "
            "VALUES ('005930', :model, :at, :at, 'session', true, 70000, :at, 'made', '{}', '1', :led, 'r') "
            "RETURNING id) "
            "INSERT INTO model_evaluation (prediction_id, sessions, closed_on, base_price, close_price, "
            "return_percent, actual, called, hit, rule, scored_at) "
            "SELECT id, 1, :day, 70000, 71000, 1.4, :actual, 'up', true, 'r', :scored_at FROM p",
            model=model,
            led=led,
            actual=actual,
            day=thursday,
            at=kst(thursday, time(10)),
            scored_at=scored_at,
        )
    await send(here, CLOSE)
    brief = (await told(here))[1]
    assert (brief.calls, brief.hits) == (1, 1)
    assert [(call.name, call.called, call.return_percent) for call in brief.scored] == [("삼성전자", Direction.UP, 1.4)]


async def test_the_morning_tells_of_the_last_close_and_the_day_to_come(here: Services) -> None:
    monday = kst(MONDAY, time(8))
    await joined(here, 1, SAMSUNG)
    await quote(here, SAMSUNG, 1.0, here.calendar.closes(FRIDAY))
    await send(here, monday)
    brief = (await told(here))[1]
    assert [price.at for price in brief.prices] == [here.calendar.closes(FRIDAY)] == [brief.today.last_close]
    assert [at.astimezone(kst(MONDAY).tzinfo) for at in brief.today.reports_at] == [
        kst(MONDAY, time(10)),
        kst(MONDAY, time(13)),
        kst(MONDAY, time(15, 45)),
    ]
    assert brief.today.opens == here.calendar.opens(MONDAY)


async def test_an_index_is_told_by_its_last_close_where_no_newer_level_is_known(here: Services) -> None:
    await joined(here, 1, SAMSUNG)
    await quote(here, SAMSUNG, 1.0, here.calendar.closes(FRIDAY))
    thursday = FRIDAY - timedelta(days=1)
    for code, day, close in (("0001", thursday, 2_800.0), ("0001", FRIDAY, 2_814.0), ("1001", FRIDAY, 860.0)):
        await do(
            here,
            "INSERT INTO index_daily_price (code, day, open, high, low, close, volume, turnover, source, fetched_at) "
            "VALUES (:code, :day, 1, 1, 1, :close, 1, 1, 'KIS', now())",
            code=code,
            day=day,
            close=close,
        )
    await send(here, CLOSE)
    (kospi,) = (await told(here))[1].indices
    assert (kospi.code, kospi.level, round(kospi.change_percent, 2)) == ("0001", 2_814.0, 0.5)
    assert kospi.at == here.calendar.closes(FRIDAY)


async def test_what_is_old_withdrawn_or_of_others_is_not_told(here: Services) -> None:
    await joined(here, 1, SAMSUNG)
    await quote(here, SAMSUNG, 1.0, here.calendar.closes(FRIDAY))
    afternoon = kst(FRIDAY, time(14))
    await file(here, SAMSUNG, kst(FRIDAY, time(11)), receipt="20260220000001")
    await file(here, SAMSUNG, afternoon, receipt="20260220000002", remarks="철")
    await file(here, SAMSUNG, afternoon, receipt="20260220000003", filed_on=FRIDAY - timedelta(days=30))
    await file(here, HYNIX, afternoon, receipt="20260220000004")
    await store_article(here, 1, "삼성전자 지난주 소식", published_at=kst(FRIDAY, time()) - timedelta(days=6))
    await store_article(here, 2, "SK하이닉스 소식")
    await send(here, CLOSE)
    brief = (await told(here))[1]
    assert (brief.filed, brief.told) == (0, 0)


async def test_a_preferred_share_s_holder_is_told_what_the_company_files(here: Services) -> None:
    await do(
        here,
        "INSERT INTO stock (code, name, market, kind, halted, administrative, active, priority, updated_at) "
        "VALUES ('005935', '삼성전자우', 'KOSPI', 'preferred', false, false, true, 0, now())",
    )
    await joined(here, 1, "005935", SAMSUNG)
    await file(here, SAMSUNG, kst(FRIDAY, time(14)))
    await send(here, CLOSE)
    assert (await told(here))[1].filed == 1


# To whom


async def test_briefs_go_to_those_who_want_them_and_watch_something(here: Services) -> None:
    await quote(here, SAMSUNG, 1.0, here.calendar.closes(FRIDAY))
    people = {number: await joined(here, number, SAMSUNG) for number in range(1, 7)}
    await joined(here, 7)
    await choose_brief(here, people[2], Slot.CLOSE, False)
    await choose_brief(here, people[3], Slot.NOON, False)
    async with here.db.begin() as conn:
        await choose(conn, 4, PersonalKind.BRIEF, Mode.OFF)
        await choose(conn, 5, PersonalKind.BRIEF, Mode.SILENT)
    await chats.seen_chat(here, chat_id=6, kind="private", reachable=False)
    await send(here, CLOSE)
    assert [(row.chat_id, row.silent) for row in await letters(here)] == [(1, False), (3, False), (5, True)]


async def test_quiet_hours_put_a_brief_off_or_drop_it(here: Services) -> None:
    await quote(here, SAMSUNG, 1.0, here.calendar.closes(FRIDAY))
    near, far = await joined(here, 1, SAMSUNG), await joined(here, 2, SAMSUNG)
    await choose_zone(here, far, "America/New_York")
    async with here.db.begin() as conn:
        await set_quiet_hours(conn, near.id, (time(15), time(17)))
        await set_quiet_hours(conn, far.id, (time(23), time(9)))
    await send(here, CLOSE)
    first, second = await letters(here)
    assert (first.state, first.not_before) == ("waiting", kst(FRIDAY, time(17)))
    assert second.state == "dropped"


async def test_nobody_is_told_twice_however_often_it_is_run(here: Services) -> None:
    await joined(here, 1, SAMSUNG)
    await quote(here, SAMSUNG, 1.0, here.calendar.closes(FRIDAY))
    for minute in (0, 7, 30):
        assert await send(here, CLOSE + timedelta(minutes=minute)) is RunState.SUCCEEDED
    assert [row.key for row in await letters(here)] == ["brief:2026-02-20:close:1"]


async def test_a_brief_that_would_come_too_late_is_not_written(here: Services) -> None:
    await joined(here, 1, SAMSUNG)
    await quote(here, SAMSUNG, 1.0, here.calendar.closes(FRIDAY))
    assert await send(here, CLOSE + timedelta(hours=4)) is RunState.SUCCEEDED
    assert await letters(here) == []


@pytest.mark.parametrize("hour", [8, 16])
async def test_on_a_holiday_only_those_with_news_are_told(here: Services, hour: int) -> None:
    await joined(here, 1, SAMSUNG)
    await joined(here, 2, HYNIX)
    await quote(here, SAMSUNG, 1.0, here.calendar.closes(FRIDAY))
    clock_of(here).at = at = kst(SATURDAY, time(hour))
    await store_article(here, 1, "삼성전자 소식", seen_at=at - timedelta(minutes=20))
    await send(here, at)
    (only,) = (await told(here)).items()
    assert only[0] == 1
    assert (only[1].today.opens, only[1].told, only[1].prices) == (None, 1, ())
    assert only[1].today.next_session == MONDAY


async def test_on_the_first_day_nothing_is_known_and_nothing_told(here: Services) -> None:
    assert await send(here, kst(FRIDAY, time(8))) is RunState.SUCCEEDED
    await joined(here, 1, SAMSUNG)
    assert await send(here, CLOSE) is RunState.SUCCEEDED
    assert await letters(here) == []


# The price of it


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent meanwhile, everywhere."""
    sent: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_ten_thousand_are_told_by_few_statements(here: Services) -> None:
    await do(
        here,
        "INSERT INTO \"user\" (id, name, role, joined_at, seen_at) SELECT n, 'n', 'member', now(), now() "
        "FROM generate_series(1, 10000) AS n",
    )
    await do(
        here,
        "INSERT INTO watch_item (user_id, code, added_at) SELECT n, code, now() FROM generate_series(1, 10000) AS n, "
        "unnest(ARRAY['005930', '000660', '005380']) AS code",
    )
    for code in (SAMSUNG, HYNIX):
        await quote(here, code, 1.0, here.calendar.closes(FRIDAY))
    with counted() as sent:
        assert await send(here, CLOSE) is RunState.SUCCEEDED
    batches = -(-10_000 // BATCH)
    writes = [statement for statement in sent if statement.startswith("INSERT INTO outbox")]
    assert len(writes) == batches
    assert len(sent) <= 5 * batches + 40
    async with here.db.read() as conn:
        found = (await conn.execute(text("SELECT count(*), count(DISTINCT chat_id) FROM outbox"))).one()
    assert tuple(found) == (10_000, 10_000)


# What people set


async def test_a_person_has_all_briefs_in_seoul_until_they_choose(here: Services) -> None:
    member = await joined(here, 1)
    first = await preferences_of(here, member)
    assert (first.zone, first.briefs, first.mode) == ("Asia/Seoul", frozenset(Slot), Mode.ON)
    await choose_zone(here, member, "europe/paris")
    for slot in Slot:
        await choose_brief(here, member, slot, False)
    await choose_brief(here, member, Slot.NOON, True)
    await choose_brief(here, member, Slot.NOON, True)
    then = await preferences_of(here, member)
    assert (then.zone, then.briefs) == ("Europe/Paris", frozenset({Slot.NOON}))


async def test_what_is_no_time_zone_is_refused(here: Services) -> None:
    member = await joined(here, 1)
    for name in ("", "Seoul/Asia", "../etc/passwd", "Asia/Seoul\x00", "x" * 5_000, "localtime\n"):
        with pytest.raises(UserError, match="시간대"):
            await choose_zone(here, member, name)
    assert (await preferences_of(here, member)).zone == "Asia/Seoul"
