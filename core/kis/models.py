"""Table of the shared access token."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class KisTokenRow(Base):
    """The access token of one app key, shared by every process. `key` is a digest of address and app key."""

    __tablename__ = "kis_token"

    key: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    expires_at: Mapped[datetime]
    issued_at: Mapped[datetime]
