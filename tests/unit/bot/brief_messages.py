"""Briefs and settings, for the tests of views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from bot.texts import Texts
from bot.views import briefs, settings
from bot.views.message import Message
from core.briefs.brief import Brief, Known, Slot, compose
from core.briefs.preferences import Preferences
from core.chats.subscriptions import Mode
from core.disclosures.filing import Weight
from tests.unit.bot.builders import NOW, make_member
from tests.unit.core.briefs.builders import (
    ALL,
    CALENDAR,
    FRIDAY,
    SATURDAY,
    filed,
    known,
    price,
    story,
    today,
    whole,
)


def composed(of: Known) -> Brief:
    """What somebody who watches all of it and chose every brief is told."""
    brief = compose(of, list(of.names), ALL)
    assert brief is not None
    return brief


def brief_messages(words: Texts, evil: str) -> Iterator[tuple[str, Message]]:
    """Every shape of a brief and of the settings, by name."""
    for slot in Slot:
        yield f"brief {slot}", _shown(composed(whole(slot)), words)
    told = composed(whole(Slot.CLOSE))
    yield "brief told again", briefs.shown(told, told.today.at + timedelta(days=1), words, repeated=True)
    yield "brief evil", _shown(composed(_hostile(evil)), words)
    bare = known(today(filings_at=None, news_at=None), [price(1, 0.0)], indices=())
    yield "brief of what is hardly known", _shown(composed(bare), words)
    stale = price(1, 1.0, CALENDAR.closes(date(2026, 2, 12)))
    before = known(today(Slot.NOON), [stale, price(2, 1.0, CALENDAR.closes(date(2026, 2, 19)))])
    yield "brief without a price of today", _shown(composed(replace(before, names={**before.names, "9": "Z"})), words)
    seen = today(Slot.MORNING, SATURDAY).at - timedelta(hours=1)
    closed = known(today(Slot.MORNING, SATURDAY), [price(1, 1.0)], stories={"000001": [story(1, seen_at=seen)]})
    yield "brief of a closed day", _shown(composed(closed), words)
    unread = today(news_at=today().at - timedelta(days=2))
    yield "brief without news", _shown(composed(known(unread, [price(1, 1.0)])), words)
    member = make_member(words.language, watched=("005930",))
    chosen = Preferences(zone="Asia/Seoul", briefs=frozenset(Slot), mode=Mode.ON)
    yield "settings", settings.settings(chosen, member, NOW, words)
    for name, changed in (
        ("abroad", replace(chosen, zone="America/Argentina/ComodRivadavia", briefs=frozenset({Slot.NOON}))),
        ("without briefs", replace(chosen, briefs=frozenset())),
        ("silent", replace(chosen, mode=Mode.SILENT)),
        ("off", replace(chosen, mode=Mode.OFF)),
    ):
        yield f"settings {name}", settings.settings(changed, member, NOW, words)
    yield "settings without stocks", settings.settings(chosen, make_member(words.language), NOW, words)


def _shown(brief: Brief, words: Texts) -> Message:
    return briefs.shown(brief, brief.today.at + timedelta(seconds=20), words)


def _hostile(evil: str) -> Known:
    of = whole(Slot.CLOSE)
    url = 'https://press.example/?a=1&b="2"'
    return replace(
        of,
        names=dict.fromkeys(of.names, evil),
        prices={code: replace(each, name=evil) for code, each in of.prices.items()},
        flows={code: replace(each, name=evil) for code, each in of.flows.items()},
        reports={code: replace(each, name=evil) for code, each in of.reports.items()},
        scored={code: [replace(call, name=evil) for call in calls] for code, calls in of.scored.items()},
        filings={"000001": [filed(1, Weight.ROUTINE, stock=evil, name=evil, url=url, kind=evil)]},
        stories={"000001": [story(1, stock=evil, title=evil, press=evil, url=url)]},
        today=today(Slot.CLOSE, FRIDAY),
    )
