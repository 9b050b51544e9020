"""Tables of news."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class ArticleRow(Base):
    """One article. `story_id` is the article it repeats, or its own id; `fingerprint` finds exact repeats."""

    __tablename__ = "article"
    __table_args__ = (
        UniqueConstraint("canonical_id"),
        Index(None, "first_seen_at"),
        Index(None, "published_at"),
        Index(None, "story_id"),
        Index(None, "fingerprint"),
        Index("ix_article_unembedded", "id", postgresql_where=text("embedded_as IS NULL")),
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


class ArticleSourceRow(Base):
    """Where an article was seen: one row a source and the id or link it has there."""

    __tablename__ = "article_source"
    __table_args__ = (Index(None, "article_id"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    url: Mapped[str]
    seen_at: Mapped[datetime]


class MatchRow(Base):
    """An article is about a stock, with an explained relevance in (0, 1]."""

    __tablename__ = "match"
    __table_args__ = (Index(None, "code", "article_id"),)

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), primary_key=True)
    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    relevance: Mapped[float]
    reasons: Mapped[list[Any]]
