"""Pictures of the report updates: why, when, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from core.drawing import COLORS, INK, font, legend, nothing, plain_axes, png, title, use_font, won, won_axis
from core.reports.report import UpdateReason
from core.reports.statistics import UpdateStatistics

WEEKDAYS: Final = "월화수목금토일"
_NOTHING: Final = "이 기간에는 업데이트가 없습니다"


async def reasons_picture(found: UpdateStatistics, words: Mapping[UpdateReason, str]) -> bytes:
    """A PNG: the share of each reason."""
    return await png(partial(_reasons, found=found, words=words), inches=(8.0, 5.0))


async def hours_picture(found: UpdateStatistics) -> bytes:
    """A PNG: weekdays by hours in Seoul."""
    return await png(partial(_hours, found=found), inches=(10.0, 4.2))


async def costs_picture(found: UpdateStatistics, *, won_per_usd: float) -> bytes:
    """A PNG: the true cost of each day in won beside that of the rule of thumb."""
    return await png(partial(_costs, found=found, won_per_usd=won_per_usd), inches=(9.0, 4.5))


def _reasons(figure: Any, *, found: UpdateStatistics, words: Mapping[UpdateReason, str]) -> None:
    axes = figure.subplots()
    title(axes, f"리포트 업데이트 사유 (최근 {found.days}일, {found.updates:,}건)")
    axes.set_axis_off()
    if not found.updates:
        nothing(axes, _NOTHING)
        return
    counts = list(found.by_reason.values())
    pieces = axes.pie(
        counts,
        colors=COLORS[: len(counts)],
        startangle=90,
        counterclock=False,
        wedgeprops={"width": 0.55, "edgecolor": "white"},
        autopct=lambda share: f"{share:.0f}%" if share >= 4 else "",
        pctdistance=0.72,
    )
    use_font(pieces[2], 10)
    for text in pieces[2]:
        text.set_color("white")
    labels = [f"{words[reason]} {count:,}건 ({count / found.updates:.0%})" for reason, count in found.by_reason.items()]
    figure.legend(pieces[0], labels, loc="outside right center", prop=font(11), frameon=False)


def _hours(figure: Any, *, found: UpdateStatistics) -> None:
    axes = figure.subplots()
    title(axes, f"요일·시간별 업데이트 (서울 시각, 최근 {found.days}일)")
    grid = [[found.by_weekday_hour.get((weekday, hour), 0) for hour in range(24)] for weekday in range(7)]
    most = max(max(row) for row in grid)
    axes.imshow(grid, cmap="Blues", vmin=0, vmax=max(most, 1), aspect="auto")
    axes.set_xticks(range(24), [f"{hour}" for hour in range(24)])
    axes.set_yticks(range(7), list(WEEKDAYS))
    axes.set_xlabel("시", fontproperties=font(9))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    use_font((*axes.get_xticklabels(), *axes.get_yticklabels()), 10)
    for weekday, row in enumerate(grid):
        for hour, count in enumerate(row):
            if count:
                color = "white" if count * 2 > most else INK
                axes.text(hour, weekday, f"{count}", ha="center", va="center", color=color, fontproperties=font(9))
    if not found.updates:
        nothing(axes, _NOTHING)


def _costs(figure: Any, *, found: UpdateStatistics, won_per_usd: float) -> None:
    axes = figure.subplots()
    places = range(len(found.per_day))
    true = [float(day.cost_usd) * won_per_usd for day in found.per_day]
    flat = [float(day.flat_usd) * won_per_usd for day in found.per_day]
    axes.plot(places, true, color=COLORS[0], marker="o", markersize=4, label=f"실제 비용 {won(sum(true))}")
    dashed = {"linestyle": "--", "marker": "s", "markersize": 3}
    axes.plot(places, flat, color=COLORS[1], **dashed, label=f"호출당 $0.001 추정 {won(sum(flat))}")
    top = max([*true, *flat])
    won_axis(axes, top)
    axes.set_xlim(-0.5, len(found.per_day) - 0.5)
    shown = range(0, len(found.per_day), max(-(-len(found.per_day) // 10), 1))
    axes.set_xticks(list(shown), [f"{found.per_day[place].day:%m.%d}" for place in shown])
    plain_axes(axes)
    title(axes, f"하루 모델 비용(원), 최근 {found.days}일", rows=legend(axes))
    if not top:
        nothing(axes, "이 기간에는 모델 비용이 없습니다")
