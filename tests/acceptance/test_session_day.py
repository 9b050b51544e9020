"""Days of the market, lived in virtual time by the real schedule, jobs, database and pace: what must hold on each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

import pytest

from core.clock import KST, kst
from core.runs.run import Run
from core.services import Services
from core.settings import Settings
from jobs.registry import JOBS
from jobs.spec import CatchUp, JobSpec
from sim.http import SimServer
from sim.world import World
from tests.acceptance.session_day import RATE, Plan, SessionDay, open_day
from tests.virtual_time import run_virtually

Build = Callable[..., Settings]

FRIDAY: Final = date(2026, 11, 20)
EXAM: Final = date(2026, 11, 19)
CHRISTMAS: Final = date(2026, 12, 25)

QUOTE_WAIT, REPORT_WAIT = 1.0, 30.0
"""Simulated seconds that nineteen of twenty questions wait at most, whatever is collected meanwhile."""

pytestmark = pytest.mark.timeout(300)


def only(*names: str) -> tuple[JobSpec, ...]:
    """The rows of the table of these jobs, in its order."""
    return tuple(spec for spec in JOBS.values() if spec.name in names)


async def assert_kept(day: SessionDay) -> None:
    """Every slot of the day was run, in time, and no person waited long for an answer."""
    kept = await day.kept()
    assert await day.missed() == []
    assert {name: job.late for name, job in kept.items() if job.late} == {}
    assert {name for name, job in kept.items() if job.failed_runs} == set()
    assert day.world.kis.refused_for_rate == 0
    assert day.tally.most_in_a_second <= RATE
    assert [question for question in day.questions if question.error] == []
    assert day.waited("quote") <= QUOTE_WAIT
    assert day.waited("report") <= REPORT_WAIT
    assert await day.rows("SELECT kind, key, facts FROM outbox") == [], "nothing worth telling admins"


async def ran(day: SessionDay, job: str) -> list[tuple[str, int]]:
    """The slots of the day at which a job ran, in Seoul, and how much it did at each."""
    runs = await day.rows(
        "SELECT slot, done FROM job_run WHERE job = :job AND slot >= :begin ORDER BY slot",
        job=job,
        begin=kst(day.plan.day, day.plan.begin),
    )
    return [(f"{slot.astimezone(KST):%H:%M}", done) for slot, done in runs]


DAILY: Final = tuple(spec for spec in JOBS.values() if spec.schedule != "* * * * *")
"""All but the checks of every minute."""


@pytest.mark.parametrize(
    ("begin", "end", "specs", "some"),
    [
        (time(8, 58), time(9, 11), tuple(JOBS.values()), {"collect_minute_bars", "collect_market_data", "crawl_news"}),
        (time(15, 38), time(16, 32), DAILY, {"repair_minute_bars", "collect_investor_trends", "evaluate_predictions"}),
    ],
    ids=["the open", "the close"],
)
def test_every_job_keeps_its_slots_and_nobody_waits(
    test_settings: Build, begin: time, end: time, specs: Sequence[JobSpec], some: set[str]
) -> None:
    async def main() -> None:
        plan = Plan(day=FRIDAY, stocks=12, begin=begin, end=end, specs=specs, followed=4)
        async with open_day(plan, test_settings) as day:
            await day.live()
            await assert_kept(day)
            assert some <= (await day.kept()).keys()

    run_virtually(main)


def job(name: str, *after: str, seconds: float) -> JobSpec:
    """A job of every five minutes that takes so long."""

    async def work(services: Services, _run: Run) -> None:
        await services.clock.sleep(seconds)

    return JobSpec(
        name=name,
        summary=name,
        schedule="*/5 * * * *",
        run=work,
        timeout=timedelta(minutes=4),
        catch_up=CatchUp.LATEST,
        after=after,
    )


def test_what_is_under_way_is_neither_failed_nor_missed(test_settings: Build) -> None:
    async def main() -> None:
        specs = (job("first", seconds=60), job("second", "first", seconds=1), job("slow", seconds=300))
        plan = Plan(day=FRIDAY, stocks=20, begin=time(9, 4), end=time(9, 10), specs=specs, reports_an_hour=0)
        async with open_day(plan, test_settings) as day:
            living = asyncio.create_task(day.live())
            await day.clock.until(kst(FRIDAY, time(9, 5, 30)))
            first = (await day.kept())["first"]
            assert (first.slots, first.done, first.failed_runs) == (1, 0, 0)
            assert "second" not in await day.kept(), "it waits for the other"
            assert await day.missed() == []
            await living
            failed = {name: kept.failed_runs for name, kept in (await day.kept()).items()}
            assert failed == {"first": 0, "second": 0, "slow": 1}, "what outlasts its time has failed"
            assert await day.missed() == []

    run_virtually(main)


def test_a_slot_whose_time_has_passed_is_missed(test_settings: Build) -> None:
    async def main() -> None:
        specs = (job("stuck", seconds=1), job("waits", "stuck", seconds=1))
        plan = Plan(day=FRIDAY, stocks=20, begin=time(9, 4), end=time(9, 12), specs=specs, reports_an_hour=0)
        async with open_day(plan, test_settings) as day:
            await day.clock.until(kst(FRIDAY, time(9, 9)))
            both = [("stuck", kst(FRIDAY, time(9, 5))), ("waits", kst(FRIDAY, time(9, 5)))]
            assert await day.missed() == both, "nobody ran anything, and four minutes are over"
            await day.clock.until(kst(FRIDAY, time(9, 12)))
            ten = kst(FRIDAY, time(9, 10))
            assert sorted(await day.missed()) == sorted([*both, ("stuck", ten), ("waits", ten)])

    run_virtually(main)


def test_minutes_of_the_whole_market_keep_their_time_after_hours_of_outage(test_settings: Build) -> None:
    async def main() -> None:
        specs = only("collect_minute_bars", "collect_market_data")
        plan = Plan(day=FRIDAY, stocks=2_700, begin=time(14, 59), end=time(15, 1), specs=specs, quotes_a_minute=20)
        async with open_day(plan, test_settings) as day:
            await day.live()
            await assert_kept(day)
            unpriced = await day.rows(
                "SELECT halted FROM stock LEFT JOIN quote ON quote.code = stock.code WHERE quote.code IS NULL"
            )
            assert unpriced == [(True,)], "KIS tells no price of the one that is halted"

    run_virtually(main)


def test_a_saturated_key_gives_nearly_all_of_its_rate_and_people_go_first(test_settings: Build) -> None:
    async def main() -> None:
        plan = Plan(day=FRIDAY, stocks=71, begin=time(10), end=time(10, 1), specs=(), quotes_a_minute=30)
        async with open_day(plan, test_settings) as day:
            kis, began = day.services.kis.collecting, day.clock.now()
            codes = [stock.code for stock in day.stocks]
            collecting = asyncio.gather(*(kis.order_book(codes[place % 71]) for place in range(1_200)))
            await day.live()
            await collecting
            calls, seconds = day.tally.calls, (day.clock.now() - began).total_seconds()
            assert day.world.kis.refused_for_rate == 0
            assert calls / seconds >= 0.95 * RATE
            assert day.waited("quote") <= QUOTE_WAIT

    run_virtually(main)


FEW_PAGES: Final = {"sources": ("naver_main", "naver_focus", "naver_stock")}
"""Settings by which every source's lists are read, but hardly a page of an article."""


def test_on_a_holiday_no_market_job_runs_and_the_rest_goes_on(test_settings: Build) -> None:
    async def main() -> None:
        plan = Plan(day=CHRISTMAS, stocks=12, begin=time(8, 58), end=time(9, 6))
        async with open_day(plan, test_settings, news=FEW_PAGES) as day:
            await day.live()
            await assert_kept(day)
            assert {name for name in await day.kept() if JOBS[name].sessions_only} == set()
            assert [slot for slot, _ in await ran(day, "crawl_news")] == ["09:00"]
            assert day.tally.paths["intstock-multprice"] == 0

    run_virtually(main)


MARKET: Final = only(
    *("collect_minute_bars", "collect_market_data", "collect_daily_bars", "repair_minute_bars"),
    *("generate_reports", "match_news", "collect_investor_trends"),
)


def test_minutes_of_a_day_that_opens_an_hour_late_begin_with_its_open(test_settings: Build) -> None:
    async def main() -> None:
        plan = Plan(day=EXAM, stocks=12, begin=time(9, 56), end=time(10, 8), specs=MARKET)
        async with open_day(plan, test_settings) as day:
            await day.live()
            await assert_kept(day)
            first = await day.rows("SELECT min(at) FROM minute_price")
            assert first == [(kst(EXAM, time(10)),)]
            assert next(slot for slot, done in await ran(day, "collect_minute_bars") if done) == "10:01"

    run_virtually(main)


def test_work_after_the_close_of_such_a_day_waits_for_it(test_settings: Build) -> None:
    async def main() -> None:
        plan = Plan(day=EXAM, stocks=12, begin=time(16, 24), end=time(17, 2), specs=MARKET, followed=4)
        async with open_day(plan, test_settings) as day:
            await day.live()
            await assert_kept(day)
            assert await ran(day, "collect_daily_bars") == [("16:40", 4)]
            assert await ran(day, "generate_reports") == [("16:45", 4)]
            assert [slot for slot, _ in await ran(day, "repair_minute_bars")] == ["16:50"]
            assert await day.rows("SELECT max(at) FROM minute_price") == [(kst(EXAM, time(16, 30)),)]
            assert await day.rows("SELECT max(day) FROM daily_price") == [(EXAM,)]

    run_virtually(main)


@pytest.mark.parametrize(
    ("on", "slot", "other"),
    [(date(2026, 9, 11), "18:00", "20:05"), (date(2026, 9, 14), "20:05", "18:00")],
    ids=["the last single-price session", "the first after-market"],
)
def test_trade_after_the_close_is_collected_when_it_has_ended(
    test_settings: Build, on: date, slot: str, other: str
) -> None:
    async def main() -> None:
        specs = only("collect_daily_bars", "collect_overtime", "collect_index_daily")
        plan = Plan(
            day=on, stocks=20, begin=time(15, 39), end=time(20, 10), specs=specs, quotes_a_minute=0.1, reports_an_hour=0
        )
        async with open_day(plan, test_settings) as day:
            await day.live()
            await assert_kept(day)
            # What was traded since the close can be told of the stocks whose close is stored: the followed ones.
            asked = 20 if on < date(2026, 9, 14) else day.plan.followed
            assert dict(await ran(day, "collect_overtime")) == {slot: asked, other: 0}
            assert all(done for _, done in await ran(day, "collect_index_daily"))
            stored = await day.rows("SELECT DISTINCT kind FROM overtime_price WHERE day = :day", day=on)
            # The simulated exchange has no trade in the after-market.
            assert stored == ([("single_price",)] if on < date(2026, 9, 14) else [])

    run_virtually(main)


class Mode(NamedTuple):
    """What a source does instead of answering."""

    effect: Any
    status: int = 200
    body: str = ""


MODES: Final = {
    "dies": Mode("close"),
    "changes shape": Mode("answer", body='{"result": {"rows": {"0": "later"}}}'),
    "answers nothing": Mode("empty"),
    "blocks": Mode("answer", status=403, body="forbidden"),
}

PLACES: Final[dict[str, tuple[Callable[[World], SimServer], str]]] = {
    "dart": (lambda world: world.dart, "/api/list.json"),
    "naver_main": (lambda world: world.naver, "/api/domestic/news/list"),
    "naver_focus": (lambda world: world.naver, "/api/domestic/news/focus"),
    "naver_stock": (lambda world: world.naver, "/api/news/stock/"),
    "hankyung": (lambda world: world.hankyung, "/feed/"),
    "mk": (lambda world: world.maeil, "/rss/"),
    "mk_sitemap": (lambda world: world.maeil, "/sitemap/"),
    "reddit": (lambda world: world.reddit, "/r/"),
    "dart_feed": (lambda world: world.dart, "/api/todayRSS.xml"),
}
"""Where each source is asked. The two of DART are far apart: both at once are all that their job has."""

KIS_PLACES: Final = {
    "kis_multi": "intstock-multprice",
    "kis_index": "inquire-index-price",
    "kis_book": "inquire-asking-price-exp-ccn",
    "kis_quote": "inquire-price",
    "kis_minutes": "inquire-time-itemchartprice",
}
"""What each part is asked at. All that the job of a minute has are the first and the last, so they are far apart."""


def in_turn(
    places: dict[str, tuple[Callable[[World], SimServer], str]],
    mode: Mode,
    *,
    first: datetime,
    step: timedelta,
    lasting: timedelta,
) -> list[tuple[time, Callable[[World], object]]]:
    """One trouble after the other, each beginning `step` after the one before and `lasting` so long."""
    found: list[tuple[time, Callable[[World], object]]] = []
    for number, (server, path) in enumerate(places.values()):

        def begin(world: World, server: Callable[[World], SimServer] = server, path: str = path) -> None:
            server(world).faults.add(mode.effect, path=path, times=10**9, status=mode.status, body=mode.body)

        def end(world: World, server: Callable[[World], SimServer] = server, path: str = path) -> None:
            server(world).faults.clear(path)

        at = first + number * step
        found += [(at.astimezone(KST).time(), begin), ((at + lasting).astimezone(KST).time(), end)]
    return found


async def told(day: SessionDay, source: str) -> list[str]:
    """What admins were told of a source, in order."""
    rows = await day.rows(
        "SELECT kind FROM outbox WHERE hook = 'log' AND facts->>'source' = :source ORDER BY id", source=source
    )
    return [kind for (kind,) in rows]


@pytest.mark.parametrize("mode", MODES)
def test_a_source_in_trouble_stops_no_other_and_is_told_once(test_settings: Build, mode: str) -> None:
    async def main() -> None:
        troubles = in_turn(
            PLACES,
            MODES[mode],
            first=kst(FRIDAY, time(9, 35)),
            step=timedelta(minutes=8 if mode == "blocks" else 6),
            lasting=timedelta(minutes=32),
        )
        plan = Plan(
            day=FRIDAY,
            stocks=12,
            begin=time(9, 8),
            end=time(12, 20) if mode == "blocks" else time(11, 20),  # who is refused does not ask again for an hour
            specs=only("crawl_news", "crawl_disclosures"),
            troubles=troubles,
            followed=2,
            quotes_a_minute=0.2,
            reports_an_hour=0,
        )
        async with open_day(plan, test_settings, news=FEW_PAGES) as day:
            await day.live()
            kept = await day.kept()
            assert await day.missed() == []
            assert {name: job.late for name, job in kept.items()} == {"crawl_news": (), "crawl_disclosures": ()}
            assert {name for name, job in kept.items() if job.failed_runs} == set(), "the rest goes on"
            states = await day.rows("SELECT source, failures_in_row, last_failure_at FROM source_status")
            state = {source: (in_row, at) for source, in_row, at in states}
            assert {key for key in PLACES if state[key][1] is None} == set(), "each failed while it was in trouble"
            assert {key for key in PLACES if state[key][0]} == set(), "each works again"
            once = ["source_failed", "source_recovered"]
            assert {key: await told(day, key) for key in PLACES} == dict.fromkeys(PLACES, once)
            assert await day.rows("SELECT url FROM article GROUP BY url HAVING count(*) > 1") == []
            assert await day.rows("SELECT receipt FROM disclosure GROUP BY receipt HAVING count(*) > 1") == []

    run_virtually(main)


@pytest.mark.parametrize("mode", MODES)
def test_a_part_of_kis_in_trouble_stops_no_other(test_settings: Build, mode: str) -> None:
    async def main() -> None:
        places: dict[str, tuple[Callable[[World], SimServer], str]] = {
            source: (lambda world: world.kis, path) for source, path in KIS_PLACES.items()
        }
        troubles = in_turn(
            places,
            MODES[mode],
            first=kst(FRIDAY, time(9, 4)),
            step=timedelta(minutes=3),
            lasting=timedelta(minutes=6),
        )
        plan = Plan(
            day=FRIDAY,
            stocks=12,
            begin=time(8, 59),
            end=time(10, 31) if mode == "blocks" else time(9, 41),  # who is refused does not ask again for an hour
            specs=only("collect_minute_bars", "collect_market_data"),
            troubles=troubles,
            followed=2,
            quotes_a_minute=0.5,
            reports_an_hour=1,
        )
        async with open_day(plan, test_settings) as day:
            await day.live()
            assert await day.missed() == []
            kept = await day.kept()
            assert {name: job.late for name, job in kept.items() if job.late} == {}
            # Refusals keep both sources of the minute's job closed for an hour, so then it has nothing.
            nothing_left = {"collect_minute_bars"} if mode == "blocks" else set()
            assert {name for name, job in kept.items() if job.failed_runs} == nothing_left, "the rest goes on"
            jobs = await day.rows("SELECT kind, count(*) FROM outbox WHERE kind LIKE 'job_%' GROUP BY kind")
            assert dict(jobs) == {kind: 1 for kind in ("job_failed", "job_recovered") if nothing_left}
            states = await day.rows("SELECT source, failures_in_row, last_failure_at FROM source_status")
            state = {source: (in_row, at) for source, in_row, at in states}
            assert {key for key in KIS_PLACES if state[key][1] is None} == set()
            assert {key for key in KIS_PLACES if state[key][0]} == set()
            for key in KIS_PLACES:
                # That KIS is away or refuses is told by the probe of health; what is odd in its answers, from here.
                assert await told(day, key) in ([], ["source_failed", "source_recovered"])
            assert [question for question in day.questions if question.error] == []

    run_virtually(main)
