"""Naver's lists of articles in JSON: the market's (`news/list`), the topics' (`news/focus`) and those of a stock.

`GET stock.naver.com/api/domestic/news/{list,focus}` answer `{"articles": [row]}`, each with its own spelling of the
same keys; `GET m.stock.naver.com/api/news/stock/{code}` answers clusters, `[{"items": [row]}]`. Times are Seoul's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from core.errors import Malformed
from core.news.article import Headline, Parsed, Rejected
from core.news.identity import naver_id
from core.news.parsers.json_rows import cut_raw, listed, loaded, lower
from core.news.parsers.text import LONGEST_PRESS, LONGEST_SUMMARY, LONGEST_TITLE, kst_time, plain

VERSION = 1


class _Row(BaseModel):
    """A row under lower-case keys, without the empty ones."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    officeid: str
    articleid: str
    press: str = Field("", validation_alias=AliasChoices("officehname", "officename"))
    title: str = Field(validation_alias=AliasChoices("titlefull", "title"))
    summary: str = Field("", validation_alias=AliasChoices("subcontent", "body"))
    published: str = Field(validation_alias=AliasChoices("datetime", "date"))


def parse_articles(body: bytes, *, at: datetime) -> Parsed:
    """The rows of a market or topic list read at `at`; raises `Malformed` if it is no such list."""
    return _parsed(listed(loaded(body), "articles"), at)


def parse_clusters(body: bytes, *, at: datetime) -> Parsed:
    """The rows of a stock's list read at `at`, each article once; raises `Malformed` if it is no such list."""
    reply = loaded(body)
    clusters = reply if isinstance(reply, list) else listed(reply, "clusters")
    rows = [row for cluster in clusters for row in listed(cluster, "items")]
    return _parsed(rows, at)


def _parsed(rows: Iterable[Any], at: datetime) -> Parsed:
    headlines: dict[str, Headline] = {}
    rejected: list[Rejected] = []
    for row in rows:
        try:
            headline = _headline(row, at)
        except Malformed as error:
            rejected.append(Rejected(reason=str(error), raw=cut_raw(row)))
        else:
            headlines.setdefault(headline.canonical_id, headline)
    if rejected and not headlines:
        raise Malformed(f"no usable row of {len(rejected)}: {rejected[0].reason}")
    return Parsed(headlines=tuple(headlines.values()), rejected=tuple(rejected))


def _headline(row: Any, at: datetime) -> Headline:
    if not isinstance(row, dict):
        raise Malformed("a row that is no object")
    try:
        read = _Row.model_validate({key: value for key, value in lower(row).items() if value not in (None, "")})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise Malformed(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None
    canonical_id = naver_id(read.officeid.strip(), read.articleid.strip())
    if canonical_id is None:
        raise Malformed(f"not an article id: {read.officeid[:20]!r} {read.articleid[:20]!r}")
    title = plain(read.title, LONGEST_TITLE)
    if not title:
        raise Malformed("no title")
    return Headline(
        canonical_id=canonical_id,
        title=title,
        summary=plain(read.summary, LONGEST_SUMMARY),
        press=plain(read.press, LONGEST_PRESS),
        published_at=kst_time(read.published, at=at),
    )
