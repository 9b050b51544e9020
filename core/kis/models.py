"""Tables of the shared access token and of the exchange's calendar."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class KisTokenRow(Base):
    """The access token of one app key, shared by every process. `key` is a digest of address and app key."""

    __tablename__ = "kis_token"

    key: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    expires_at: Mapped[datetime]
    issued_at: Mapped[datetime]


class SessionDayRow(Base):
    """Whether the market opens on a day, as the exchange's own calendar said when it was read last."""

    __tablename__ = "session_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    trades: Mapped[bool]
    read_at: Mapped[datetime]
