"""The Naver Search API (news), at the developer centre and at the API HUB: one reply, two spellings of refusals.

Entities are resolved once after `<b>` is taken out; `total` counts millions and means nothing. `link` is Naver's page
of the story where it hosts it, else the press's own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, ValidationError

from core.clock import kst, kst_date
from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError
from core.news.article import Headline, Parsed, Rejected
from core.news.identity import identity_of, naver_url, normalised_url
from core.news.parsers.json_rows import cut_raw, listed, loaded
from core.news.parsers.text import LONGEST_SUMMARY, LONGEST_TITLE, instant, plain

VERSION: Final = 1
TOO_FAST, SPENT = "012", "010"
_WAIT: Final = timedelta(seconds=1)
_LONGEST_URL: Final = 1_000

PRESSES: Final = MappingProxyType(
    {
        "001": "연합뉴스",
        "003": "뉴시스",
        "008": "머니투데이",
        "009": "매일경제",
        "011": "서울경제",
        "014": "파이낸셜뉴스",
        "015": "한국경제",
        "016": "헤럴드경제",
        "018": "이데일리",
        "024": "매경이코노미",
        "037": "주간동아",
        "050": "한경비즈니스",
        "053": "주간조선",
        "057": "MBN",
        "119": "데일리안",
        "123": "조세일보",
        "138": "디지털데일리",
        "215": "한국경제TV",
        "243": "이코노미스트",
        "262": "신동아",
        "277": "아시아경제",
        "353": "중앙SUNDAY",
        "366": "조선비즈",
        "421": "뉴스1",
        "422": "연합뉴스TV",
        "629": "더팩트",
        "648": "비즈니스워치",
    }
)
"""Naver's office ids seen in real lists."""
_OWN: Final = MappingProxyType({"hankyung": "한국경제", "mk": "매일경제"})


class _Item(BaseModel):
    title: str
    link: str = ""
    originallink: str = ""
    description: str = ""
    pubDate: str  # noqa: N815 - as they spell it


def parse_search(body: bytes, *, at: datetime) -> Parsed:
    """The results of a search made at `at`; raises `Malformed` if it is no such reply. None found is no fault."""
    headlines: dict[str, Headline] = {}
    rejected: list[Rejected] = []
    for item in listed(loaded(body), "items"):
        try:
            headline = _headline(item, at)
        except Malformed as error:
            rejected.append(Rejected(reason=str(error), raw=cut_raw(item)))
        else:
            headlines.setdefault(headline.canonical_id, headline)
    if rejected and not headlines:
        raise Malformed(f"no usable result of {len(rejected)}: {rejected[0].reason}")
    return Parsed(headlines=tuple(headlines.values()), rejected=tuple(rejected))


def _headline(raw: Any, at: datetime) -> Headline:
    try:
        item = _Item.model_validate(raw)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise Malformed(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None
    ids = [name for link in (item.link, item.originallink) if len(link) <= _LONGEST_URL and (name := identity_of(link))]
    title = plain(item.title, LONGEST_TITLE, resolve=1)
    if not ids or not title:
        raise Malformed("no web address" if title else "no title")
    first = ids[0]
    original = item.originallink if normalised_url(item.originallink) else item.link
    return Headline(
        canonical_id=first,
        title=title,
        summary=plain(item.description, LONGEST_SUMMARY, resolve=1),
        press=_press(first, original),
        published_at=instant(item.pubDate, at=at),
        url=naver_url(first) if first.startswith("naver:") else original,
        aliases=tuple(name for name in dict.fromkeys(ids[1:]) if name != first),
    )


def _press(known_as: str, address: str) -> str:
    kind, _, rest = known_as.partition(":")
    own = PRESSES.get(rest[:3]) if kind == "naver" else _OWN.get(kind)
    return own or (urlsplit(address).hostname or "").removeprefix("www.")


def refusal(status: int, body: bytes, at: datetime) -> StockPilotError | None:
    """What a refusal of the API means; None where it says nothing of its own.

    429 is said for two things: too fast (soon again) and the day's allowance spent (not before midnight in Seoul).
    Every problem of the key is 401, and only the text tells which.
    """
    code, message = _code_and_message(body)
    said = f"Naver search: {code} {message}".strip()
    if status == 429 and code == SPENT:
        return QuotaExceeded(said, retry_at=kst(kst_date(at) + timedelta(days=1)))
    if status == 429 and code == TOO_FAST:
        return QuotaExceeded(said, retry_at=at + _WAIT)
    if status in {401, 403} and code:
        return Blocked(said)
    if status in {400, 404} and code:
        return Malformed(said)
    return None


def _code_and_message(body: bytes) -> tuple[str, str]:
    """The developer centre says `{errorMessage, errorCode}`, the HUB `{error: {errorCode, message}}`."""
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", ""
    inner = reply.get("error", reply) if isinstance(reply, dict) else {}
    if not isinstance(inner, dict):
        return "", ""
    code, message = inner.get("errorCode"), inner.get("errorMessage") or inner.get("message")
    return plain(_word(code), 20), plain(_word(message), 120)


def _word(value: object) -> str:
    return str(value) if isinstance(value, str | int) else ""
