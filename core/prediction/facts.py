"""Building the fact sheet: everything a prediction may know, as of one instant and nothing later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from core.clock import Phase
from core.errors import Malformed, NotConfigured, Unavailable, Unsupported
from core.figures import count, percent_signed
from core.market.bar import Bar, Quote
from core.market.companies import newest_ratios
from core.market.flows import known_flows
from core.market.indices import OF_MARKET, index_bars_until
from core.market.service import BAR_SOURCE, get_bars, get_quote
from core.prediction.disclosure_facts import filing_evidence, filing_facts, material_filings
from core.prediction.evidence import SEARCH_FAILURES, evidence_of, recent_articles, similar_past
from core.prediction.fact import Fact, FactSheet, numbered
from core.prediction.financial_facts import financial_facts
from core.prediction.flow_facts import SESSIONS as FLOW_SESSIONS
from core.prediction.flow_facts import flow_facts
from core.prediction.indicators import relative_strength
from core.prediction.price_facts import Prices, price_facts, prices_of
from core.prediction.queries import ArticleCounts, count_articles
from core.services import Services
from core.stocks.stock import Kind, Stock

SESSIONS = 250
"""Daily bars on a sheet: about a year."""

NOW_MEANS = timedelta(minutes=1)
"""A sheet asked for an instant this near to the present may use a quote taken now."""

_OUTSIDE = (NotConfigured, Unavailable, Malformed, Unsupported)
"""How a source fails: the sheet is made without it."""

PHASES = {
    Phase.CLOSED_DAY: "휴장일",
    Phase.PRE_OPEN: "개장 전",
    Phase.OPENING_HOUR: "장 초반",
    Phase.SESSION: "장중",
    Phase.CLOSING_PRICE: "장 마감(종가 매매)",
    Phase.AFTER_HOURS: "시간외 거래",
    Phase.AFTER_CLOSE: "장 마감",
}


async def build_sheet(services: Services, stock: Stock, *, as_of: datetime) -> FactSheet:
    """The fact sheet of `stock` as of an instant.

    Asked for the present it uses a quote taken now, and its `as_of` is then the moment of that quote if that
    is later than the one asked; asked for the past it uses closed daily bars only. What cannot be had is
    named in `missing`. Raises `Unavailable` when there is no price at all.
    """
    missing: list[str] = []
    quote = await _quote(services, stock, as_of, missing)
    if quote is not None:
        as_of = max(as_of, quote.at)
    bars = await _bars(services, stock, as_of, missing)
    prices = await asyncio.to_thread(prices_of, bars, quote, services.calendar)
    if prices is None:
        raise Unavailable(f"{stock.name}({stock.code}): no price is known")
    recent = await recent_articles(services, stock, as_of=as_of)
    try:
        similar = await similar_past(services, stock, recent, as_of=as_of, bars=prices.bars)
    except SEARCH_FAILURES:
        similar = ()
        missing.append("비슷한 과거 기사")
    async with services.db.begin() as conn:
        counts = await count_articles(conn, stock.code, as_of=as_of)
        ratios = await newest_ratios(conn, stock.code, as_of=as_of)
    flows = await known_flows(services, stock.code, as_of=as_of, sessions=FLOW_SESSIONS)
    flows_at = services.calendar.closes(flows[-1].day) if flows else as_of
    filings = await material_filings(services, stock.code, as_of=as_of)
    phase = services.calendar.phase(as_of)
    live_shares = stock.shares if services.clock.now() - as_of <= NOW_MEANS else None
    facts = [
        *price_facts(prices, live_shares=live_shares),
        *flow_facts(flows, at=flows_at),
        *financial_facts(ratios),
        *await _strength(services, stock, prices),
        *_setting(phase, prices, services, as_of),
        *_news_facts(counts, as_of),
        *filing_facts(filings, as_of=as_of),
    ]
    return FactSheet(
        stock=stock,
        as_of=as_of,
        phase=phase,
        base_price=prices.base_price,
        base_at=prices.base_at,
        band=prices.band,
        facts=numbered(facts),
        evidence=(*(evidence_of(article) for article in recent), *similar, *filing_evidence(filings)),
        bars=prices.bars,
        missing=(*missing, *_gaps(stock, facts, prices, services, as_of)),
    )


async def _quote(services: Services, stock: Stock, as_of: datetime, missing: list[str]) -> Quote | None:
    now, calendar = services.clock.now(), services.calendar
    if now - as_of > NOW_MEANS:
        return None
    try:
        quote = await get_quote(services, stock)
    except _OUTSIDE:
        quote = None
    fresh_since = min(now - NOW_MEANS, calendar.closes(calendar.latest_session(now)))
    if quote is None or quote.source == BAR_SOURCE or quote.at < fresh_since:
        missing.append("실시간 시세")
    return quote


async def _bars(services: Services, stock: Stock, as_of: datetime, missing: list[str]) -> list[Bar]:
    try:
        return await get_bars(services, stock.code, as_of=as_of, sessions=SESSIONS)
    except _OUTSIDE:
        missing.append(BAR_SOURCE)
        return []


_STRENGTHS = {20: "20거래일 지수 대비 초과 수익률", 60: "60거래일 지수 대비 초과 수익률"}


async def _strength(services: Services, stock: Stock, prices: Prices) -> list[Fact]:
    """How much more the price gained than the index of its board, by closed sessions alone."""
    code = OF_MARKET.get(stock.market)
    if code is None or prices.bars_at is None:
        return []
    async with services.db.read() as conn:
        index = await index_bars_until(conn, code, day=prices.bars[-1].day, limit=max(_STRENGTHS) + 1)
    found = [(over, relative_strength(prices.bars, index, over)) for over in _STRENGTHS]
    return [
        Fact(
            id="",
            name=f"relative_{over}",
            label=_STRENGTHS[over],
            text=percent_signed(strength),
            value=round(strength, 2),
            source=BAR_SOURCE,
            at=prices.bars_at,
        )
        for over, strength in found
        if strength is not None
    ]


def _setting(phase: Phase, prices: Prices, services: Services, as_of: datetime) -> Iterator[Fact]:
    day = services.calendar.latest_session(prices.base_at)
    source = prices.quote.source if prices.quote else BAR_SOURCE
    yield Fact(id="", name="session", label="기준 거래일", text=f"{day}", value=None, source=source, at=prices.base_at)
    yield Fact(id="", name="phase", label="장 상태", text=PHASES[phase], value=None, source="KRX", at=as_of)


def _news_facts(counts: ArticleCounts, as_of: datetime) -> Iterator[Fact]:
    for name, label, value in (
        ("news_24h", "최근 24시간 기사", counts.day),
        ("news_7d", "최근 7일 기사", counts.week),
    ):
        yield Fact(id="", name=name, label=label, text=count(value), value=value, source="뉴스", at=as_of)


_FROM_BARS = (
    ("return_60", "60거래일 수익률"),
    ("sma_20", "20일 지표"),
    ("sma_60", "60일 이동평균"),
    ("sma_120", "120일 이동평균"),
    ("high_52w", "52주 범위"),
)
_FROM_QUOTE = (("per", "PER"), ("pbr", "PBR"))


def _gaps(stock: Stock, facts: Iterable[Fact], prices: Prices, services: Services, as_of: datetime) -> Iterator[str]:
    """What a reader could expect on the sheet and does not find there."""
    present = {fact.name for fact in facts}
    if prices.bars and prices.bars[-1].day < services.calendar.last_closed_session(as_of):
        yield f"{prices.bars[-1].day} 뒤의 일봉"
    if short := [label for name, label in _FROM_BARS if name not in present]:
        yield f"{', '.join(short)} (일봉 {len(prices.bars)}개)"
    if stock.kind not in (Kind.ETF, Kind.ETN):  # which earn nothing of their own
        yield from (label for name, label in _FROM_QUOTE if name not in present)
    if "foreign_net_1" not in present:
        yield "투자자별 매매 동향"
    if stock.kind is Kind.COMMON and not present & {"ended_year", "ended_quarter"}:
        yield "재무비율"
    if "material_filings_30d" not in present:
        yield "공시"
