"""A simulated day of the product without its chat: the real schedule and jobs over a simulated market of any size.

Time is virtual (`tests.virtual_time`), so the pace of KIS, timeouts and heartbeats are those of a real day. People ask
all the while. What came of it is read from the database and from what the simulated KIS was asked.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import product
from random import Random
from statistics import quantiles
from typing import Any, Final

from sqlalchemy import text

from core.clock import KST, kst
from core.delivery.run_alerts import AdminAlerts
from core.errors import StockPilotError
from core.market.service import get_quote
from core.reports.service import get_report
from core.runs.run import Run, RunState
from core.services import Services, open_services
from core.settings import Settings
from core.stocks.queries import list_stocks
from core.stocks.service import refresh_stocks
from core.stocks.stock import Kind, Market, Stock
from jobs.registry import JOBS
from jobs.scheduler import TICK, Scheduler, run_due
from jobs.slots import next_slot, slots_between
from jobs.spec import JobSpec
from sim.http import Asked
from sim.isin import isin
from sim.market import SimIssue, SimMarket, generated_market
from sim.roster import roster
from sim.world import World, open_world
from tests.virtual_time import VirtualClock

RATE: Final = 18.0
"""Calls a second the exchange's API takes from one key."""
KNOWN_SESSIONS: Final = 260
"""The past of a stock the market was grown by: a year."""
MODEL_SECONDS: Final = 4.0
"""Virtual seconds a language model takes for an answer."""

Build = Callable[..., Settings]

_FIRST = (
    "가온",
    "나래",
    "다솜",
    "라온",
    "마루",
    "바로",
    "사람",
    "아라",
    "자람",
    "차오",
    "카론",
    "타래",
    "파란",
    "하람",
)
_SECOND = ("누리", "미르", "벼리", "솔", "시내", "여울", "윤슬", "이든", "재", "찬", "터", "빛", "결", "들")
_THIRD = (
    "전자",
    "화학",
    "제약",
    "건설",
    "정밀",
    "산업",
    "테크",
    "소재",
    "바이오",
    "물산",
    "로지스",
    "식품",
    "메디칼",
    "솔루션",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What day is lived, by how many stocks and askers. `troubles` happen to the world by the time of day in Seoul."""

    day: date
    stocks: int
    begin: time = time(8)
    end: time = time(20, 30)
    followed: int = 12
    quotes_a_minute: float = 2.0
    reports_an_hour: float = 4.0
    specs: Sequence[JobSpec] = tuple(JOBS.values())
    troubles: Sequence[tuple[time, Callable[[World], object]]] = ()
    seed: int = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One question of a person: what for, how long it took in virtual seconds, `error` where there was no answer."""

    kind: str
    seconds: float
    error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """How one job kept its slots of the day so far. A run that is under way is neither done nor failed.

    `calls` are those of KIS; `late` holds the slots that ended too late.
    """

    job: str
    slots: int
    done: int
    failed_runs: int
    late: tuple[str, ...]
    latest: timedelta
    calls: int
    rows: int
    failed_rows: int

    @property
    def on_time(self) -> int:
        """Slots that succeeded, before the next one and within the job's time."""
        return self.done - len(self.late)


class Tally(deque[Asked]):
    """What a server was asked, counted and not kept: a day of it is some hundred thousand requests."""

    def __init__(self) -> None:
        super().__init__(maxlen=1)
        self.paths: Counter[str] = Counter()
        self.minutes: Counter[datetime] = Counter()
        self.most_in_a_second = 0
        self._second: deque[datetime] = deque()

    def append(self, asked: Asked) -> None:
        """Count one request."""
        path = asked.path.rpartition("/")[2]
        self.paths[path] += 1
        if "/uapi/" not in asked.path:
            return
        self.minutes[asked.at.replace(second=0, microsecond=0)] += 1
        self._second.append(asked.at)
        while self._second[0] <= asked.at - timedelta(seconds=1):
            self._second.popleft()
        self.most_in_a_second = max(self.most_in_a_second, len(self._second))

    @property
    def calls(self) -> int:
        """Calls under the limit of the rate."""
        return sum(self.minutes.values())

    @property
    def peak(self) -> float:
        """The share of the rate that the fullest minute used."""
        return max(self.minutes.values(), default=0) / (RATE * 60)


@dataclass(kw_only=True)
class SessionDay:
    """A day under way: its world, its services, and what people waited for."""

    plan: Plan
    world: World
    services: Services
    clock: VirtualClock
    tally: Tally
    stocks: Sequence[Stock]
    questions: list[Question] = field(default_factory=list)
    _slots: dict[str, list[datetime]] = field(default_factory=dict, init=False, repr=False)

    async def live(self) -> None:
        """Live the day to its end, and wait for the jobs that run then."""
        scheduler = Scheduler(self.services, self.plan.specs, alerts=AdminAlerts(self.services))
        end = kst(self.plan.day, self.plan.end)
        asking = [asyncio.create_task(self._ask(*when)) for when in self._visits()]
        troubles = [asyncio.create_task(self._trouble(*each)) for each in self.plan.troubles]
        running: frozenset[str] = frozenset()
        while self.clock.now() < end or scheduler.running:
            # The ticks between can find nothing: no slot begins within a minute, and no job has ended since.
            if self.clock.now() < end and (self.clock.now().second < TICK.seconds or scheduler.running != running):
                await scheduler.tick()
            running = scheduler.running
            await self.clock.sleep(TICK.total_seconds() - self.clock.now().timestamp() % TICK.total_seconds())
        await asyncio.gather(*asking, *troubles)
        await self.services.calls.flush()

    def _visits(self) -> Iterator[tuple[datetime, str, Stock]]:
        chance, begin = Random(self.plan.seed), kst(self.plan.day, self.plan.begin)
        hours = (kst(self.plan.day, self.plan.end) - begin) / timedelta(hours=1)
        for kind, an_hour in ("quote", self.plan.quotes_a_minute * 60), ("report", self.plan.reports_an_hour):
            for _ in range(round(an_hour * hours)):
                stock = chance.choice(self.stocks if kind == "quote" else self.stocks[:40])
                yield begin + timedelta(hours=chance.uniform(0, hours)), kind, stock

    async def _ask(self, at: datetime, kind: str, stock: Stock) -> None:
        await self.clock.until(at)
        began, error = self.clock.now(), ""
        try:
            await (get_quote if kind == "quote" else get_report)(self.services, stock)
        except StockPilotError as failure:
            error = f"{stock.code}: {type(failure).__name__}: {failure}"
        self.questions.append(Question(kind=kind, seconds=(self.clock.now() - began).total_seconds(), error=error))

    async def _trouble(self, at: time, happen: Callable[[World], object]) -> None:
        await self.clock.until(kst(self.plan.day, at))
        happen(self.world)

    async def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        async with self.services.db.read() as conn:
            return [tuple(row) for row in await conn.execute(text(query), values)]

    async def kept(self) -> dict[str, Kept]:
        """How each job kept its slots, by name, in the order of the table."""
        runs = await self.rows(
            "SELECT job, slot, state, finished_at, done, failed FROM job_run WHERE slot >= :begin ORDER BY slot",
            begin=kst(self.plan.day, self.plan.begin),
        )
        calls = dict(
            await self.rows("SELECT purpose, count(*) FROM usage_record WHERE provider = 'kis' GROUP BY purpose")
        )
        by_job: dict[str, list[tuple[Any, ...]]] = {spec.name: [] for spec in self.plan.specs}
        for job, *rest in runs:
            by_job[job].append(tuple(rest))
        specs = {spec.name: spec for spec in self.plan.specs}
        return {job: self._kept(specs[job], found, calls.get(job, 0)) for job, found in by_job.items() if found}

    def _kept(self, spec: JobSpec, runs: Sequence[tuple[Any, ...]], calls: int) -> Kept:
        taken = {slot: finished - slot for slot, state, finished, _, _ in runs if state == RunState.SUCCEEDED}
        late = [slot for slot, took in taken.items() if took > self._allowed(spec, slot)]
        return Kept(
            job=spec.name,
            slots=len(runs),
            done=len(taken),
            failed_runs=sum(state not in (RunState.SUCCEEDED, RunState.RUNNING) for _, state, *_ in runs),
            late=tuple(f"{slot.astimezone(KST):%H:%M} +{taken[slot]}" for slot in late),
            latest=max(taken.values(), default=timedelta()),
            calls=calls,
            rows=sum(row[3] for row in runs),
            failed_rows=sum(row[4] for row in runs),
        )

    def _allowed(self, spec: JobSpec, slot: datetime) -> timedelta:
        slots = self._slots_of(spec)
        place = bisect_right(slots, slot)
        return min(spec.timeout, slots[place] - slot) if place < len(slots) else spec.timeout

    def _slots_of(self, spec: JobSpec) -> list[datetime]:
        """The job's slots of the plan's day, and the one after them."""
        if spec.name not in self._slots:
            begin, end = (kst(self.plan.day, at) for at in (self.plan.begin, self.plan.end))
            calendar = self.services.calendar
            found = list(slots_between(spec, begin - timedelta.resolution, end - timedelta.resolution, calendar))
            follows = next_slot(spec, end - timedelta.resolution, calendar)
            self._slots[spec.name] = [*found, *([follows] if follows else [])]
        return self._slots[spec.name]

    async def missed(self) -> list[tuple[str, datetime]]:
        """Slots that nobody ran and whose time is over, as that of all of them is once the day has ended."""
        now, end = self.clock.now(), kst(self.plan.day, self.plan.end)
        ran = set(await self.rows("SELECT job, slot FROM job_run"))
        return [
            (spec.name, slot)
            for spec in self.plan.specs
            for slot in self._slots_of(spec)
            if slot < end and (now >= end or slot + self._allowed(spec, slot) <= now) and (spec.name, slot) not in ran
        ]

    def waited(self, kind: str, percent: int = 95) -> float:
        """The virtual seconds that so many percent of the answered questions of a kind waited at most."""
        seconds = [question.seconds for question in self.questions if question.kind == kind and not question.error]
        return quantiles(seconds, n=100)[percent - 1] if len(seconds) > 1 else sum(seconds)


@asynccontextmanager
async def open_day(plan: Plan, build: Build, **groups: Mapping[str, Any]) -> AsyncIterator[SessionDay]:
    """The world of a plan, with its stocks known and some followed, on the running virtual loop.

    What fell due before it begins counts as done. `build` makes settings of groups, on a fresh database; `groups`
    overrule those of the world.
    """
    clock = VirtualClock(kst(plan.day, plan.begin))
    market = _market(plan.seed, plan.day, plan.stocks)
    async with open_world(market, clock, llm_latency=MODEL_SECONDS, kis_calls_per_second=RATE) as world:
        overrides = world.settings_overrides()
        overrides["news"] = overrides["news"] | {"seconds_between_calls": 0.5}
        if plan.stocks > len(roster()):  # nobody writes about made-up companies, so that searching finds nothing
            overrides["news"] = overrides["news"] | {"naver_client_id": None, "naver_client_secret": None}
        merged = {name: {**overrides.get(name, {}), **groups.get(name, {})} for name in {*overrides, *groups}}
        tally = Tally()
        world.kis.requests = tally
        async with open_services(build(**merged), clock=clock) as services:
            await services.cache.clear()
            await refresh_stocks(services)
            stocks = await _follow(services, plan.followed)
            await run_due(services, specs=[replace(spec, run=_nothing, after=()) for spec in plan.specs])
            yield SessionDay(plan=plan, world=world, services=services, clock=clock, tally=tally, stocks=stocks)


@lru_cache
def _market(seed: int, day: date, stocks: int) -> SimMarket:
    """What many days of a test run are lived on: nobody changes it."""
    return crowded(generated_market(seed, until=day), stocks)


async def _nothing(_services: Services, _run: Run) -> None:
    """What a job did on the day before is not looked at."""


async def _follow(services: Services, count: int) -> list[Stock]:
    """Every stock, largest first; so many of them are given priority."""
    async with services.db.begin() as conn:
        stocks = sorted(await list_stocks(conn), key=lambda stock: (-(stock.market_cap or 0), stock.code))
        codes = [stock.code for stock in stocks[:count]]
        await conn.execute(text("UPDATE stock SET priority = 1 WHERE code = ANY(:codes)"), {"codes": codes})
    return stocks


def crowded(market: SimMarket, count: int) -> SimMarket:
    """The market cut to `count` issues of every board, or grown: a new one trades like one of the known, but less.

    Their codes are of every kind there is, letters included, and their names are nobody's.
    """
    donors = [code for code, issue in market.issues.items() if issue.kind is Kind.COMMON and not issue.halted]
    lives = {code: market._bars[code][-KNOWN_SESSIONS:] for code in donors}
    first_of_board = {issue.market: code for code, issue in reversed(list(market.issues.items()))}.values()
    codes_kept = sorted(market.issues, key=lambda code: code not in first_of_board)[:count]
    issues = {code: market.issues[code] for code in codes_kept}
    bars = {code: market._bars[code] for code in issues}
    names = (first + second + third for third, second, first in product(_THIRD, _SECOND, _FIRST))
    codes = (code for code in _codes() if code not in market.issues)
    boards = (Market.KOSPI, Market.KOSDAQ, Market.KOSDAQ, Market.KOSPI, Market.KOSDAQ)
    while len(issues) < count:
        place, code = len(issues), next(codes)
        donor = market.issues[donors[place % len(donors)]]
        shares = max(donor.shares // (20 + place), 100_000)
        issues[code] = SimIssue(
            code=code,
            name=next(names),
            market=Market.KONEX if place % 20 == 0 else boards[place % len(boards)],
            shares=shares,
            market_cap=shares * lives[donor.code][-1].close,
            isin=isin(code),
            listed_on=lives[donor.code][0].day,
            sector=donor.sector,
            par_value=donor.par_value,
            eps=donor.eps,
            bps=donor.bps,
        )
        bars[code] = lives[donor.code]
    return SimMarket(issues, bars, bases=market.bases, shares=market._shares, calendar=market.calendar)


def _codes() -> Iterator[str]:
    for number in range(2_000, 99_990):
        yield f"{number:04d}{'ZKLMP'[number % 5]}0" if number % 25 == 0 and number < 10_000 else f"{number:05d}0"
