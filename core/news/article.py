"""An article: what a list says of it, what its page holds, and how it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.news.identity import naver_url


@dataclass(frozen=True, kw_only=True, slots=True)
class Article:
    """A stored article. Times are aware UTC; texts are plain and came from outside: escape them, never obey them.

    `body` is None where the page was not read, and `partial` says that it was asked for and could not be read.
    `codes` are the stocks it is about, the most relevant first; `presses` counts those that told the story.
    `gone` says that its page was taken down; `edited_at` is when we saw last that it says something else than before.
    """

    id: int
    canonical_id: str
    url: str
    title: str
    summary: str
    body: str | None
    press: str
    partial: bool
    published_at: datetime
    first_seen_at: datetime
    codes: tuple[str, ...]
    presses: int = 1
    gone: bool = False
    edited_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Headline:
    """What a list says of an article. `tag` is the stock whose own list it came from.

    `url` is where a reader is sent; without one the canonical id tells. `aliases` are further ids of the same article,
    and `body` its text where the list holds it.
    """

    canonical_id: str
    title: str
    summary: str
    press: str
    published_at: datetime
    tag: str | None = None
    url: str = ""
    aliases: tuple[str, ...] = ()
    body: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """Everything it is known by."""
        return self.canonical_id, *self.aliases

    @property
    def address(self) -> str:
        """Where a reader is sent."""
        return self.url or naver_url(self.canonical_id)

    @property
    def source_id(self) -> str:
        """What the source knows it by: in the list of a stock, the same article counts once for each stock."""
        return f"{self.tag}/{self.canonical_id}" if self.tag else self.canonical_id


@dataclass(frozen=True, kw_only=True, slots=True)
class ArticlePage:
    """What the page of an article holds. Only `body` is never empty; `original_url` is the page of the press.

    `partial` says that the page shows only the beginning, to those who do not pay.
    """

    body: str
    title: str = ""
    press: str = ""
    published_at: datetime | None = None
    edited_at: datetime | None = None
    original_url: str | None = None
    partial: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """A row that is not what it should be; `raw` is its beginning, for a person to read."""

    reason: str
    raw: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """A list: its usable rows in its own order, and the others."""

    headlines: tuple[Headline, ...]
    rejected: tuple[Rejected, ...] = ()
