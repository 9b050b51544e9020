"""Tables of supervised workers and of the signals they found."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class StrategyStateRow(Base):
    """One strategy: whether it is wanted, who runs it under which epoch, how it does, and what it remembers.

    `since` is when `wanted` or `status` last changed; `told` says that admins know of trouble not yet over.
    """

    __tablename__ = "strategy_state"

    id: Mapped[str] = mapped_column(primary_key=True)
    wanted: Mapped[bool]
    status: Mapped[str]
    since: Mapped[datetime]
    owner: Mapped[str | None]
    epoch: Mapped[int] = mapped_column(server_default="0")
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    restarts: Mapped[int] = mapped_column(server_default="0")
    last_error: Mapped[str | None]
    told: Mapped[bool] = mapped_column(server_default="false")
    state: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class SignalRow(Base):
    """What a strategy found in the bars of one stock on one day, once; `at` is when."""

    __tablename__ = "signal"
    __table_args__ = (Index(None, "code"), Index(None, "strategy", "day"))

    strategy: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(ForeignKey("stock.code"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    direction: Mapped[str]
    figures: Mapped[dict[str, Any]]
    at: Mapped[datetime]
