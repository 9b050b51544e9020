"""Tables of personal alerts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class AlertRuleRow(Base):
    """A condition a person set on a stock; `threshold` is in won, percent or times, as its `kind` says.

    Once told, it is not told again before `cooldown_seconds` have passed.
    """

    __tablename__ = "alert_rule"
    __table_args__ = (Index(None, "user_id"), Index(None, "code"))

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(ForeignKey("stock.code"))
    kind: Mapped[str]
    threshold: Mapped[Decimal]
    cooldown_seconds: Mapped[int]
    created_at: Mapped[datetime]
    last_fired_at: Mapped[datetime | None]


class AlertEventRow(Base):
    """What was looked at as worth telling of a stock, once: whoever begins to watch it later is not told of it.

    `told` is false of what was passed over, because something larger or too much else was told at that time.
    """

    __tablename__ = "alert_event"
    __table_args__ = (Index(None, "at"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    code: Mapped[str]
    at: Mapped[datetime]
    told: Mapped[bool]
