"""The facts that follow from the price: quote, daily bars and indicators. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import Calendar
from core.figures import number, percent, percent_signed, shares, times, won, won_large, won_signed
from core.market.bar import Bar, Quote, adjusted
from core.market.service import BAR_SOURCE as DAILY
from core.prediction.fact import Fact
from core.prediction.indicators import Indicators, indicators

RETURNS = (5, 20, 60)
"""Lengths of the returns on the sheet, in sessions."""

BAND_OF_SIGMA, LEAST_BAND, USUAL_BAND = 0.5, 0.003, 0.01
"""The flat band of a session: half its standard deviation, at least 0.3 %; 1 % where there is too little history."""

_FULL_YEAR = 230
"""Fewer sessions than this cannot tell a 52-week range."""
_SESSIONS_A_YEAR = 252


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """What is known of the price at one instant.

    `bars` are adjusted, closed sessions, oldest first; `quote` is None unless one was had for that instant.
    `base_price` stood at `base_at`, which is never after the regular close it belongs to; `closed` says whether
    it is that close.
    """

    bars: tuple[Bar, ...]
    quote: Quote | None
    base_price: int
    base_at: datetime
    closed: bool
    bars_at: datetime | None
    indicators: Indicators

    @property
    def band(self) -> float:
        """The flat band of one session as a fraction."""
        sigma = self.indicators.sigma
        return USUAL_BAND if sigma is None else max(BAND_OF_SIGMA * sigma, LEAST_BAND)

    @property
    def closes(self) -> list[int]:
        """Closes oldest first, ending with the base price."""
        closes = [bar.close for bar in self.bars]
        fresh = self.bars_at is None or self.base_at > self.bars_at
        return [*closes, self.base_price] if fresh else [*closes[:-1], self.base_price]


def prices_of(raw: Sequence[Bar], quote: Quote | None, calendar: Calendar) -> Prices | None:
    """The prices given by raw bars (oldest first) and a quote; None when there is neither."""
    bars_at = calendar.closes(raw[-1].day) if raw else None
    bars = adjusted(raw)
    if quote is not None:
        session = calendar.latest_session(quote.at)
        if raw and session > raw[-1].day:
            bars = _on_scale_of(quote, raw)
        closed = quote.at >= calendar.closes(session)
        base_price, base_at = quote.price, min(quote.at, calendar.closes(session))
    elif bars_at is not None:
        base_price, base_at, closed = bars[-1].close, bars_at, True
    else:
        return None
    return Prices(
        bars=tuple(bars),
        quote=quote,
        base_price=base_price,
        base_at=base_at,
        closed=closed,
        bars_at=bars_at,
        indicators=indicators(bars),
    )


def _on_scale_of(quote: Quote, raw: Sequence[Bar]) -> list[Bar]:
    """The bars adjusted to today's scale, also when the exchange re-based the price this very session."""
    last, reference = raw[-1], quote.price - quote.change
    if last.close <= 0 or reference <= 0 or reference == last.close:
        return adjusted(raw)
    today = Bar(
        day=last.day + timedelta(days=1),
        open=0,
        high=0,
        low=0,
        close=quote.price,
        volume=0,
        value=0,
        split_ratio=reference / last.close,
    )
    return adjusted([*raw, today])[:-1]


def price_facts(prices: Prices, *, live_shares: int | None) -> Iterator[Fact]:
    """Every fact that can be had; ids are empty, for the sheet numbers them.

    `live_shares` are the listed shares where they may be taken for those of that instant.
    """
    if prices.quote is not None:
        yield from _quote_facts(prices.quote, prices.base_at, label="종가" if prices.closed else "현재가")
    elif prices.bars:
        yield from _close_facts(prices)
    yield from _worth(prices, live_shares)
    if prices.bars_at is None:
        return
    yield from _returns(prices)
    yield from _year_range(prices)
    yield from _averages(prices)
    yield from _weighted(prices)
    yield from _oscillators(prices)
    yield from _volatility(prices)


def _fact(name: str, label: str, text: str, value: float, source: str, at: datetime) -> Fact:
    return Fact(id="", name=name, label=label, text=text, value=value, source=source, at=at)


def _quote_facts(quote: Quote, at: datetime, *, label: str) -> Iterator[Fact]:
    source = quote.source
    yield _fact("price", label, won(quote.price), quote.price, source, at)
    yield _fact("change", "전일 대비", won_signed(quote.change), quote.change, source, at)
    yield _fact(
        "change_percent", "등락률", percent_signed(quote.change_percent), round(quote.change_percent, 2), source, at
    )
    for name, label, price in (
        ("open", "시가", quote.open),
        ("high", "고가", quote.high),
        ("low", "저가", quote.low),
    ):
        if price:
            yield _fact(name, label, won(price), price, source, at)
    yield _fact("volume", "거래량", shares(quote.volume), quote.volume, source, at)
    yield _fact("value", "거래대금", won_large(quote.value), quote.value, source, at)


def _close_facts(prices: Prices) -> Iterator[Fact]:
    bar, at = prices.bars[-1], prices.base_at
    yield _fact("price", "종가", won(bar.close), bar.close, DAILY, at)
    if len(prices.bars) > 1 and (before := prices.bars[-2].close) > 0:
        change = bar.close - before
        change_percent = round(change / before * 100, 2)
        yield _fact("change", "전일 대비", won_signed(change), change, DAILY, at)
        yield _fact("change_percent", "등락률", percent_signed(change_percent), change_percent, DAILY, at)
    if bar.traded:
        yield _fact("open", "시가", won(bar.open), bar.open, DAILY, at)
        yield _fact("high", "고가", won(bar.high), bar.high, DAILY, at)
        yield _fact("low", "저가", won(bar.low), bar.low, DAILY, at)
    yield _fact("volume", "거래량", shares(bar.volume), bar.volume, DAILY, at)
    yield _fact("value", "거래대금", won_large(bar.value), bar.value, DAILY, at)


def _worth(prices: Prices, live_shares: int | None) -> Iterator[Fact]:
    quote, at = prices.quote, prices.base_at
    source = quote.source if quote else DAILY
    market_cap = (quote and quote.market_cap) or (live_shares and live_shares * prices.base_price)
    if market_cap:
        yield _fact("market_cap", "시가총액", won_large(market_cap), market_cap, source, at)
    if quote and quote.per:
        yield _fact("per", "PER", times(quote.per), quote.per, source, at)
    if quote and quote.pbr:
        yield _fact("pbr", "PBR", times(quote.pbr), quote.pbr, source, at)


def _returns(prices: Prices) -> Iterator[Fact]:
    closes = prices.closes
    for sessions in RETURNS:
        if len(closes) > sessions and closes[-1 - sessions] > 0:
            change = round((closes[-1] / closes[-1 - sessions] - 1) * 100, 2)
            label = f"{sessions}거래일 수익률"
            yield _fact(f"return_{sessions}", label, percent_signed(change), change, DAILY, prices.base_at)


def _year_range(prices: Prices) -> Iterator[Fact]:
    assert prices.bars_at is not None
    high, low, source, at = _range_52w(prices)
    if high is None or low is None:
        return
    yield _fact("high_52w", "52주 최고", won(high), high, source, at)
    yield _fact("low_52w", "52주 최저", won(low), low, source, at)
    if high > low:
        position = round((prices.base_price - low) / (high - low) * 100, 1)
        yield _fact("position_52w", "52주 범위 안 위치", percent(position), position, source, at)


def _range_52w(prices: Prices) -> tuple[int | None, int | None, str, datetime]:
    quote = prices.quote
    rebased = any(bar.split_ratio for bar in prices.bars)  # a quote does not tell on which scale its range is
    if quote and quote.high_52w and quote.low_52w and not rebased:
        return quote.high_52w, quote.low_52w, quote.source, prices.base_at
    assert prices.bars_at is not None
    traded = [bar for bar in prices.bars if bar.traded and bar.day > prices.bars[-1].day - timedelta(days=365)]
    if len(traded) < _FULL_YEAR:
        return None, None, DAILY, prices.bars_at
    high, low = max(bar.high for bar in traded), min(bar.low for bar in traded)
    return max(high, prices.base_price), min(low, prices.base_price), DAILY, prices.bars_at


def _averages(prices: Prices) -> Iterator[Fact]:
    assert prices.bars_at is not None
    for length, average in prices.indicators.averages.items():
        gap = round((prices.base_price / average - 1) * 100, 2)
        rounded = round(average)
        yield _fact(f"sma_{length}", f"{length}일 이동평균", won(rounded), rounded, DAILY, prices.bars_at)
        yield _fact(f"sma_{length}_gap", f"{length}일선과의 차이", percent_signed(gap), gap, DAILY, prices.base_at)


def _weighted(prices: Prices) -> Iterator[Fact]:
    assert prices.bars_at is not None
    for length, average in prices.indicators.exponential.items():
        yield _fact(
            f"ema_{length}", f"{length}일 지수이동평균", won(round(average)), round(average), DAILY, prices.bars_at
        )
    if prices.indicators.vwap is not None:
        vwap = round(prices.indicators.vwap)
        yield _fact("vwap", "거래량 가중 평균가", won(vwap), vwap, DAILY, prices.bars_at)


def _oscillators(prices: Prices) -> Iterator[Fact]:
    at, found = prices.bars_at, prices.indicators
    assert at is not None
    if found.rsi is not None:
        yield _fact("rsi_14", "RSI(14)", number(found.rsi), round(found.rsi, 1), DAILY, at)
    if found.macd is not None and found.macd_signal is not None:
        macd, signal = round(found.macd), round(found.macd_signal)
        yield _fact("macd", "MACD(12·26)", won_signed(macd), macd, DAILY, at)
        yield _fact("macd_signal", "MACD 신호선(9)", won_signed(signal), signal, DAILY, at)
    if found.bollinger is not None:
        position = round(found.bollinger * 100, 1)
        yield _fact("bollinger", "볼린저 밴드(20·2σ) 안 위치", percent(position), position, DAILY, at)
    for name, label, value in (
        ("stochastic_k", "스토캐스틱 %K(14·3)", found.stochastic_k),
        ("stochastic_d", "스토캐스틱 %D(3)", found.stochastic_d),
    ):
        if value is not None:
            yield _fact(name, label, number(value), round(value, 1), DAILY, at)
    if found.obv_slope is not None:
        slope = round(found.obv_slope, 2)
        yield _fact("obv_slope", "OBV 20일 기울기(하루 평균 거래량의 배수)", times(slope), slope, DAILY, at)
    if found.volume_ratio is not None:
        ratio = round(found.volume_ratio, 2)
        yield _fact("volume_ratio", "직전 20일 평균 대비 거래량", times(ratio), ratio, DAILY, at)


def _volatility(prices: Prices) -> Iterator[Fact]:
    at, found = prices.bars_at, prices.indicators
    assert at is not None
    if found.atr is not None:
        share = round(found.atr / prices.base_price * 100, 2)
        yield _fact("atr_14", "ATR(14)", won(round(found.atr)), round(found.atr), DAILY, at)
        yield _fact("atr_percent", "ATR(14) / 주가", percent(share, 2), share, DAILY, at)
    if found.sigma is not None:
        yearly = round(found.sigma * _SESSIONS_A_YEAR**0.5 * 100, 1)
        yield _fact("volatility_20", "20일 변동성(연율)", percent(yearly), yearly, DAILY, at)
    if found.support is not None and found.resistance is not None:
        yield _fact("support_20", "20일 최저(지지)", won(found.support), found.support, DAILY, at)
        yield _fact("resistance_20", "20일 최고(저항)", won(found.resistance), found.resistance, DAILY, at)
    band = round(prices.band * 100, 2)
    yield _fact("band", "하루 보합 폭(±)", percent(band, 2), band, DAILY, at)
