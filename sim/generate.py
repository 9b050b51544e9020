"""Daily bars made up by seed: returns with a market, a sector and an own part, pulled back to a typical price."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from random import Random

from core.clock import Calendar
from core.stocks.stock import Kind, Market
from sim.isin import isin
from sim.market import SimBar, SimIssue, SimMarket
from sim.roster import ADMINISTRATIVE, HALTS, SPLITS, Listing, roster
from sim.ticks import limits, on_tick

FIRST_DAY = date(2024, 1, 2)
"""Where every generated past begins, so that it does not depend on when one looks."""

VOLATILITY = {"스팩": 0.002, "지수": 0.004, "리츠": 0.006, "통신": 0.009, "금융": 0.012, "바이오": 0.024, "로봇": 0.03}
"""Own daily deviation by sector; 0.017 otherwise."""


def generate(seed: int, *, until: date, calendar: Calendar | None = None) -> SimMarket:
    """The generated market through `until`; two years at least."""
    calendar = calendar or Calendar()
    first = min(FIRST_DAY, until - timedelta(days=730))
    days = [day for day in _each_day(first, until) if calendar.is_session(day)]
    weather = Weather(seed, len(days))
    issues, bars = {}, {}
    for listing in roster():
        traded = [(place, day) for place, day in enumerate(days) if day >= listing.listed_on]
        if traded:
            bars[listing.code] = list(_bars(listing, seed, traded, weather))
            issues[listing.code] = _issue(listing, seed, bars[listing.code][-1].close)
    bases = {code: {day: _split_base(bars[code], day, parts)} for code, (day, parts) in SPLITS.items()}
    shares = {
        code: {first: issues[code].shares // parts, day: issues[code].shares} for code, (day, parts) in SPLITS.items()
    }
    return SimMarket(issues, bars, bases=bases, shares=shares, calendar=calendar)


def _each_day(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


@dataclass
class Weather:
    """What moves many issues at once: one shock a day for the market, one for each sector."""

    seed: int
    days: int

    @cached_property
    def market(self) -> Sequence[float]:
        """Shocks of the whole market."""
        return self._shocks("market", 0.009)

    @cached_property
    def _sectors(self) -> dict[str, Sequence[float]]:
        return {}

    def sector(self, name: str) -> Sequence[float]:
        """Shocks of one sector."""
        if name not in self._sectors:
            self._sectors[name] = self._shocks(f"sector {name}", 0.007)
        return self._sectors[name]

    def _shocks(self, name: str, deviation: float) -> Sequence[float]:
        random = Random(f"{self.seed} {name}")
        return [random.gauss(0.0002, deviation) for _ in range(self.days)]


def _bars(listing: Listing, seed: int, days: Sequence[tuple[int, date]], weather: Weather) -> Iterator[SimBar]:
    own, family = Random(f"{seed} {listing.code}"), Random(f"{seed} family {listing.code[:5]}")
    deviation = VOLATILITY.get(listing.sector, 0.017)
    beta = 0.1 if listing.kind is Kind.SPAC else 0.8 + own.random() * 0.5
    sector = weather.sector(listing.sector)
    split_on, parts = SPLITS.get(listing.code, (date.min, 1))
    away, halted_from = family.gauss(0, 0.12), HALTS.get(listing.code, date.max)
    close = on_tick(listing.price * math.exp(away) * (parts if days[0][1] < split_on else 1), listing.kind)
    for place, day in days:
        factor = parts if day < split_on else 1
        if day == split_on:
            close = on_tick(close / parts, listing.kind)
        if day >= halted_from:
            yield SimBar(day, 0, 0, 0, close, 0, 0)
            continue
        jump = family.gauss(0, 0.09) if family.random() < 0.012 and deviation > 0.005 else 0.0
        drift = beta * (weather.market[place] + sector[place]) + family.gauss(0, deviation) + jump
        away = math.log(close / listing.price / factor)
        bar = _session(listing, own, day, close, drift - 0.01 * away, deviation, factor)
        close = bar.close
        yield bar


def _session(
    listing: Listing, random: Random, day: date, base: int, drift: float, deviation: float, factor: int
) -> SimBar:
    lower, upper = limits(base, listing.market, listing.kind)

    def price(level: float) -> int:
        return min(upper, max(lower, on_tick(level, listing.kind)))

    close = price(base * math.exp(drift))
    opening = price(base * math.exp(drift * 0.3 + random.gauss(0, deviation * 0.3)))
    high = price(max(opening, close) * (1 + abs(random.gauss(0, deviation * 0.5))))
    low = price(min(opening, close) * (1 - abs(random.gauss(0, deviation * 0.5))))
    high, low = max(high, opening, close), min(low, opening, close)
    thin = 0.0003 if listing.market is Market.KONEX else 0.003
    volume = int(listing.shares / factor * thin * math.exp(random.gauss(0, 0.35)) * (1 + 18 * abs(drift))) + 1
    return SimBar(day, opening, high, low, close, volume, volume * (opening + high + low + 2 * close) // 5)


def _split_base(bars: Sequence[SimBar], day: date, parts: int) -> int:
    before = [bar for bar in bars if bar.day < day]
    return on_tick(before[-1].close / parts) if before else 0


def _issue(listing: Listing, seed: int, price: int) -> SimIssue:
    random = Random(f"{seed} accounts {listing.code}")
    fund = listing.kind in (Kind.ETF, Kind.SPAC)
    return SimIssue(
        code=listing.code,
        name=listing.name,
        market=listing.market,
        kind=listing.kind,
        shares=listing.shares,
        market_cap=price * listing.shares,
        isin=isin(listing.code),
        listed_on=listing.listed_on,
        halted=listing.code in HALTS,
        administrative=listing.code in ADMINISTRATIVE,
        sector=listing.sector,
        par_value=5_000 if listing.market is Market.KOSPI else 500,
        eps=None if fund else round(listing.price / random.uniform(6, 40)),
        bps=None if fund else round(listing.price / random.uniform(0.4, 4)),
    )
