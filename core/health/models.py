"""The table of what admins were told of each component."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class HealthToldRow(Base):
    """The status of a component that was last told; `differing` counts sightings in a row that differ from it."""

    __tablename__ = "health_told"

    component: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    since: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    differing: Mapped[int]
    changes: Mapped[int]
