"""What is known of a few stocks, for the tests of briefs."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from core.briefs.brief import TIMES, Filed, Flow, Index, Known, Price, Reported, Scored, Slot, Story, Today
from core.clock import Calendar, kst, kst_date
from core.disclosures.filing import Weight
from core.prediction.forecast import Direction

CALENDAR = Calendar()
FRIDAY, SATURDAY = date(2026, 2, 20), date(2026, 2, 21)
ALL = frozenset(Slot)


def today(slot: Slot = Slot.CLOSE, day: date = FRIDAY, **changes: Any) -> Today:
    """A day as a brief at its own time knows it."""
    at = kst(day, TIMES[slot])
    session = CALENDAR.is_session(day)
    values: dict[str, Any] = {
        "slot": slot,
        "day": day,
        "at": at,
        "last_close": CALENDAR.closes(CALENDAR.last_closed_session(at)),
        "next_session": CALENDAR.next_session(day),
        "opens": CALENDAR.opens(day) if session else None,
        "closes": CALENDAR.closes(day) if session else None,
        "reports_at": tuple(kst(day, each) for each in (time(10), time(13), time(15, 45))) if session else (),
        "filings_at": at - timedelta(minutes=5),
        "news_at": at - timedelta(minutes=10),
    }
    return Today(**values | changes)


def price(number: int, percent: float, at: datetime | None = None) -> Price:
    """A stock that moved so much; of Friday's close unless `at` says otherwise."""
    code = f"{number:06d}"
    at = at or CALENDAR.closes(FRIDAY)
    return Price(code=code, name=f"Corp{number}", price=10_000 + number, change_percent=percent, at=at)


def filed(number: int, weight: Weight = Weight.MATERIAL, **changes: Any) -> Filed:
    """A filing seen on Friday at 15:00 unless told otherwise, and filed that day."""
    seen_at = changes.get("seen_at", kst(FRIDAY, time(15)))
    values: dict[str, Any] = {
        "id": number,
        "stock": "Corp1",
        "name": f"Filing {number}",
        "url": f"https://dart.fss.or.kr/dsaf001/main.do?rcpNo=2026022000{number:04d}",
        "kind": "other",
        "filed_on": kst_date(seen_at),
        "filed_at": None,
        "weight": weight,
        "seen_at": seen_at,
    }
    return Filed(**values | changes)


def story(number: int, presses: int = 1, **changes: Any) -> Story:
    """A story seen on Friday at 15:00 unless told otherwise, ten minutes after it was published."""
    seen_at = changes.get("seen_at", kst(FRIDAY, time(15)))
    values: dict[str, Any] = {
        "id": number,
        "stock": "Corp1",
        "title": f"Corp1 news {number}",
        "url": f"https://n.news.naver.com/article/001/{number:010d}",
        "press": "한국경제",
        "presses": presses,
        "relevance": 0.9,
        "published_at": seen_at - timedelta(minutes=10),
        "seen_at": seen_at,
    }
    return Story(**values | changes)


def reported(number: int, verdict: Direction = Direction.UP, confidence: float = 0.6) -> Reported:
    """The verdict of a report made on Friday at 15:50."""
    return Reported(
        code=f"{number:06d}",
        name=f"Corp{number}",
        verdict=verdict,
        confidence=confidence,
        at=kst(FRIDAY, time(15, 50)),
    )


def scored(number: int, called: Direction, actual: Direction, percent: float) -> Scored:
    """A call of one session that Thursday's close decided."""
    return Scored(
        name=f"Corp{number}",
        sessions=1,
        closed_on=date(2026, 2, 19),
        called=called,
        actual=actual,
        return_percent=percent,
    )


INDICES = (
    Index(code="0001", level=2_807.63, change_percent=0.37, at=CALENDAR.closes(FRIDAY)),
    Index(code="1001", level=857.51, change_percent=-0.49, at=CALENDAR.closes(FRIDAY)),
)


def known(day: Today, prices: list[Price], **changes: Any) -> Known:
    """What is known of the stocks with these prices."""
    values: dict[str, Any] = {
        "today": day,
        "names": {each.code: each.name for each in prices},
        "prices": {each.code: each for each in prices},
        "indices": INDICES,
    }
    return Known(**values | changes)


def whole(slot: Slot = Slot.CLOSE) -> Known:
    """Everything a brief can say, of ten stocks."""
    moves = (5.21, 2.4, 1.13, 0.42, 0.0, -0.31, -0.98, -1.52, -2.75, -7.4)
    at = {Slot.MORNING: CALENDAR.closes(date(2026, 2, 19)), Slot.NOON: kst(FRIDAY, time(11, 59))}.get(slot)
    prices = [price(number, move, at) for number, move in enumerate(moves, start=1)]
    seen: Any = {"seen_at": kst(FRIDAY, TIMES[slot]) - timedelta(minutes=30)}
    return known(
        today(slot),
        prices,
        filings={
            "000001": [
                filed(1, **seen),
                filed(2, Weight.NOTABLE, kind="treasury_buy", **seen),
                filed(3, Weight.ROUTINE, **seen),
                filed(4, Weight.ROUTINE, **seen),
            ]
        },
        stories={"000001": [story(number, presses=number, **seen) for number in range(1, 6)]},
        flows={
            "000001": Flow(
                name="Corp1", foreigners=120_300_000_000, institutions=-8_000_000_000, worth=128_300_000_000
            ),
            "000002": Flow(name="Corp2", foreigners=-3_300_000_000, institutions=0, worth=3_300_000_000),
        },
        reports={f"{number:06d}": reported(number) for number in range(1, 8)},
        scored={
            "000001": [scored(1, Direction.UP, Direction.UP, 2.1), scored(1, Direction.UP, Direction.FLAT, 0.1)],
            "000002": [scored(2, Direction.FLAT, Direction.DOWN, -3.0)],
        },
    )
