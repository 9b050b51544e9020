"""Pictures of usage and of updates can be drawn of anything. Warnings are errors, a missing glyph is one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.views.updates import REASONS
from core.drawing import png
from core.reports.report import UpdateReason
from core.reports.statistics import DayOfUpdates, UpdateStatistics
from core.reports.statistics_chart import _costs, costs_picture, hours_picture, reasons_picture
from core.usage.chart import usage_chart
from core.usage.overview import Bucket, Overview, Span
from tests.unit.bot.usage_messages import DAY, make_overview, make_statistics

EMPTY = tuple(Bucket(label=f"{day:02}.01") for day in range(7))
MANY = tuple(
    Bucket(
        label=f"{day:02}",
        cost={f"모델 {name} $x$_{{": Decimal(day + name) for name in range(9)},
        calls=10**6,
        failed=10**6,
    )
    for day in range(30)
)
OVERVIEWS = {
    "today": make_overview(),
    "a month": make_overview(Span.MONTH, buckets=MANY),
    "nothing": make_overview(Span.WEEK, buckets=EMPTY),
    "one cent": make_overview(
        Span.WEEK, buckets=(*EMPTY[:6], Bucket(label="x", cost={"m": Decimal("0.0001")}, calls=1))
    ),
    "unpaid alone": make_overview(buckets=(*EMPTY[:6], Bucket(label="x", calls=90_000, failed=3))),
}
STATISTICS = {
    "a week": make_statistics(),
    "nothing": make_statistics(
        updates=0, by_reason={}, by_weekday_hour={}, per_day=tuple(DayOfUpdates(day=DAY) for _ in range(30))
    ),
    "one": make_statistics(
        days=1,
        updates=1,
        by_reason={UpdateReason.FIRST: 1},
        by_weekday_hour={(4, 15): 1},
        per_day=(DayOfUpdates(day=DAY, updates=1, calls=1, cost_usd=Decimal("0.0004")),),
    ),
}


@pytest.mark.parametrize("found", OVERVIEWS.values(), ids=OVERVIEWS)
async def test_usage_of_any_kind_is_drawn(found: Overview) -> None:
    assert (await usage_chart(found, won_per_usd=1_400.0)).startswith(b"\x89PNG")


@pytest.mark.parametrize("found", STATISTICS.values(), ids=STATISTICS)
async def test_updates_of_any_kind_are_drawn(found: UpdateStatistics) -> None:
    pictures = [
        await reasons_picture(found, REASONS),
        await hours_picture(found),
        await costs_picture(found, won_per_usd=1_400.0),
    ]
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)


async def test_equal_figures_make_equal_pictures_and_others_do_not() -> None:
    found = make_statistics()
    assert await hours_picture(found) == await hours_picture(found)
    assert await hours_picture(found) != await hours_picture(replace(found, by_weekday_hour={(0, 9): 1}))


async def test_costs_are_drawn_in_won_beside_the_rule_of_thumb() -> None:
    lines: list[list[float]] = []

    def draw(figure: object) -> None:
        _costs(figure, found=make_statistics(), won_per_usd=1_000.0)
        lines.extend(list(line.get_ydata()) for line in figure.axes[0].lines)  # type: ignore[attr-defined]

    await png(draw)
    true, flat = lines
    assert true == [step * 20 for step in range(7)]
    assert flat == pytest.approx([80 + step for step in range(7)])
