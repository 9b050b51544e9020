"""Tables of scores."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class ModelEvaluationRow(Base):
    """The score of one prediction at one horizon. `brier` is the sum of squared errors over the three
    directions, in [0, 2]; `rule` names the written rule it was scored by."""

    __tablename__ = "model_evaluation"
    __table_args__ = (Index(None, "closed_on"),)

    prediction_id: Mapped[int] = mapped_column(ForeignKey("prediction.id"), primary_key=True)
    sessions: Mapped[int] = mapped_column(primary_key=True)
    closed_on: Mapped[date]
    base_price: Mapped[int]
    close_price: Mapped[int]
    return_percent: Mapped[float]
    actual: Mapped[str]
    called: Mapped[str | None]
    hit: Mapped[bool | None]
    brier: Mapped[float | None]
    rule: Mapped[str]
    scored_at: Mapped[datetime]
