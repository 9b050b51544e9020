"""What the tests of personal alerts share: people who watch, and facts about the stocks they watch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text

from core.clock import kst
from core.services import Services
from tests.conftest import NOW

FRIDAY = date(2026, 2, 20)
TEN = kst(FRIDAY) + timedelta(hours=10)
"""Ten in the morning of a session, in Seoul."""
SAMSUNG, PREFERRED, HYNIX = "005930", "005935", "000660"
NAMES = {SAMSUNG: "삼성전자", PREFERRED: "삼성전자우", HYNIX: "SK하이닉스"}
LONG_AGO = NOW - timedelta(days=30)


async def run_sql(services: Services, statement: str, **values: Any) -> None:
    """A statement, committed."""
    async with services.db.begin() as conn:
        await conn.execute(text(statement), values)


async def add_stocks(services: Services) -> None:
    """Three stocks."""
    for code, name in NAMES.items():
        await run_sql(
            services,
            "INSERT INTO stock (code, name, market, kind, halted, administrative, active, updated_at)"
            " VALUES (:code, :name, 'KOSPI', 'common', false, false, true, :at)",
            code=code,
            name=name,
            at=LONG_AGO,
        )


async def add_people(services: Services, ids: Iterable[int], *, role: str = "member") -> None:
    """People who may use the bot."""
    await run_sql(
        services,
        'INSERT INTO "user" (id, name, role, joined_at, seen_at)'
        " SELECT id, 'p' || id, :role, :at, :at FROM unnest(CAST(:ids AS bigint[])) AS given (id)",
        ids=list(ids),
        role=role,
        at=LONG_AGO,
    )


async def watch(services: Services, code: str, ids: Iterable[int], *, at: datetime = LONG_AGO) -> None:
    """These people watch a stock since `at`."""
    await run_sql(
        services,
        "INSERT INTO watch_item (user_id, code, added_at)"
        " SELECT id, :code, :at FROM unnest(CAST(:ids AS bigint[])) AS given (id)",
        ids=list(ids),
        code=code,
        at=at,
    )


async def price(
    services: Services,
    code: str,
    now: int,
    *,
    before: int = 100_000,
    at: datetime = TEN,
    volume: int = 1_000,
    high: int | None = None,
    low: int | None = None,
    year: tuple[int, int] = (10_000_000, 1),
) -> None:
    """A quote of a stock that closed at `before`; `year` is the range of 52 weeks, by default never reached."""
    await run_sql(
        services,
        "INSERT INTO quote (code, price, change, change_percent, open, high, low, volume, value, high_52w, low_52w,"
        " source, at) VALUES (:code, :price, :change, :percent, :price, :high, :low, :volume, 0, :top, :bottom, 'KIS',"
        " :at) ON CONFLICT (code) DO UPDATE SET price = excluded.price, change = excluded.change, change_percent ="
        " excluded.change_percent, high = excluded.high, low = excluded.low, volume = excluded.volume, high_52w ="
        " excluded.high_52w, low_52w = excluded.low_52w, at = excluded.at",
        code=code,
        price=now,
        change=now - before,
        percent=round((now / before - 1) * 100, 2),
        volume=volume,
        high=high or now,
        low=low or now,
        top=year[0],
        bottom=year[1],
        at=at,
    )


async def daily_bars(services: Services, code: str, count: int, *, close: int = 100_000, volume: int = 1_000) -> None:
    """The same bar for each of the last sessions before Friday: from a tenth below `close` to a tenth above."""
    days, day = [], FRIDAY
    for _ in range(count):
        day = services.calendar.previous_session(day)
        days.append(day)
    await run_sql(
        services,
        "INSERT INTO daily_price (code, day, open, high, low, close, volume, value, source, fetched_at)"
        " SELECT :code, day, :close, :high, :low, :close, :volume, 1, 'KIS', :at"
        " FROM unnest(CAST(:days AS date[])) AS given (day)",
        code=code,
        days=days,
        close=close,
        high=close * 11 // 10,
        low=close * 9 // 10,
        volume=volume,
        at=LONG_AGO,
    )


async def article(
    services: Services,
    number: int,
    *codes: str,
    at: datetime = TEN,
    story: int | None = None,
    relevance: float = 0.8,
    title: str = "삼성전자, 새 공장을 짓는다",
    press: str = "한국경제",
) -> None:
    """An article first seen at `at` that is about these stocks."""
    await run_sql(
        services,
        "INSERT INTO article (id, canonical_id, url, title, summary, press, partial, published_at, first_seen_at,"
        " fingerprint, story_id) VALUES (:id, :name, :url, :title, '', :press, false, :at, :at, :name, :id)",
        id=number,
        name=f"a{number}",
        url=f"https://news.example/{number}",
        title=title,
        press=press,
        at=at,
    )
    if story is not None:
        await run_sql(services, "UPDATE article SET story_id = :story WHERE id = :id", story=story, id=number)
    for code in codes:
        await run_sql(
            services,
            "INSERT INTO match (article_id, code, relevance, reasons) VALUES (:id, :code, :relevance, '[]')",
            id=number,
            code=code,
            relevance=relevance,
        )


async def filing(
    services: Services,
    receipt: str,
    name: str,
    *,
    code: str = SAMSUNG,
    company: str = "삼성전자",
    at: datetime = TEN,
    day: date = FRIDAY,
) -> None:
    """A filing of a company, known since `at`."""
    from core.disclosures.filing import Division, Filing
    from core.disclosures.queries import store_filings

    given = Filing(
        receipt=receipt, company=company, name=name, filer=company, filed_on=day, code=code, division=Division.KOSPI
    )
    async with services.db.begin() as conn:
        await store_filings(conn, [given], at=at)


async def report(
    services: Services, code: str, *, at: datetime = TEN, verdict: str = "up", reason: str = "scheduled"
) -> None:
    """A report about a stock."""
    await run_sql(
        services,
        "INSERT INTO stock_analysis (code, made_at, as_of, last_update_reason, last_market_phase, base_price,"
        " short_term_target, verdict, confidence, lead_model, wording, body, input_hash) VALUES (:code, :at, :at,"
        " :reason, 'session', 100000, 104000, :verdict, 0.62, 'rule:momentum', 'facts_only', '{}', 'h')",
        code=code,
        at=at,
        verdict=verdict,
        reason=reason,
    )


async def flow_days(services: Services, code: str, net: list[int], *, at: datetime = TEN) -> None:
    """What foreigners bought net in each of the last closed sessions at `at`, oldest first, first seen at `at`."""
    day = services.calendar.last_closed_session(at)
    for amount in reversed(net):
        await run_sql(
            services,
            "INSERT INTO investor_trading VALUES (:code, :day, :at, 100000, 1, 0, -1, :net, 0, :other, 'KIS')",
            code=code,
            day=day,
            at=at,
            net=amount,
            other=-amount,
        )
        day = services.calendar.previous_session(day)


async def outbox(services: Services, columns: str = "chat_id, key") -> list[tuple[Any, ...]]:
    """The outbox, in the order written."""
    async with services.db.read() as conn:
        return [tuple(row) for row in await conn.execute(text(f"SELECT {columns} FROM outbox ORDER BY chat_id, id"))]
