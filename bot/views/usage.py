"""What outside calls took and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Final

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.message import Button, Message, Picture, rows
from core.delivery.alert import AlertKind
from core.figures import number
from core.settings import LLMSettings
from core.usage.figures import Use
from core.usage.overview import Alerts, Batch, Costs, Overview, Span
from core.usage.thresholds import LEAST_CALLS, Threshold

MOST_LINES: Final = 8
"""Lines of one table; the dearest and busiest are shown."""
SPANS: Final = {Span.TODAY: "오늘", Span.WEEK: "최근 7일", Span.MONTH: "최근 30일"}
PURPOSES: Final = {"predict": "예측", "rewrite": "문장 다시 쓰기", "embed": "임베딩"}
SUBJECTS: Final = {"day": "하루 예산", "month": "월 예산"}


@dataclass(frozen=True, slots=True)
class Table:
    """The dearest lines of a breakdown, and how many more there are."""

    title: str
    lines: Mapping[str, Use]
    more: int


def overview(found: Overview, won_per_usd: float, picture: Picture | None, texts: Texts) -> Message:
    """The calls of a span and what is left of the budgets."""
    by_purpose = {texts(PURPOSES.get(name, name)): use for name, use in found.by_purpose.items()}
    tables = [
        _table(texts("모델별"), found.by_model),
        _table(texts("엔드포인트별"), found.by_endpoint),
        _table(texts("용도별"), by_purpose),
        _table(texts("많이 쓴 사용자"), found.by_user),
    ]
    text = texts.render(
        "usage",
        found=found,
        span=SPANS[found.span],
        tables=[table for table in tables if table.lines],
        errors=_table(texts("많은 오류"), found.by_error),
        money=partial(money, won_per_usd=won_per_usd),
        share=share,
        rate=rate,
        time=partial(response_time, texts),
    )
    return Message(text=text, keyboard=_keyboard(found.span, texts), photo=picture)


def costs(found: Costs, won_per_usd: float, texts: Texts) -> Message:
    """The month's costs and their forecast."""
    by_purpose = {texts(PURPOSES.get(name, name)): use for name, use in found.by_purpose.items()}
    tables = [_table(texts("모델별"), found.by_model), _table(texts("용도별"), by_purpose)]
    text = texts.render(
        "usage_costs",
        found=found,
        tables=[table for table in tables if table.lines],
        money=partial(money, won_per_usd=won_per_usd),
        share=share,
    )
    return Message(text=text, keyboard=_keyboard("costs", texts))


def alerts(found: Alerts, llm: LLMSettings, texts: Texts) -> Message:
    """The thresholds with their state, what happens at the last one, and the alerts of the past."""
    text = texts.render(
        "usage_alerts",
        budgets=[each for each in found.thresholds if each.kind is AlertKind.BUDGET],
        errors=[each for each in found.thresholds if each.kind is AlertKind.ERROR_RATE and _says_something(each)],
        told=found.told,
        subjects=SUBJECTS,
        kinds=AlertKind,
        least=LEAST_CALLS,
        llm=llm,
    )
    return Message(text=text, keyboard=_keyboard("alerts", texts))


def confirm_reset(batch: Batch, won_per_usd: float, button: str, texts: Texts) -> Message:
    """What a reset archives, and the button that does it."""
    text = texts.render("usage_reset", batch=batch, money=partial(money, won_per_usd=won_per_usd))
    return Message(text=text, keyboard=((Button(texts("✅ 초기화"), pack("cr", button)),),))


def was_reset(batch: Batch, won_per_usd: float, texts: Texts) -> Message:
    """What a reset archived."""
    return Message(text=texts.render("usage_was_reset", batch=batch, money=partial(money, won_per_usd=won_per_usd)))


def money(usd: Decimal, *, won_per_usd: float) -> str:
    """Won with the dollars behind: `1,234원 ($0.88)`; small sums to a tenth of a won and four digits of a dollar."""
    won = float(usd) * won_per_usd
    written = f"{won:,.0f}" if won >= 10 or not won else f"{won:,.1f}"
    return f"{'<0.1' if written == '0.0' else written}원 ({dollars(usd)})"


def dollars(usd: Decimal) -> str:
    """Dollars: `$12.30`, `$0.0042`, `<$0.0001`."""
    if usd >= 1 or not usd:
        return f"${usd:,.2f}"
    written = f"${usd:,.4f}"
    return "<$0.0001" if written == "$0.0000" else written


def share(part: Decimal, whole: Decimal) -> str:
    """A part in percent of the whole, or a dash where there is no whole."""
    return f"{float(part * 100 / whole):.0f}%" if whole else "–"


def rate(value: float | None) -> str:
    """A share to a tenth of a percent, rounded down: 100 % is said of all alone."""
    return "–" if value is None else f"{int(value * 1_000) / 10:.1f}%"


def response_time(texts: Texts, ms: float | None) -> str:
    """Milliseconds, from a second on in seconds."""
    if ms is None:
        return "–"
    return f"{ms:,.0f} ms" if ms < 1_000 else texts("{count}초", count=number(ms / 1_000))


def _table(title: str, uses: Mapping[str, Use]) -> Table:
    return Table(title, dict(islice(uses.items(), MOST_LINES)), max(len(uses) - MOST_LINES, 0))


def _says_something(threshold: Threshold) -> bool:
    calls = threshold.facts.get("calls")
    return threshold.reached or (isinstance(calls, int) and calls >= LEAST_CALLS)


def _keyboard(shown: str, texts: Texts) -> tuple[tuple[Button, ...], ...]:
    views = {**{str(span): name for span, name in SPANS.items()}, "costs": "비용", "alerts": "알림"}
    return rows([Button(texts(name), pack("co", key)) for key, name in views.items() if key != shown], width=4)
