"""Finding events: what came lately about watched stocks, kind by kind, nothing older than its kind's lifetime."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from core.alerts import queries
from core.alerts.event import Event
from core.alerts.rules import (
    USUAL_OVER,
    extreme_of,
    flow_of,
    might_be_extreme,
    part_passed,
    rebased,
    steps_of,
    surge_of,
)
from core.chats.subscriptions import PersonalKind
from core.clock import kst_date
from core.delivery.alert import LIFETIMES, AlertKind, Facts
from core.disclosures.filing import Weight
from core.disclosures.queries import get_disclosure, issuer_codes, ties_of
from core.kis.investors import NetTrading
from core.market.bar import Quote, adjusted
from core.market.flow_queries import flows_known
from core.market.queries import last_bars, stored_quotes
from core.prediction.signals import STREAK
from core.services import Services

RELEVANT: Final = 0.6
"""Stories that are less about a stock than this are not told: it is named in the title, or early and more than once."""

STORIES_AN_HOUR: Final = 2
"""Stories told of one stock in an hour; the most relevant go first, the others are counted."""

WORTH: Final = (Weight.MATERIAL, Weight.NOTABLE)
"""Filings that are told. Routine ones are many, and nearly never news."""

_BARS: Final = 260


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What is looked at: watched stocks by code with their names, at an instant."""

    services: Services
    conn: AsyncConnection
    watched: Mapping[str, str]
    now: datetime

    def since(self, kind: AlertKind) -> datetime:
        """The instant before which nothing of a kind is worth telling any more."""
        return self.now - LIFETIMES[kind]

    @property
    def session(self) -> date:
        """The newest session that has opened."""
        return self.services.calendar.latest_session(self.now)

    async def quotes(self) -> list[Quote]:
        """Fresh quotes of the newest session."""
        opens = self.services.calendar.opens(self.session)
        since = max(opens, self.since(AlertKind.PRICE_MOVED))
        quotes = await stored_quotes(self.conn, list(self.watched))
        return [quote for _, quote in sorted(quotes.items()) if quote.at >= since and quote.volume > 0]


Find = Callable[[Look], Awaitable[list[Event]]]


async def reports(look: Look) -> list[Event]:
    """New scheduled reports; of several about one stock only the newest is told."""
    found = await queries.new_reports(look.conn, list(look.watched), since=look.since(AlertKind.REPORT_MADE))
    newest = {report.code: report.id for report in found}
    return [
        Event(
            topic=PersonalKind.REPORT,
            kind=AlertKind.REPORT_MADE,
            key=f"report:{report.id}",
            code=report.code,
            at=report.made_at,
            told=report.id == newest[report.code],
            facts={
                "name": look.watched[report.code],
                "verdict": report.verdict,
                "before": report.before,
                "confidence": report.confidence,
                "price": report.base_price,
                "target": report.target,
            },
        )
        for report in found
    ]


async def stories(look: Look) -> list[Event]:
    """New stories, each told once to a person however many presses carry it and stocks it names."""
    since = look.since(AlertKind.STORY)
    found = await queries.new_stories(look.conn, list(look.watched), since=since, floor=RELEVANT)
    told = await queries.told_since(look.conn, PersonalKind.NEWS, look.now - timedelta(hours=1))
    by_code: defaultdict[str, list[queries.NewStory]] = defaultdict(list)
    for story in found:
        by_code[story.code].append(story)
    events: list[Event] = []
    for code, new in sorted(by_code.items()):
        room = max(STORIES_AN_HOUR - told.get(code, 0), 0)
        over = len(new) - min(len(new), room)
        for place, story in enumerate(new):
            about: Facts = {"article": story.story, "title": story.title, "press": story.press, "url": story.url}
            event = Event(
                topic=PersonalKind.NEWS,
                kind=AlertKind.STORY,
                key=f"news:{story.story}:{code}",
                alert_key=f"news:{story.story}",
                code=code,
                at=story.first_seen_at,
                facts={
                    "name": look.watched[code],
                    **about,
                    "published_at": story.published_at.isoformat(),
                    "more": over if place == 0 else 0,
                },
            )
            events.append(event if place < room else event.passed_over())
    return events


async def filings(look: Look) -> list[Event]:
    """New filings that mean something, of the company or, for a preferred share, of the common one's."""
    since = look.since(AlertKind.FILING)
    watchers_of: defaultdict[str, list[str]] = defaultdict(list)
    for code in look.watched:
        for issuer in issuer_codes(code):
            watchers_of[issuer].append(code)
    numbers = await queries.new_filings(
        look.conn, list(watchers_of), since=since, since_day=kst_date(since), weights=[str(each) for each in WORTH]
    )
    found = [each for number in numbers if (each := await get_disclosure(look.conn, number, as_of=look.now))]
    ties = await ties_of(look.conn, found, as_of=look.now)
    events = []
    for filing in found:
        assert filing.code is not None
        tie = ties[filing.id].corrects
        original = tie.original if tie else None
        events.append(
            Event(
                topic=PersonalKind.DISCLOSURE,
                kind=AlertKind.FILING,
                key=f"disclosure:{filing.receipt}",
                code=filing.code,
                at=filing.first_seen_at,
                watchers_of=tuple(sorted(watchers_of[filing.code])),
                facts={
                    "name": look.watched.get(filing.code, filing.company),
                    "filing": filing.id,
                    "title": filing.name,
                    "kind": filing.kind,
                    "weight": filing.weight,
                    "url": filing.url,
                    "day": filing.filed_on.isoformat(),
                    "filed_at": filing.filed_at.isoformat() if filing.filed_at else None,
                    "correction": filing.correction,
                    "original": original.name if original else None,
                    "original_day": original.filed_on.isoformat() if original else None,
                    "original_url": original.url if original else None,
                },
            )
        )
    return events


async def prices(look: Look) -> list[Event]:
    """Steps a price has reached since the previous close, each once a session; of several at once the largest."""
    events = []
    for quote in await look.quotes():
        reached = steps_of(quote.price, quote.change)
        for step in reached:
            event = Event(
                topic=PersonalKind.PRICE,
                kind=AlertKind.PRICE_MOVED,
                key=f"price:{quote.code}:{look.session}:{step:+d}",
                code=quote.code,
                at=quote.at,
                facts={"name": look.watched[quote.code], "step": step, **_priced(quote), "change": quote.change},
            )
            events.append(event if step == reached[-1] else event.passed_over())
    return events


async def volumes(look: Look) -> list[Event]:
    """Volumes of a multiple of what is usual by that time of the session, once a session."""
    calendar, quotes = look.services.calendar, await look.quotes()
    usual = await queries.usual_volumes(look.conn, [quote.code for quote in quotes], before=look.session)
    opens, closes = calendar.opens(look.session), calendar.closes(look.session)
    events = []
    for quote in quotes:
        known = usual.get(quote.code)
        if known is None or rebased(quote, known.last_close):
            continue
        ratio = surge_of(quote.volume, known.volume, part_passed(quote.at, opens, closes))
        if ratio is not None:
            events.append(
                Event(
                    topic=PersonalKind.VOLUME,
                    kind=AlertKind.VOLUME_SURGED,
                    key=volume_key(quote.code, look.session),
                    code=quote.code,
                    at=quote.at,
                    facts={
                        "name": look.watched[quote.code],
                        "ratio": ratio,
                        "volume": quote.volume,
                        **_priced(quote),
                    },
                )
            )
    return events


async def extremes(look: Look) -> list[Event]:
    """Prices outside their range of the 52 weeks before, each side once a session."""
    day = look.session
    quotes = {quote.code: quote for quote in await look.quotes() if might_be_extreme(quote)}
    keys = {extreme_key(code, day, side): code for code in quotes for side in ("high", "low")}
    known = await queries.remembered(look.conn, keys)
    codes = sorted({code for key, code in keys.items() if key not in known})
    bars = await last_bars(look.conn, codes, count=_BARS) if codes else {}
    events = []
    for code, rows in bars.items():
        before = adjusted([bar for bar in rows if bar.day < day])
        if not before or rebased(quotes[code], before[-1].close):
            continue
        if (found := extreme_of(quotes[code], before, day)) is None:
            continue
        side, price, stood = found
        events.append(
            Event(
                topic=PersonalKind.HIGH_LOW,
                kind=AlertKind.HIGH_LOW,
                key=extreme_key(code, day, side),
                code=code,
                at=quotes[code].at,
                facts={
                    "name": look.watched[code],
                    "day": day.isoformat(),
                    "side": side,
                    "extreme": price,
                    "before": stood,
                    **_priced(quotes[code]),
                },
            )
        )
    return events


async def flows(look: Look) -> list[Event]:
    """What foreigners and institutions bought net of a stock in the last closed session, where it is unusual."""
    day = look.services.calendar.last_closed_session(look.now)
    since = look.since(AlertKind.FLOW_UNUSUAL)
    seen = await queries.codes_with_flows(look.conn, list(look.watched), day=day, since=since)
    known = await flows_known(look.conn, list(seen), as_of=look.now, sessions=USUAL_OVER + 1) if seen else {}
    events = []
    for code, days in sorted(known.items()):
        if days[-1].day != day or (found := flow_of(days)) is None:
            continue
        streak, ratio = found
        last = days[-1]
        events.append(
            Event(
                topic=PersonalKind.FLOW,
                kind=AlertKind.FLOW_UNUSUAL,
                key=flow_key(code, day),
                code=code,
                at=seen[code],
                facts={
                    "name": look.watched[code],
                    "day": day.isoformat(),
                    "streak": streak,
                    "streak_net": sum(_net(day) for day in days[-STREAK:]) if streak else None,
                    "net": _net(last),
                    "foreigners": last.foreign_value,
                    "institutions": last.institution_value,
                    "ratio": ratio,
                },
            )
        )
    return events


def volume_key(code: str, day: date) -> str:
    """What is told once of a stock's volume in a session."""
    return f"volume:{code}:{day}"


def extreme_key(code: str, day: date, side: str) -> str:
    """What is told once of a stock's range in a session."""
    return f"high_low:{code}:{day}:{side}"


def flow_key(code: str, day: date) -> str:
    """What is told once of who bought a stock in a session."""
    return f"flow:{code}:{day}"


FINDERS: Final[Mapping[PersonalKind, Find]] = {
    PersonalKind.DISCLOSURE: filings,
    PersonalKind.PRICE: prices,
    PersonalKind.VOLUME: volumes,
    PersonalKind.HIGH_LOW: extremes,
    PersonalKind.FLOW: flows,
    PersonalKind.NEWS: stories,
    PersonalKind.REPORT: reports,
}
"""How events of each kind are found. Signals are told by those who find them, briefs are made for each person."""


def _net(day: NetTrading) -> int:
    return day.foreign_value + day.institution_value


def _priced(quote: Quote) -> dict[str, str | int | float | None]:
    return {"price": quote.price, "change_percent": quote.change_percent}


def only(events: Sequence[Event], new: set[str]) -> list[Event]:
    """Those of `events` to be told: new ones that were not passed over."""
    return [event for event in events if event.told and event.key in new]
