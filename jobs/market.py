"""Jobs over market data. What they ask of KIS waits behind the questions of people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from core.chats.subscriptions import PersonalKind
from core.clock import hours_on, kst, kst_date
from core.errors import Fenced, StockPilotError
from core.kis.minutes import MinuteChart
from core.market import books, companies, flows, indices, minutes, overtime
from core.market.asking import Answers
from core.market.minute import MINUTE
from core.market.minute_queries import covered_until
from core.market.service import collect_bars
from core.market.sessions import refresh_sessions
from core.market.sweep import sweep
from core.runs.run import Run
from core.services import Services
from core.stocks.followed import followed_stocks
from core.stocks.queries import list_stocks
from core.stocks.stock import Stock
from jobs.alerts import tell_at_once
from jobs.stocks import each_followed

T = TypeVar("T")

_BOOK_SHARE: Final = 90
"""Seconds of KIS's calls that order books may take in five minutes."""

_BOOKS_AT_ONCE: Final = 15
"""Order books asked side by side: few, because the minute's own calls wait in the same row, a dozen times a stock."""

_MINUTE_SHARE: Final = 20
"""Seconds of KIS's calls that true minutes may take in a minute: beside the sweep, and with room for questions."""

BATCH: Final = 60
"""Stocks that are asked about side by side and written together."""


async def collect_daily_bars(services: Services, run: Run) -> None:
    """Store the daily bars that followed stocks lack; a year for one that has none."""
    if not _has_key(services, run):
        return
    services = _collecting(services)

    async def collect(stock: Stock) -> None:
        await collect_bars(services, stock.code, begin=run.begin)

    await each_followed(services, run, collect)


async def collect_market_data(services: Services, run: Run) -> None:
    """Prices of every listed stock, indices and sectors, then order books and estimates as far as the quota goes.

    Followed stocks go first, then the largest; what is left out has its turn when somebody asks.
    """
    if not _open_for(services, run):
        return
    services, paper = _collecting(services), services.settings.kis.paper
    codes = [stock.code for stock in await listed_stocks(services)]
    followed = [stock.code for stock in await followed_stocks(services)]
    run.progress(total=len(codes))
    swept, kept = False, 0
    if not paper:
        swept = await _sweep(services, run, codes)
        kept += await _keep(
            services, run, indices.ask_now(services, (*indices.MAIN, *indices.SECTORS)), indices.store_now
        )
        if followed:
            kept += await _keep(services, run, books.ask_estimates(services, followed), books.keep_estimates)
    first = codes[: max(len(followed), int(services.settings.kis.rate * _BOOK_SHARE))]
    for start in range(0, len(first), _BOOKS_AT_ONCE):
        some = first[start : start + _BOOKS_AT_ONCE]
        kept += await _keep(services, run, books.ask_books(services, some), books.store_books)
    if not swept:
        run.progress(done=kept)


async def _keep(
    services: Services,
    run: Run,
    asking: Awaitable[Answers[T]],
    store: Callable[[Services, AsyncConnection, Answers[T]], Awaitable[object]],
) -> int:
    """Store the answers; how many came. A source that fails altogether is counted, and the next one follows."""
    try:
        answers = await asking
    except StockPilotError as error:
        run.progress(failed=1)
        run.warn(f"{type(error).__name__}: {error}")
        return 0
    async with run.begin() as conn:
        await store(services, conn, answers)
    _note_failures(run, answers)
    return len(answers.found)


async def collect_overtime(services: Services, run: Run) -> None:
    """What was traded after the close, once that has ended: at 18:00 until 2026-09-11, at 20:05 since 2026-09-14."""
    day = services.calendar.latest_session(run.slot)
    hours = hours_on(day)
    ended = kst(day, hours.after_hours[1]) + (services.calendar.closes(day) - kst(day, hours.close))
    if not _has_key(services, run) or not ended <= run.slot < ended + timedelta(hours=1):
        return
    services = _collecting(services)
    await each_batch(
        services,
        run,
        lambda codes: overtime.ask(services, codes, day=day),
        lambda conn, answers: overtime.store(services, conn, answers),
    )


async def collect_index_daily(services: Services, run: Run) -> None:
    """The closed sessions of indices and sectors."""
    if not _has_key(services, run):
        return
    services = _collecting(services)
    codes = (*indices.MAIN, *indices.SECTORS)
    run.progress(total=len(codes))
    answers = await indices.ask_daily(services, codes)
    async with run.begin(done=len(answers.found)) as conn:
        await indices.store_daily(services, conn, answers)
    _note_failures(run, answers)


async def collect_product_info(services: Services, run: Run) -> None:
    """What every listed issue is, as the broker keeps it."""
    if not _has_key(services, run, paper_too=False):
        return
    services = _collecting(services)
    await each_batch(
        services,
        run,
        lambda codes: companies.ask_products(services, codes),
        lambda conn, answers: companies.store_products(services, conn, answers),
    )


async def collect_financials(services: Services, run: Run) -> None:
    """The financial ratios of every listed company."""
    if not _has_key(services, run, paper_too=False):
        return
    services = _collecting(services)
    await each_batch(
        services,
        run,
        lambda codes: companies.ask_ratios(services, codes),
        lambda conn, answers: companies.store_ratios(services, conn, answers),
    )


async def refresh_calendar(services: Services, run: Run) -> None:
    """The exchange's own calendar of the next weeks, which corrects ours."""
    if not _has_key(services, run, paper_too=False):
        return
    wrong = await refresh_sessions(services, begin=run.begin)
    run.progress(done=1)
    if wrong:
        run.warn(f"{wrong} days of our calendar were not as the exchange has them")


async def collect_minute_bars(services: Services, run: Run) -> None:
    """The minute that ended with the slot: sampled for every listed stock, true for followed ones and some in turn.

    Whoever watches a price that has moved is told before the true minutes are asked for.
    """
    if not _open_for(services, run, lag=MINUTE):
        return
    services = _collecting(services)
    stocks = await listed_stocks(services)
    run.progress(total=len(stocks))
    swept = False
    if not services.settings.kis.paper:  # a paper key has no service for many stocks
        swept = await _sweep(services, run, [stock.code for stock in stocks], slot=run.slot)
    await tell_at_once(services, run, [PersonalKind.PRICE])
    found = await _true_minutes(services, run, stocks)
    if not swept:
        run.progress(done=found)


async def _sweep(services: Services, run: Run, codes: Sequence[str], *, slot: datetime | None = None) -> bool:
    """Sweep, and count what was priced. A sweep that fails is counted and noted, and what follows it goes on."""
    try:
        swept = await sweep(services, codes, run.begin, slot=slot)
    except Fenced:
        raise
    except StockPilotError as error:
        run.progress(failed=len(codes))
        run.warn(f"{type(error).__name__}: {error}")
        return False
    run.progress(done=swept.priced)
    return True


async def _true_minutes(services: Services, run: Run, stocks: Sequence[Stock]) -> int:
    """Collect the true minutes of those whose turn it is; of how many stocks they came."""
    until = minutes.last_ended(min(run.slot, services.clock.now()))
    day = kst_date(until)
    async with services.db.read() as conn:
        covered = await covered_until(conn, day)
    followed = {stock.code for stock in await followed_stocks(services)}
    rest = [stock.code for stock in stocks if stock.code not in followed]
    codes = [*sorted(followed), *minutes.in_turn(rest, covered, minutes.share_a_minute(len(rest)))]
    calls = int(services.settings.kis.rate * _MINUTE_SHARE)
    codes = minutes.within_calls(codes, covered, opens=services.calendar.opens(day), until=until, calls=calls)
    try:
        answers = await minutes.ask_running(services, codes, until=until, covered=covered)
    except StockPilotError as error:
        run.progress(failed=len(codes))
        run.warn(f"{type(error).__name__}: {error}")
        return 0
    async with run.begin() as conn:
        await minutes.store(services, conn, answers, until=until, covered=covered)
    _note_failures(run, answers)
    return len(answers.found)


async def repair_minute_bars(services: Services, run: Run) -> None:
    """The whole session's true minutes of every listed stock that lacks some."""
    if not _has_key(services, run):
        return
    services = _collecting(services)
    day = services.calendar.last_closed_session(run.slot)
    opens, closes = services.calendar.opens(day), services.calendar.closes(day)
    async with services.db.read() as conn:
        covered = await covered_until(conn, day)

    async def ask(codes: Sequence[str]) -> Answers[MinuteChart]:
        return await minutes.ask_whole(
            services, [code for code in codes if covered.get(code, opens) <= closes], day=day
        )

    async def store(conn: AsyncConnection, answers: Answers[MinuteChart]) -> None:
        await minutes.store(services, conn, answers, until=closes, covered={})

    await each_batch(services, run, ask, store)


async def collect_investor_trends(services: Services, run: Run) -> None:
    """What each group of investors bought net of every listed stock, followed ones first."""
    if not _has_key(services, run):
        return
    services = _collecting(services)
    await each_batch(services, run, lambda codes: flows.ask(services, codes), flows.store(services))


async def listed_stocks(services: Services) -> list[Stock]:
    """Every listed stock: followed ones first, those with priority before the others; then by value, largest first."""
    followed = {stock.code for stock in await followed_stocks(services)}
    async with services.db.read() as conn:
        stocks = [stock for stock in await list_stocks(conn) if stock.active]
    return sorted(
        stocks, key=lambda stock: (stock.code not in followed, -stock.priority, -(stock.market_cap or 0), stock.code)
    )


async def each_batch(
    services: Services,
    run: Run,
    ask: Callable[[Sequence[str]], Awaitable[Answers[T]]],
    store: Callable[[AsyncConnection, Answers[T]], Awaitable[object]],
) -> None:
    """Ask about every listed stock, `BATCH` at once, and store what came in the transaction of the checkpoint.

    The order of stocks may change between two attempts, so the checkpoint holds the codes that are done.
    """
    done = set(run.checkpoint.get("done", ()))
    codes = [stock.code for stock in await listed_stocks(services) if stock.code not in done]
    run.progress(total=len(codes) + len(done))
    for start in range(0, len(codes), BATCH):
        batch = codes[start : start + BATCH]
        try:
            answers = await ask(batch)
        except Fenced:
            raise
        except StockPilotError as error:
            run.progress(failed=len(batch))
            run.warn(f"{batch[0]} to {batch[-1]}: {type(error).__name__}: {error}")
            continue
        done |= set(batch) - answers.failed.keys()
        async with run.begin(checkpoint={"done": sorted(done)}, done=len(answers.found)) as conn:
            await store(conn, answers)
        _note_failures(run, answers)


def _note_failures(run: Run, answers: Answers[T]) -> None:
    run.progress(failed=len(answers.failed))
    for code, failure in answers.failed.items():
        run.warn(f"{code}: {type(failure).__name__}: {failure}")


def _collecting(services: Services) -> Services:
    """The services with a KIS client whose calls leave after the questions of people."""
    return replace(services, kis=services.kis.collecting)


def _open_for(services: Services, run: Run, *, lag: timedelta = timedelta()) -> bool:
    """Whether the slot lies within the session's regular hours, or up to `lag` after them, and there is a key.

    A missing key is noted.
    """
    if not _has_key(services, run):
        return False
    calendar, slot = services.calendar, run.slot
    day = calendar.latest_session(slot)
    return calendar.opens(day) < slot <= calendar.closes(day) + lag


def _has_key(services: Services, run: Run, *, paper_too: bool = True) -> bool:
    """Whether there is a key, and one that this is served to; what is missing is noted."""
    if not services.kis.configured:
        run.warn("KIS is not configured")
        return False
    if services.settings.kis.paper and not paper_too:
        run.warn("KIS does not serve this to a paper key")
        return False
    return True
