"""The table of the briefs people chose."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class BriefChoiceRow(Base):
    """Which briefs of the day a person is told, perhaps none; a row only where they chose."""

    __tablename__ = "brief_choice"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    slots: Mapped[list[str]] = mapped_column(ARRAY(Text))
