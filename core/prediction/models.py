"""Tables of predictions. A trigger forbids changing or deleting a sealed one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class ModelRow(Base):
    """A forecaster: `rule:momentum`, `openai:gpt-6-luna`. Model ids are data."""

    __tablename__ = "model"

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    provider: Mapped[str]
    name: Mapped[str]
    active: Mapped[bool]
    rank: Mapped[int]
    shutdown_on: Mapped[date | None]
    added_at: Mapped[datetime]


class PredictionRow(Base):
    """One sealed prediction. `outcome` is `made`, `abstained` or `failed`; the two last count in scores.

    The same input is predicted or abstained from once; a failure may be tried again."""

    __tablename__ = "prediction"
    __table_args__ = (
        Index(
            "uq_prediction_sealed",
            "code",
            "model_key",
            "input_hash",
            "prompt_version",
            unique=True,
            postgresql_where=text("outcome <> 'failed'"),
        ),
        Index(None, "code", "made_at"),
        Index(None, "model_key"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(ForeignKey("stock.code"))
    model_key: Mapped[str] = mapped_column(ForeignKey("model.key"))
    as_of: Mapped[datetime]
    made_at: Mapped[datetime]
    phase: Mapped[str]
    live: Mapped[bool]
    base_price: Mapped[int]
    base_at: Mapped[datetime]
    outcome: Mapped[str]
    failure: Mapped[str | None]
    confidence: Mapped[float | None]
    short_target: Mapped[int | None]
    long_target: Mapped[int | None]
    narrative: Mapped[dict[str, Any]]
    prompt_version: Mapped[str]
    input_hash: Mapped[str]
    request_id: Mapped[str]


class PredictionHorizonRow(Base):
    """The probabilities of a prediction for one horizon, and the session whose close decides it.

    Abstained and failed predictions have horizons without probabilities, so that they count in scores."""

    __tablename__ = "prediction_horizon"
    __table_args__ = (Index(None, "closes_on"),)

    prediction_id: Mapped[int] = mapped_column(ForeignKey("prediction.id"), primary_key=True)
    sessions: Mapped[int] = mapped_column(primary_key=True)
    closes_on: Mapped[date]
    p_up: Mapped[float | None]
    p_flat: Mapped[float | None]
    p_down: Mapped[float | None]
    band: Mapped[float]
