"""A brief: what a person is told of their own stocks at a time of the day. Pure: from what is known to what is said.

Nothing is guessed. What is not known is None or missing from a list, and the views say so; every block has its time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from pydantic import TypeAdapter

from core.clock import kst, kst_date
from core.disclosures.filing import Weight
from core.prediction.forecast import Direction

T = TypeVar("T")


class Slot(StrEnum):
    """The times of the day a brief is told at."""

    MORNING = "morning"
    NOON = "noon"
    CLOSE = "close"


TIMES: Final[Mapping[Slot, time]] = {Slot.MORNING: time(8), Slot.NOON: time(12), Slot.CLOSE: time(16)}
"""When each is told, in Seoul."""

MOST_STOCKS: Final = 6
"""Stocks whose prices are written out: half of them those that rose most, half those that fell most."""
MOST_LINKS: Final = 3
MOST_REPORTS: Final = 3
MOST_SCORED: Final = 3
MOST_FLOWS: Final = 2
OLDEST: Final = timedelta(hours=3)
"""How long before somebody's last brief what is told as new may be from. What was found still later is no news, least
of all on the first day, when everything is seen for the first time."""
LONGEST_TITLE: Final = 60
LONGEST_NAME: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """A stock as it stood at `at` (aware UTC): won, and percent since the close before."""

    code: str
    name: str
    price: int
    change_percent: float
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """An index as it stood at `at` (aware UTC)."""

    code: str
    level: float
    change_percent: float
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Filed:
    """A filing of a watched stock's company; `filed_at` is its minute, where that is known. Texts are from outside."""

    id: int
    stock: str
    name: str
    url: str
    kind: str
    weight: Weight
    filed_on: date
    filed_at: datetime | None
    seen_at: datetime

    def new_since(self, since: datetime) -> bool:
        """Whether it was first seen after this instant, and not filed long before it."""
        of_late = self.filed_at > since - OLDEST if self.filed_at else self.filed_on >= kst_date(since - OLDEST)
        return self.seen_at > since and of_late


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """A story about watched stocks: its first article, and how many presses told it. Texts are from outside."""

    id: int
    stock: str
    title: str
    url: str
    press: str
    presses: int
    relevance: float
    published_at: datetime
    seen_at: datetime

    def new_since(self, since: datetime) -> bool:
        """Whether it was first seen after this instant, and not published long before it."""
        return self.seen_at > since and self.published_at > since - OLDEST


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """The verdict of a stock's newest report, which looks five sessions ahead; `confidence` is in [0, 1]."""

    code: str
    name: str
    verdict: Direction
    confidence: float
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A call that a report led with and that was scored: what was said of `sessions` sessions, and what came."""

    name: str
    sessions: int
    closed_on: date
    called: Direction
    actual: Direction
    return_percent: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """Net buying of a stock in today's session: won of the whole session, or shares by the estimate of a moment.

    `worth` is about how much won was moved either way, whatever the figures are in.
    """

    name: str
    foreigners: int
    institutions: int
    worth: int
    estimated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Today:
    """The day of a brief: its session, if there is one, and when reports are due in it.

    `at` is when it was composed, and `last_close` when the newest closed session had ended by then. Filings and news
    were read at `filings_at` and `news_at` last, None where they never were.
    """

    slot: Slot
    day: date
    at: datetime
    last_close: datetime
    next_session: date
    opens: datetime | None = None
    closes: datetime | None = None
    reports_at: tuple[datetime, ...] = ()
    filings_at: datetime | None = None
    news_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is known of all the stocks anybody watches, each by its code, as of `today.at`.

    `filings` and `stories` may be of a whole day: a person is told of those since their last brief. `flows`, `reports`
    and `scored` are those of the day.
    """

    today: Today
    names: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)
    indices: tuple[Index, ...] = ()
    filings: Mapping[str, Sequence[Filed]] = field(default_factory=dict)
    stories: Mapping[str, Sequence[Story]] = field(default_factory=dict)
    flows: Mapping[str, Flow] = field(default_factory=dict)
    reports: Mapping[str, Reported] = field(default_factory=dict)
    scored: Mapping[str, Sequence[Scored]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Brief:
    """What one person is told. `since` is when their last brief was due.

    `prices` are some of the newest day that prices are known of, the best first; `rising`, `unmoved` and `falling`
    count all of that day, `older` those known from an earlier day alone, and of `watched` stocks the rest has none.
    Of filings, stories, reports and calls the weightiest are listed and all are counted.
    """

    today: Today
    since: datetime
    watched: int
    prices: tuple[Price, ...] = ()
    rising: int = 0
    unmoved: int = 0
    falling: int = 0
    older: int = 0
    indices: tuple[Index, ...] = ()
    filings: tuple[Filed, ...] = ()
    filed: int = 0
    stories: tuple[Story, ...] = ()
    told: int = 0
    flows: tuple[Flow, ...] = ()
    reports: tuple[Reported, ...] = ()
    reported: int = 0
    scored: tuple[Scored, ...] = ()
    calls: int = 0
    hits: int = 0

    @property
    def priced(self) -> int:
        """Of how many watched stocks the price of the newest day is known."""
        return self.rising + self.unmoved + self.falling

    @property
    def unpriced(self) -> int:
        """Of how many watched stocks no price is known at all."""
        return self.watched - self.priced - self.older


WRITTEN: Final = TypeAdapter(Brief)
"""How a brief is kept in the facts of an alert: as JSON."""


def due_since(slot: Slot, day: date, chosen: Collection[Slot]) -> datetime:
    """When the brief before this one was due, for a person who chose these: what came since then is new to them."""
    here = kst(day, TIMES[slot])
    days = (day, day - timedelta(days=1))
    earlier = [at for each in {*chosen, slot} for on in days if (at := kst(on, TIMES[each])) < here]
    return max(earlier)


def slot_of(text: str) -> Slot | None:
    """The brief told at a time of the day as people write it (`08:00`, `8`, `16시`), None where none is."""
    hour = re.fullmatch(r"([01]?[0-9])(?::00|시)?", text.strip())
    return next((slot for slot, at in TIMES.items() if hour and at.hour == int(hour[1])), None)


def slot_at(at: datetime) -> tuple[date, Slot]:
    """The newest brief that is due at an instant: its day in Seoul, and which one it is."""
    today = kst_date(at)
    due = ((kst(day, TIMES[slot]), day, slot) for day in (today, today - timedelta(days=1)) for slot in Slot)
    _, day, slot = max((each for each in due if each[0] <= at), key=lambda each: each[0])
    return day, slot


def compose(known: Known, codes: Sequence[str], chosen: Collection[Slot]) -> Brief | None:
    """What somebody who watches `codes` and chose these briefs is told; None when there is nothing to tell.

    On a day without a session only filings and stories are worth a brief.
    """
    today, codes = known.today, [code for code in codes if code in known.names]
    since = due_since(today.slot, today.day, chosen)
    filings = {filing.id: filing for filing in _of(known.filings, codes) if filing.new_since(since)}
    found = sorted(_of(known.stories, codes), key=_relevance)
    stories = {story.id: story for story in found if story.new_since(since)}
    brief = Brief(
        today=today,
        since=since,
        watched=len(codes),
        filings=tuple(sorted(filings.values(), key=_filing_rank)[:MOST_LINKS]),
        filed=len(filings),
        stories=tuple(sorted(stories.values(), key=_story_rank)[:MOST_LINKS]),
        told=len(stories),
    )
    if today.opens is not None:
        brief = _with_prices(brief, known, codes)
    if today.opens is not None and today.slot is Slot.CLOSE:
        brief = _with_results(brief, known, codes)
    worth_it = brief.filed or brief.told or brief.priced or brief.reported or brief.calls
    return brief if worth_it else None


def _with_prices(brief: Brief, known: Known, codes: Sequence[str]) -> Brief:
    prices = [price for code in codes if (price := known.prices.get(code))]
    newest = max((kst_date(price.at) for price in prices), default=None)
    of_day = sorted((price for price in prices if kst_date(price.at) == newest), key=_performance)
    return replace(
        brief,
        prices=_both_ends(of_day),
        rising=sum(price.change_percent > 0 for price in of_day),
        unmoved=sum(price.change_percent == 0 for price in of_day),
        falling=sum(price.change_percent < 0 for price in of_day),
        older=len(prices) - len(of_day),
        indices=known.indices,
    )


def _with_results(brief: Brief, known: Known, codes: Sequence[str]) -> Brief:
    """The brief with what the session came to: who bought, what reports say of it, which calls came true."""
    flows = [flow for code in codes if (flow := known.flows.get(code))]
    reports = [report for code in codes if (report := known.reports.get(code))]
    scored = sorted(_of(known.scored, codes), key=lambda call: abs(call.return_percent))
    largest = list({call.name: call for call in scored}.values())[::-1]
    return replace(
        brief,
        flows=tuple(sorted(flows, key=lambda flow: -flow.worth)[:MOST_FLOWS]),
        reports=tuple(sorted(reports, key=_report_rank)[:MOST_REPORTS]),
        reported=len(reports),
        scored=tuple(largest[:MOST_SCORED]),
        calls=len(scored),
        hits=sum(call.called is call.actual for call in scored),
    )


def _of(listed: Mapping[str, Sequence[T]], codes: Iterable[str]) -> Iterable[T]:
    return (each for code in codes for each in listed.get(code, ()))


def _both_ends(best_first: Sequence[Price]) -> tuple[Price, ...]:
    if len(best_first) <= MOST_STOCKS:
        return tuple(best_first)
    return (*best_first[: MOST_STOCKS - MOST_STOCKS // 2], *best_first[-(MOST_STOCKS // 2) :])


def _performance(price: Price) -> tuple[float, str]:
    return -price.change_percent, price.code


def _relevance(story: Story) -> float:
    return story.relevance


def _filing_rank(filing: Filed) -> tuple[int, float, int]:
    return list(Weight).index(filing.weight), -filing.seen_at.timestamp(), -filing.id


def _story_rank(story: Story) -> tuple[float, float, int]:
    return -story.presses * story.relevance, -story.seen_at.timestamp(), -story.id


def _report_rank(report: Reported) -> tuple[bool, float, str]:
    return report.verdict is Direction.FLAT, -report.confidence, report.code
