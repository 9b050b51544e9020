"""What a person set: language, time zone, briefs."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.briefs import TITLES, slot_time
from bot.views.message import Button, Message, rows
from core.briefs.brief import Slot
from core.briefs.preferences import Preferences
from core.chats.member import Language, Member
from core.chats.subscriptions import Mode

LANGUAGES: Final = {Language.KO: "한국어", Language.EN: "English"}
ZONES: Final = {
    "Asia/Seoul": "서울",
    "Asia/Tokyo": "도쿄",
    "Asia/Singapore": "싱가포르",
    "Europe/London": "런던",
    "America/New_York": "뉴욕",
    "America/Los_Angeles": "로스앤젤레스",
}
"""The time zones that have a button."""
MODES: Final = {Mode.ON: "소리로 알림", Mode.SILENT: "무음", Mode.OFF: "꺼짐"}


def settings(preferences: Preferences, member: Member, now: datetime, texts: Texts) -> Message:
    """What somebody set, with a button for every other choice."""
    text = texts.render(
        "settings",
        language=LANGUAGES[texts.language],
        zone=ZONES.get(preferences.zone, preferences.zone),
        key=preferences.zone,
        there=f"{now.astimezone(ZoneInfo(preferences.zone)):%m-%d %H:%M}",
        briefs=[(slot_time(slot), TITLES[slot], slot in preferences.briefs) for slot in Slot],
        any=bool(preferences.briefs),
        off=preferences.mode is Mode.OFF,
        mode=MODES[preferences.mode],
        watched=len(member.watched),
    )
    languages = tuple(_choice(name, texts.language is code, pack("gl", code)) for code, name in LANGUAGES.items())
    zones = [_choice(texts(name), preferences.zone == zone, pack("gz", zone)) for zone, name in ZONES.items()]
    briefs = tuple(_brief(slot, slot in preferences.briefs) for slot in Slot)
    return Message(text=text, keyboard=(briefs, languages, *rows(zones, width=3)))


def _choice(name: str, chosen: bool, data: str) -> Button:
    return Button(f"✓ {name}" if chosen else name, data)


def _brief(slot: Slot, chosen: bool) -> Button:
    return Button(f"{'🔔' if chosen else '🔕'} {slot_time(slot)}", pack("gs", slot, "off" if chosen else "on"))
