"""XML as the presses write it: RSS 2.0 and the news sitemap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from xml.sax.saxutils import escape

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def rfc822(local: datetime, offset: str = "+0900") -> str:
    """A time of Seoul as feeds write it."""
    return f"{DAYS[local.weekday()]}, {local.day:02d} {MONTHS[local.month - 1]} {local:%Y %H:%M:%S} {offset}"


def cdata(text: str) -> str:
    """Text between CDATA marks."""
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def feed(title: str, link: str, built: str, items: Iterable[Mapping[str, str]]) -> str:
    """A feed; the values of items are markup already."""
    rows = "".join(f"<item>{''.join(f'<{k}>{v}</{k}>' for k, v in item.items())}</item>\n" for item in items)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/">'
        f"<channel>\n<title>{escape(title)}</title><link>{link}</link><language>ko</language>"
        f"<lastBuildDate>{built}</lastBuildDate>\n{rows}</channel></rss>\n"
    )
