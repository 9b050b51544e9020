"""The press's own numbers and addresses of the newsroom's articles, for those that have a site of their own."""

from __future__ import annotations

from datetime import date, timedelta

from sim.naver.newsdesk import EPOCH, Article

HANKYUNG, MAEIL = "015", "009"
_MAEIL_FROM = 9_000_000
_LETTERED = "ig"


def hankyung_id(article: Article) -> str:
    """Hankyung's id: the day and five digits, or four and a letter."""
    day, place = _day_and_place(article)
    if place % 5 == 0:
        return f"{day:%Y%m%d}{place:04d}{_LETTERED[place % 2]}"
    return f"{day:%Y%m%d}{place:05d}"


def hankyung_number(known_as: str) -> str:
    """The newsroom's number of Hankyung's id; empty if it is none."""
    day, place = known_as[:8], known_as[8:].rstrip(_LETTERED)
    try:
        written = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    except ValueError:
        return ""
    return f"{(written - EPOCH).days * 1000 + int(place):010d}" if place.isdecimal() else ""


def maeil_number(known_as: str) -> str:
    """The newsroom's number of Maeil's; empty if it is none."""
    return f"{int(known_as) - _MAEIL_FROM:010d}" if known_as.isdecimal() and int(known_as) >= _MAEIL_FROM else ""


def origin(article: Article) -> str:
    """The address the press itself has the article at."""
    if article.office == HANKYUNG:
        return f"https://www.hankyung.com/article/{hankyung_id(article)}"
    if article.office == MAEIL:
        section = "stock" if article.codes else "economy" if article.lot % 2 else "society"
        return f"https://www.mk.co.kr/news/{section}/{_MAEIL_FROM + int(article.number)}"
    return f"https://press{article.office}.example/articles/{article.number}"


def _day_and_place(article: Article) -> tuple[date, int]:
    days, place = divmod(int(article.number), 1000)
    return EPOCH + timedelta(days=days), place
