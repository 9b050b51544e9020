"""Whose view leads a report, what it amounts to, and how sure it may sound."""

from __future__ import annotations

from collections.abc import Sequence

from core.prediction.fact import FactSheet
from core.prediction.forecast import Direction, Forecast, Prediction

VERDICT_SESSIONS = 5
"""The horizon of the verdict."""

RULES_THAT_MAY_LEAD = ("rule:base_rate", "rule:mean_reversion", "rule:momentum", "rule:no_change")
"""Rules that read the sheet, in the order they lead when no model answered."""

MOST_SURE = 0.9
MISSING_COSTS = 0.05
"""How much each missing block of data lowers the confidence."""


def lead(predictions: Sequence[Prediction]) -> tuple[Prediction, Forecast] | None:
    """The first model that answered, else the first rule that may lead; None when nobody made a forecast."""
    made = [(each, each.forecast) for each in predictions if each.forecast is not None]
    models = [each for each in made if not each[0].model_key.startswith("rule:")]
    ranked = {each[0].model_key: each for each in made}
    rules = [ranked[key] for key in RULES_THAT_MAY_LEAD if key in ranked]
    return next(iter([*models, *rules]), None)


def verdict(forecast: Forecast) -> Direction:
    """The likeliest direction over the verdict's horizon."""
    return forecast.odds[VERDICT_SESSIONS].direction


def confidence(forecast: Forecast, sheet: FactSheet) -> float:
    """The forecaster's confidence, lowered for every missing block of data."""
    lowered = min(forecast.confidence, MOST_SURE) - MISSING_COSTS * len(sheet.missing)
    return round(max(lowered, 0.05), 2)
