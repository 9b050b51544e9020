"""What a forecaster says, and the protocol every forecaster follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from core.prediction.fact import FactSheet

HORIZONS = (1, 5, 20)
"""Horizons in sessions."""


class Direction(StrEnum):
    """Where a price goes, against a flat band scaled by volatility."""

    UP = "up"
    FLAT = "flat"
    DOWN = "down"


@dataclass(frozen=True, kw_only=True, slots=True)
class Odds:
    """Probabilities of the three directions; they sum to one."""

    up: float
    flat: float
    down: float

    @property
    def direction(self) -> Direction:
        """The likeliest direction; a tie is flat."""
        best = max(self.up, self.flat, self.down)
        if self.flat == best or self.up == self.down:
            return Direction.FLAT
        return Direction.UP if self.up == best else Direction.DOWN


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One sentence that refers to facts as `[f3]` and names the evidence (fact and article ids) it rests on."""

    text: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """A forecaster's answer. Targets are won; `confidence` is in [0, 1]."""

    odds: Mapping[int, Odds]
    confidence: float
    short_target: int | None = None
    long_target: int | None = None
    reasons: tuple[Statement, ...] = ()
    risks: tuple[Statement, ...] = ()
    counter_case: Statement | None = None
    change_of_view: Statement | None = None


class Forecaster(Protocol):
    """A model or a rule. `key` is its row in the model table, `prompt_version` names its exact wording or rule."""

    @property
    def key(self) -> str: ...
    @property
    def prompt_version(self) -> str: ...
    @property
    def paid(self) -> bool: ...

    async def forecast(self, sheet: FactSheet, *, request_id: str, user_id: int | None = None) -> Forecast | None:
        """The forecast for a sheet; None to abstain; raises a StockPilotError when it cannot be had."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """A sealed prediction as it is stored. `outcome` is made, abstained or failed (`failure` says why)."""

    id: int
    code: str
    model_key: str
    as_of: datetime
    made_at: datetime
    base_price: int
    outcome: str
    failure: str | None
    forecast: Forecast | None
    closes_on: Mapping[int, date]
    prompt_version: str
    input_hash: str
