"""Tables of news."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class ArticleRow(Base):
    """One article. `story_id` is the article it repeats, or its own id; `fingerprint` finds exact repeats and
    `sketch` near ones. `gone_at` is when its page was found to be taken down, `checked_at` when it was read last,
    `matched_as` the list of names it was matched with."""

    __tablename__ = "article"
    __table_args__ = (
        UniqueConstraint("canonical_id"),
        Index(None, "first_seen_at"),
        Index(None, "published_at"),
        Index(None, "story_id"),
        Index(None, "fingerprint"),
        Index("ix_article_unembedded", "id", postgresql_where=text("embedded_as IS NULL")),
        # What was just written is looked for at once, so it must not wait in a list that is read through.
        Index(None, "sketch", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    canonical_id: Mapped[str]
    url: Mapped[str]
    title: Mapped[str]
    summary: Mapped[str]
    body: Mapped[str | None]
    press: Mapped[str]
    partial: Mapped[bool]
    published_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    fingerprint: Mapped[str]
    story_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    embedded_as: Mapped[str | None]
    sketch: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    gone_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    matched_as: Mapped[str | None]


class ArticleSourceRow(Base):
    """Where an article was seen: one row a source and the id or link it has there, with the title it had there."""

    __tablename__ = "article_source"
    __table_args__ = (Index(None, "article_id"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    url: Mapped[str]
    seen_at: Mapped[datetime]
    title: Mapped[str | None]


class ArticleAliasRow(Base):
    """A further id an article is known by: the press's own of one that Naver carries, and the other way round."""

    __tablename__ = "article_alias"
    __table_args__ = (Index(None, "article_id"),)

    known_as: Mapped[str] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))


class ArticleRevisionRow(Base):
    """What an article said until it was edited."""

    __tablename__ = "article_revision"

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), primary_key=True)
    replaced_at: Mapped[datetime] = mapped_column(primary_key=True)
    title: Mapped[str]
    summary: Mapped[str]
    body: Mapped[str | None]


class MatchRow(Base):
    """An article is about a stock, with an explained relevance in (0, 1].

    `move_percent` is what the price did in the session `move_day`, the first that closed after publication.
    """

    __tablename__ = "match"
    __table_args__ = (
        Index(None, "code", "article_id"),
        Index("ix_match_unmoved", "article_id", postgresql_where=text("move_day IS NULL")),
    )

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), primary_key=True)
    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    relevance: Mapped[float]
    reasons: Mapped[list[Any]]
    move_percent: Mapped[float | None]
    move_day: Mapped[date | None]


class NewsSearchRow(Base):
    """When a stock was searched for last."""

    __tablename__ = "news_search"

    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    asked_at: Mapped[datetime]


class NewsSearchDayRow(Base):
    """How many searches were spent on a day in Seoul."""

    __tablename__ = "news_search_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    calls: Mapped[int]
