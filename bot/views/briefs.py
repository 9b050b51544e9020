"""A personal brief, on one phone screen."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from babel import Locale
from babel.dates import format_date

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.choices import off_button
from bot.views.disclosure_meanings import MEANINGS
from bot.views.disclosures import MARKS as WEIGHTS
from bot.views.market import NAMES as INDICES
from bot.views.message import Button, Message
from bot.views.reports import MARKS, VERDICTS
from core.briefs.brief import TIMES, WRITTEN, Brief, Slot
from core.chats.member import Language
from core.chats.subscriptions import PersonalKind
from core.clock import KST
from core.delivery.letter import Letter
from core.disclosures.kinds import OTHER

TITLES: Final = {Slot.MORNING: "아침 브리핑", Slot.NOON: "점심 브리핑", Slot.CLOSE: "마감 브리핑"}
SIGNS: Final = {Slot.MORNING: "🌅", Slot.NOON: "🕛", Slot.CLOSE: "🔔"}
CALLS: Final = {"up": "상승", "flat": "보합", "down": "하락"}
MOST_BUTTONS: Final = 2


def brief(letter: Letter, now: datetime, texts: Texts) -> Message:
    """A brief as it was composed, told at `now`; every block says of when it is, in Seoul time."""
    told = WRITTEN.validate_json(str(letter.alert.facts["brief"]))
    return shown(told, now, texts, repeated=letter.repeated)


def shown(told: Brief, now: datetime, texts: Texts, *, repeated: bool = False) -> Message:
    """A brief with buttons to the reports of what moved most, and to the choice of briefs."""
    today = told.today
    newest = max((price.at for price in told.prices), default=None)
    text = texts.render(
        "brief",
        brief=told,
        title=TITLES[today.slot],
        sign=SIGNS[today.slot],
        day=day_named(today.day, texts.language),
        next_session=day_named(today.next_session, texts.language),
        hours=f"{clock(today.opens)}–{clock(today.closes)}" if today.opens and today.closes else "",
        reports_at=[clock(at) for at in today.reports_at if at > today.at],
        closing=newest is not None and newest == today.last_close,
        prices_at=newest,
        waiting=_waiting(told, newest),
        ended=today.closes is not None and today.at >= today.closes,
        others=told.priced - len(told.prices),
        estimated_at=max((flow.estimated_at for flow in told.flows if flow.estimated_at), default=None),
        scored_on=max((call.closed_on for call in told.scored), default=None),
        indices=INDICES,
        weights=WEIGHTS,
        meanings=MEANINGS,
        other=OTHER,
        marks=MARKS,
        verdicts=VERDICTS,
        calls=CALLS,
        repeated=repeated,
        now=now,
        morning=today.slot is Slot.MORNING,
        close=today.slot is Slot.CLOSE,
    )
    largest = sorted(told.prices, key=lambda price: -abs(price.change_percent))[:MOST_BUTTONS]
    buttons = tuple(Button(f"📊 {price.name}", pack("r", price.code)) for price in largest)
    settings = Button(texts("⚙️ 브리핑 설정"), pack("g")), off_button(PersonalKind.BRIEF, texts)
    return Message(text=text, keyboard=(buttons, settings) if buttons else (settings,))


def clock(at: datetime) -> str:
    """The time of day in Seoul."""
    return f"{at.astimezone(KST):%H:%M}"


def slot_time(slot: Slot) -> str:
    """When a brief is told, in Seoul."""
    return f"{TIMES[slot]:%H:%M}"


def day_named(day: date, language: Language) -> str:
    """A day as a reader says it, with its weekday."""
    return format_date(day, Locale.parse(language).datetime_skeletons["MMMEd"].pattern, locale=language)


def _waiting(told: Brief, newest: datetime | None) -> bool:
    """Whether the session has begun and no price of it is known."""
    opens = told.today.opens
    return opens is not None and told.today.at >= opens and (newest is None or newest < opens)
