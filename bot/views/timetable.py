"""The schedule of a job in words."""

from __future__ import annotations

from bot.texts import Texts
from core.runs.control import Timetable

WEEKDAYS = ("월요일", "화요일", "수요일", "목요일", "금요일", "토요일", "일요일")
_MOST_TIMES = 6


def timetable(found: Timetable, texts: Texts) -> str:
    """When a job runs: days, then times or how often, by the wall clock in Seoul."""
    return " ".join(part for part in (_days(found, texts), _times(found, texts)) if part)


def _days(found: Timetable, texts: Texts) -> str:
    parts = []
    if found.sessions_only:
        parts.append(texts("거래일"))
    if found.days:
        parts.append(texts("매월 {days}일", days=", ".join(map(str, found.days))))
    if found.weekdays:
        parts.append(", ".join(texts(WEEKDAYS[day]) for day in found.weekdays))
    return " ".join(parts) or ("" if found.every else texts("매일"))


def _times(found: Timetable, texts: Texts) -> str:
    if found.every is not None:
        often = texts("{count}분마다", count=found.every.seconds // 60)
        if found.hours == (0, 23):
            return often
        within = texts("{first}–{last}시", first=f"{found.hours[0]:02}", last=f"{found.hours[1]:02}")
        return f"{within} {often}"
    minutes = {time.minute for time in found.times}
    if len(found.times) == 24 and len(minutes) == 1:
        return texts("매시 {minute}분", minute=minutes.pop())
    if len(found.times) > _MOST_TIMES:
        first, last = (f"{time:%H:%M}" for time in (found.times[0], found.times[-1]))
        return texts("하루 {count}번 ({first}–{last})", count=len(found.times), first=first, last=last)
    return ", ".join(f"{time:%H:%M}" for time in found.times)
