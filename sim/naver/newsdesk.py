"""The newsroom: articles that follow from the market's own moves, the same for the same seed.

An article tells what could be known at its own time. Lists and pages never show one before that time.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import cast

from core.clock import KST, kst, kst_date
from core.stocks.stock import Kind
from sim.market import SimMarket, SimQuote
from sim.naver.stories import ABOUT_ISSUES, MARKET, Draft, on_market, on_opinion, on_something_else

PRESSES = {
    "001": "연합뉴스",
    "008": "머니투데이",
    "009": "매일경제",
    "011": "서울경제",
    "014": "파이낸셜뉴스",
    "015": "한국경제",
    "018": "이데일리",
    "057": "MBN",
    "215": "한국경제TV",
    "277": "아시아경제",
    "366": "조선비즈",
    "648": "비즈니스워치",
}
"""Office id and name."""

BROADCASTERS = frozenset({"057", "215"})
FOLLOWED = 40
"""How many issues the desk follows: the companies with the largest turnover of the session before."""

EPOCH = date(2020, 1, 1)
"""The day the numbers of articles begin at: a thousand a day."""
_PLANTED = 900


@dataclass(frozen=True, kw_only=True, slots=True)
class Article:
    """A printed article. `codes` is what it is about, `tags` the issues whose feeds show it; `at` is aware UTC."""

    office: str
    number: str
    title: str
    body: tuple[str, ...]
    at: datetime
    codes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    section: str = MARKET
    story: str = ""
    edited_at: datetime | None = None

    @property
    def id(self) -> str:
        """Office and article number, 13 characters."""
        return self.office + self.number

    @property
    def press(self) -> str:
        """The name of the press."""
        return PRESSES[self.office]

    @property
    def local(self) -> datetime:
        """When it was published, in Seoul."""
        return self.at.astimezone(KST)

    @property
    def summary(self) -> str:
        """The beginning of the body, cut where the lists cut it."""
        return " ".join(self.body)[:110]

    @property
    def kind(self) -> str:
        """`1` text, `2` video."""
        return "2" if self.office in BROADCASTERS and self.lot % 2 else "1"

    @property
    def lot(self) -> int:
        """A number that is the same for the same article, for choices that look random."""
        return zlib.crc32(self.id.encode())


class NewsDesk:
    """Articles by day, made when first asked for, and those planted by hand."""

    def __init__(self, market: SimMarket, *, seed: int = 7) -> None:
        self._market = market
        self._seed = seed
        self._written: dict[date, list[Article]] = {}
        self._planted: list[Article] = []

    def plant(
        self,
        title: str,
        body: str,
        at: datetime,
        codes: Sequence[str] = (),
        *,
        office: str = "001",
        section: str = MARKET,
    ) -> Article:
        """Add an article of one's own; paragraphs of `body` are separated by blank lines."""
        number = _number(kst_date(at), _PLANTED + len(self._planted))
        article = Article(
            office=office,
            number=number,
            title=title,
            body=tuple(body.split("\n\n")),
            at=at,
            codes=tuple(codes),
            tags=tuple(codes),
            section=section,
            story=f"planted {number}",
        )
        self._planted.append(article)
        return article

    def articles(self, *, until: datetime, days: int = 7) -> list[Article]:
        """What was published in the last `days` days up to `until`, newest first."""
        last = kst_date(until)
        return self._published((last - timedelta(days=offset) for offset in range(days)), until)

    def articles_on(self, day: date, *, until: datetime) -> list[Article]:
        """What was published on `day` (in Seoul) up to `until`, newest first."""
        return self._published((day,), until)

    def find(self, office: str, number: str, *, until: datetime) -> Article | None:
        """The article of that id, if it was published by `until`."""
        day = EPOCH + timedelta(days=int(number) // 1000) if number.isdecimal() else None
        found = self.articles_on(day, until=until) if day else []
        return next((article for article in found if (article.office, article.number) == (office, number)), None)

    def _published(self, days: Iterable[date], until: datetime) -> list[Article]:
        wanted = set(days)
        planted = [article for article in self._planted if kst_date(article.at) in wanted]
        found = [article for day in wanted for article in self._on(day)] + planted
        return sorted((each for each in found if each.at <= until), key=lambda each: (each.at, each.id), reverse=True)

    def _on(self, day: date) -> list[Article]:
        if day not in self._written:
            self._written[day] = self._write(day)
        return self._written[day]

    def _write(self, day: date) -> list[Article]:
        random = Random(f"{self._seed} news {day}")
        followed = self._followed(day)
        articles: list[Article] = []
        for at in _moments(day, random, trading=self._market.calendar.is_session(day)):
            draft = self._draft(followed, at, random)
            article = _print(draft, at, random, number=_number(day, len(articles)))
            articles.append(article)
            if random.random() < 0.07:
                articles.append(_again(article, random, number=_number(day, len(articles))))
        return articles

    def _followed(self, day: date) -> list[str]:
        """The codes with the largest turnover of the session before, so that nothing of the day itself is used."""
        morning = kst(day)
        companies = [code for code, issue in self._market.issues.items() if issue.kind is Kind.COMMON]
        newest = {code: self._market.bars(code, until=morning)[-1:] for code in companies}
        traded = [(bars[0].value, code) for code, bars in newest.items() if bars and bars[0].value]
        return [code for _, code in sorted(traded, reverse=True)[:FOLLOWED]]

    def _draft(self, followed: Sequence[str], at: datetime, random: Random) -> Draft:
        chance = random.random()
        if chance < 0.16 or not followed:
            return on_something_else(random)
        if chance < 0.26:
            return on_market(self._quotes(followed[:12], at), random)
        candidates = self._quotes(random.sample(followed, min(4, len(followed))), at)
        quote = max(candidates, key=lambda each: abs(each.percent))
        if not quote.bar.volume:
            return on_opinion(quote, random)
        stories, weights = zip(*ABOUT_ISSUES, strict=True)
        return cast(Draft, random.choices(stories, weights)[0](quote, random))

    def _quotes(self, codes: Sequence[str], at: datetime) -> list[SimQuote]:
        return [quote for code in codes if (quote := self._market.quote(code, at)) is not None]


def _moments(day: date, random: Random, *, trading: bool) -> list[datetime]:
    """When the day's stories appear: most from the open to the evening, some by night."""
    spans = ((0, 7, 4), (7, 9, 12), (9, 16, 30), (16, 19, 14), (19, 24, 8)) if trading else ((0, 8, 2), (8, 24, 14))
    seconds = [random.randrange(start * 3600, end * 3600) for start, end, count in spans for _ in range(count)]
    return [kst(day, time()) + timedelta(seconds=second) for second in sorted(seconds)]


def _number(day: date, place: int) -> str:
    return f"{(day - EPOCH).days * 1000 + place:010d}"


def _print(draft: Draft, at: datetime, random: Random, *, number: str) -> Article:
    return Article(
        office=random.choice(list(PRESSES)),
        number=number,
        title=draft.title,
        body=draft.body,
        at=at,
        codes=draft.codes,
        tags=draft.codes,
        section=draft.section,
        story=f"story {number}",
        edited_at=at + timedelta(minutes=random.randint(2, 50)) if random.random() < 0.25 else None,
    )


def _again(article: Article, random: Random, *, number: str) -> Article:
    """The same story under a second id: word for word from the same press, or under another title from another."""
    at = article.at + timedelta(minutes=random.randint(1, 12))
    edited_at = at if article.edited_at else None
    if random.random() < 0.5:
        return replace(article, number=number, at=at, edited_at=edited_at)
    office = random.choice([office for office in PRESSES if office != article.office])
    title = f"{article.title.split('…')[0]}…업계 '촉각'"
    return replace(article, office=office, number=number, title=title, at=at, edited_at=edited_at)
