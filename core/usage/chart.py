"""The picture of /usage: cost stacked by model in won, and calls with their error rate."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

from core.drawing import COLORS, font, legend, nothing, plain_axes, png, title, use_font, won, won_axis
from core.usage.overview import Bucket, Overview, Span

MOST_MODELS: Final = 5
_REST: Final = "그 밖"
_RED, _GREY = "#d6333b", "#b8c4d6"
_LONGEST_NAME: Final = 24
_TITLES: Final = {Span.TODAY: "오늘 시간별", Span.WEEK: "최근 7일", Span.MONTH: "최근 30일"}


async def usage_chart(found: Overview, *, won_per_usd: float) -> bytes:
    """A PNG of the span's hours or days; costs in won."""
    return await png(partial(_draw, span=_TITLES[found.span], buckets=found.buckets, won_per_usd=won_per_usd))


def _draw(figure: Any, *, span: str, buckets: Sequence[Bucket], won_per_usd: float) -> None:
    cost, calls = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1))
    _costs(cost, buckets, won_per_usd)
    title(cost, f"{span} 모델 비용(원)", rows=legend(cost))
    _calls(calls, buckets)
    places = range(0, len(buckets), max(-(-len(buckets) // 12), 1))
    calls.set_xticks(list(places), [buckets[place].label for place in places])
    plain_axes(cost)
    plain_axes(calls)


def _costs(axes: Any, buckets: Sequence[Bucket], won_per_usd: float) -> None:
    totals: dict[str, Decimal] = {}
    for bucket in buckets:
        for model, usd in bucket.cost.items():
            totals[model] = totals.get(model, Decimal(0)) + usd
    names = sorted(totals, key=lambda name: (-totals[name], name))
    shown = [*names[:MOST_MODELS], *([_REST] if len(names) > MOST_MODELS else [])]
    bottoms = [0.0] * len(buckets)
    for place, name in enumerate(shown):
        of = names[MOST_MODELS:] if name is _REST else [name]
        heights = [float(sum(bucket.cost.get(each, Decimal(0)) for each in of)) * won_per_usd for bucket in buckets]
        color = COLORS[-1] if name is _REST else COLORS[place]
        label = f"{_short(name)} {won(sum(heights))}"
        axes.bar(range(len(buckets)), heights, 0.7, bottom=bottoms, color=color, label=label)
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    won_axis(axes, max(bottoms, default=0.0))
    if not totals:
        nothing(axes, "이 기간에는 유료 호출이 없습니다")


def _calls(axes: Any, buckets: Sequence[Bucket]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    most = max((bucket.calls for bucket in buckets), default=0)
    axes.bar(range(len(buckets)), [bucket.calls for bucket in buckets], 0.7, color=_GREY)
    axes.set_ylim(0, most * 1.15 or 1.0)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda calls, _: f"{calls:,.0f}"))
    axes.set_ylabel("호출(건)", fontproperties=font(9))
    if not most:
        nothing(axes, "이 기간에는 호출이 없습니다")
        return
    rates = axes.twinx()
    called = [(place, bucket.failed * 100 / bucket.calls) for place, bucket in enumerate(buckets) if bucket.calls]
    rates.plot([place for place, _ in called], [rate for _, rate in called], color=_RED, marker="o", markersize=3)
    rates.set_ylim(0, max(20.0, *(rate * 1.15 for _, rate in called)))
    rates.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:.0f}%"))
    rates.set_ylabel("오류율(빨간 선)", fontproperties=font(9), color=_RED)
    rates.spines[["top", "left"]].set_visible(False)
    use_font(rates.get_yticklabels(), 9)


def _short(name: str) -> str:
    last = name.rpartition("/")[2]
    return last if len(last) <= _LONGEST_NAME else f"{last[: _LONGEST_NAME - 1]}…"
