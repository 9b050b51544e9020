"""Tables of members, chats and watchlists."""

from __future__ import annotations

from datetime import datetime, time

from sqlalchemy import ForeignKey, Identity, Index, Time
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class UserRow(Base):
    """A person who talks to the bot, by Telegram user id. `language` is what they chose, `app_language` that of their
    Telegram app, by which they are told of things until they choose."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    role: Mapped[str]
    language: Mapped[str | None]
    app_language: Mapped[str | None]
    joined_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class InviteRow(Base):
    """An invitation an admin made; only a digest of its code is stored. Good `uses` times, until it expires."""

    __tablename__ = "invite"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code_hash: Mapped[str] = mapped_column(unique=True)
    made_by: Mapped[int]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    uses: Mapped[int]
    used: Mapped[int] = mapped_column(server_default="0")


class ChatRow(Base):
    """A chat the bot may write to; `reachable` turns false when the bot was blocked there."""

    __tablename__ = "chat"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    reachable: Mapped[bool] = mapped_column(server_default="true")
    seen_at: Mapped[datetime]


class WatchItemRow(Base):
    """A user watches a stock."""

    __tablename__ = "watch_item"
    __table_args__ = (Index(None, "code"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    added_at: Mapped[datetime]


class SubscriptionRow(Base):
    """How a person wants to be told of a kind of alert; a row only where they chose."""

    __tablename__ = "subscription"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str]


class UserSettingsRow(Base):
    """What a person set; a row only where they did. Times of day are in their own time zone."""

    __tablename__ = "user_settings"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    quiet_from: Mapped[time | None] = mapped_column(Time)
    quiet_until: Mapped[time | None] = mapped_column(Time)
    time_zone: Mapped[str] = mapped_column(server_default="Asia/Seoul")
