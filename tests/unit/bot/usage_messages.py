"""What /usage and /updates answer, with realistic and with hostile values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bot.texts import Texts
from bot.views import updates, usage
from bot.views.message import Message, Picture
from core.clock import Phase
from core.delivery.alert import AlertKind
from core.reports.report import UpdateReason
from core.reports.statistics import DayOfUpdates, StockUpdates, UpdateStatistics
from core.settings import LLMSettings
from core.usage.figures import Use
from core.usage.overview import Alerts, Batch, Bucket, Budgets, Costs, Overview, Span
from core.usage.thresholds import Threshold, ToldAlert, budget_thresholds, error_thresholds
from tests.unit.bot.builders import NOW

RATE = 1_400.0
DAY = date(2026, 2, 20)
CHEAPER = LLMSettings(at_budget="cheaper", cheaper_model="openai:gpt-6-luna")


def make_use(calls: int = 120, cost: str = "0.4312", **changes: Any) -> Use:
    """Some calls."""
    values: dict[str, Any] = {
        "calls": calls,
        "succeeded": calls - 3,
        "failed": 3,
        "timed": calls,
        "mean_ms": 842.4,
        "p95_ms": 2_310.0,
        "tokens_in": 812_345,
        "tokens_cached": 402_000,
        "tokens_out": 61_022,
        "cost_usd": Decimal(cost),
    }
    return Use(**values | changes)


def make_overview(span: Span = Span.TODAY, **changes: Any) -> Overview:
    """The calls of a busy day."""
    models = {"gpt-6-luna": make_use(), "deepseek/deepseek-v3.2": make_use(80, "0.02")}
    buckets = tuple(
        Bucket(
            label=f"{hour:02}", cost={name: Decimal(hour) / 100 for name in models}, calls=hour * 10, failed=hour % 5
        )
        for hour in range(24)
    )
    values: dict[str, Any] = {
        "span": span,
        "at": NOW,
        "since": None,
        "budgets": Budgets(today=Decimal("3.1"), daily=Decimal(5), month=Decimal("41.27"), monthly=Decimal(100)),
        "models": make_use(200, "0.4512"),
        "outside": make_use(91_402, "0", mean_ms=61.0, p95_ms=180.0),
        "by_model": models,
        "by_endpoint": {"openai chat/completions": make_use(), "kis inquire-price": make_use(91_000, "0")},
        "by_error": {"kis EGW00201": make_use(31), "openai timeout": make_use(3)},
        "by_purpose": {"predict": make_use(), "rewrite": make_use(7, "0.002"), "embed": make_use(70, "0.0001")},
        "by_user": {"Kim (101)": make_use(40, "0.1")},
        "buckets": buckets,
        "lost": 0,
    }
    return Overview(**values | changes)


def make_costs(**changes: Any) -> Costs:
    """A month half gone."""
    values: dict[str, Any] = {
        "at": NOW,
        "month": Decimal("41.27"),
        "monthly": Decimal(100),
        "today": Decimal("3.1"),
        "by_model": {"gpt-6-luna": make_use(9_000, "40"), "deepseek/deepseek-v3.2": make_use(700, "1.27")},
        "by_purpose": {"predict": make_use(9_000, "41"), "embed": make_use(700, "0.27")},
        "daily_mean": Decimal("2.5"),
        "mean_days": 7,
        "days_left": 8,
    }
    return Costs(**values | changes)


def make_statistics(**changes: Any) -> UpdateStatistics:
    """A usual week of ten stocks."""
    days = tuple(
        DayOfUpdates(day=DAY - timedelta(days=6 - step), updates=70, calls=80 + step, cost_usd=Decimal(step) / 50)
        for step in range(7)
    )
    values: dict[str, Any] = {
        "days": 7,
        "at": NOW,
        "observed_days": 7,
        "updates": 464,
        "succeeded": 458,
        "by_reason": {reason: 100 - place * 12 for place, reason in enumerate(UpdateReason)},
        "by_phase": dict.fromkeys(Phase, 70),
        "by_weekday_hour": {(weekday, hour): weekday * hour + 1 for weekday in range(5) for hour in range(8, 20)},
        "stocks": 10,
        "busiest": (StockUpdates(code="005930", name="삼성전자", updates=62, failed=1),),
        "mean_interval": timedelta(hours=2, minutes=11),
        "mean_age": timedelta(hours=2, minutes=40),
        "age_now": timedelta(minutes=25),
        "per_day": days,
    }
    return UpdateStatistics(**values | changes)


def make_thresholds(provider: str = "openai") -> tuple[Threshold, ...]:
    """Thresholds, some reached."""
    use = Use(calls=40, succeeded=30, failed=10)
    return (
        *budget_thresholds("day", "2026-02-20", Decimal("4.2"), Decimal(5)),
        *budget_thresholds("month", "2026-02", Decimal("41.27"), Decimal(100)),
        *error_thresholds(DAY, {provider: use, "kis": Use(calls=3, succeeded=3), "quiet": Use()}),
    )


def make_told(subject: str = "day", kind: AlertKind = AlertKind.BUDGET) -> ToldAlert:
    """An alert of the past."""
    return ToldAlert(kind=kind, subject=subject, period="2026-02-20", level=80, at=NOW, told_at=NOW, facts={})


def usage_messages(words: Texts, picture: Picture, evil: str) -> Iterator[tuple[str, Message]]:
    """Every answer of both commands."""
    yield "usage", usage.overview(make_overview(), RATE, None, words)
    yield "usage 7d", usage.overview(make_overview(Span.WEEK, by_purpose={}, by_user={}), RATE, picture, words)
    yield "usage after a reset", usage.overview(make_overview(since=NOW, lost=12), RATE, picture, words)
    nothing: dict[str, Any] = {"by_model": {}, "by_endpoint": {}, "by_error": {}, "by_purpose": {}, "by_user": {}}
    idle = make_overview(models=Use(), outside=Use(), **nothing)
    yield "usage of an idle day", usage.overview(idle, RATE, None, words)
    many = {f"{evil} {number}": make_use() for number in range(12)}
    hostile = make_overview(by_model=many, by_endpoint=many, by_error=many, by_purpose=many, by_user=many)
    yield "usage evil", usage.overview(hostile, RATE, None, words)
    yield "usage costs", usage.costs(make_costs(), RATE, words)
    first_day = make_costs(by_model={evil: make_use()}, by_purpose={}, mean_days=0, monthly=Decimal(0))
    yield "usage costs evil", usage.costs(first_day, RATE, words)
    told = (make_told(), make_told("month"), make_told("openai", AlertKind.ERROR_RATE))
    yield "usage alerts", usage.alerts(Alerts(thresholds=make_thresholds(), told=told), LLMSettings(), words)
    evil_told = make_told(evil, AlertKind.ERROR_RATE)
    yield "usage alerts evil", usage.alerts(Alerts(thresholds=make_thresholds(evil), told=(evil_told,)), CHEAPER, words)
    yield "no usage alerts", usage.alerts(Alerts(thresholds=make_thresholds()[:4], told=()), CHEAPER, words)
    batch = Batch(number=None, previous=0, day=DAY, calls=1_234, cost_usd=Decimal("3.1"))
    signed = "0:abcdef12:0123456789"
    yield "usage reset", usage.confirm_reset(batch, RATE, signed, words)
    again = Batch(number=None, previous=3, day=DAY, calls=0, cost_usd=Decimal(0))
    yield "usage reset again", usage.confirm_reset(again, RATE, signed, words)
    done = Batch(number=4, previous=3, day=DAY, calls=1_234, cost_usd=Decimal("0.0042"))
    yield "usage was reset", usage.was_reset(done, RATE, words)
    yield "updates", updates.statistics(make_statistics(), RATE, words)
    yield "no updates", updates.statistics(make_statistics(updates=0), RATE, words)
    lonely = StockUpdates(code="0126Z0", name=evil, updates=1, failed=0)
    first: dict[str, Any] = {"updates": 1, "succeeded": 1, "stocks": 1, "observed_days": 1, "busiest": (lonely,)}
    first |= {"mean_interval": None, "mean_age": None, "age_now": None}
    yield "updates evil", updates.statistics(make_statistics(**first), RATE, words)
    for number, message in enumerate(updates.pictures([picture] * 3, words)):
        yield f"updates picture {number}", message
