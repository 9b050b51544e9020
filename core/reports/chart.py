"""Charts with Korean text: candles, volume, averages, targets and news marks, as PNG."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.clock import kst_date
from core.drawing import font
from core.figures import won
from core.market.bar import Bar, adjusted
from core.reports.report import Report
from core.stocks.stock import Stock

SPANS: Mapping[str, int] = {"1M": 21, "3M": 63, "1Y": 250}
"""The spans a chart may have, in sessions."""

AVERAGES = {5: "#e69f00", 20: "#2e8b57", 60: "#7b52ab"}
UP, DOWN, INK, FAINT = "#d6333b", "#2456c8", "#222222", "#dddddd"
_INCHES, _DPI = (9.0, 6.0), 120
_WIDTH = 0.7
"""The share of a session's room that its candle and its volume take."""
_LONGEST_NAME = 28


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """What is drawn: adjusted bars oldest first, `shown` of them visible; targets in won; days with news."""

    title: str
    bars: tuple[Bar, ...]
    shown: int
    targets: tuple[tuple[str, int], ...] = ()
    news_days: frozenset[date] = frozenset()


async def price_chart(stock: Stock, bars: Sequence[Bar], *, span: str = "3M") -> bytes:
    """A PNG of raw bars (oldest first, at least one); drawn off the event loop."""
    return await asyncio.to_thread(_draw, Drawing(title=_title(stock), bars=tuple(adjusted(bars)), shown=SPANS[span]))


async def report_chart(report: Report, bars: Sequence[Bar], *, span: str = "3M") -> bytes:
    """A PNG of raw bars (oldest first, at least one) with the report's targets and its news days."""
    named = (("단기 목표", report.short_target), ("장기 목표", report.long_target))
    drawing = Drawing(
        title=_title(report.stock),
        bars=tuple(adjusted(bars)),
        shown=SPANS[span],
        targets=tuple((name, target) for name, target in named if target),
        news_days=frozenset(kst_date(item.published_at) for item in report.evidence),
    )
    return await asyncio.to_thread(_draw, drawing)


def _title(stock: Stock) -> str:
    name = stock.name if len(stock.name) <= _LONGEST_NAME else f"{stock.name[: _LONGEST_NAME - 1]}…"
    return f"{name} ({stock.code} · {stock.market})"


def _draw(drawing: Drawing) -> bytes:
    from io import BytesIO

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    price, volume = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    visible = drawing.bars[-drawing.shown :]
    _candles(price, visible)
    _averages(price, drawing)
    _targets(price, drawing, visible)
    _marks(price, drawing, visible)
    _volumes(volume, visible)
    _label(price, volume, drawing, visible)
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _candles(axes: Any, bars: Sequence[Bar]) -> None:
    """Drawn as three collections: one artist a bar would take seconds for a year."""
    traded = [(place, bar, _color(bar)) for place, bar in enumerate(bars) if bar.traded]
    if traded:
        places, shown, colors = zip(*traded, strict=True)
        axes.vlines(places, [bar.low for bar in shown], [bar.high for bar in shown], colors=colors, linewidth=1)
        bottoms = [min(bar.open, bar.close) for bar in shown]
        axes.bar(places, [abs(bar.close - bar.open) for bar in shown], _WIDTH, bottom=bottoms, color=colors)
    level = [(place, bar) for place, bar in enumerate(bars) if not bar.traded or bar.open == bar.close]
    axes.hlines(
        [bar.close for _, bar in level],
        [place - _WIDTH / 2 for place, _ in level],
        [place + _WIDTH / 2 for place, _ in level],
        colors=[_color(bar) if bar.traded else INK for _, bar in level],
        linewidth=1.4,
        zorder=3,
    )


def _averages(axes: Any, drawing: Drawing) -> None:
    closes = [bar.close for bar in drawing.bars]
    first = max(len(closes) - drawing.shown, 0)
    for length, color in AVERAGES.items():
        ends = range(max(first, length - 1), len(closes))
        if len(ends) > 1:
            means = [sum(closes[end - length + 1 : end + 1]) / length for end in ends]
            axes.plot([end - first for end in ends], means, color=color, linewidth=1.1, label=f"{length}일선")


def _targets(axes: Any, drawing: Drawing, bars: Sequence[Bar]) -> None:
    for (name, target), style in zip(drawing.targets, ("--", ":"), strict=False):
        color = UP if target >= bars[-1].close else DOWN
        axes.axhline(target, color=color, linestyle=style, linewidth=1.2, label=f"{name} {won(target)}")


def _marks(axes: Any, drawing: Drawing, bars: Sequence[Bar]) -> None:
    """A mark over the session of each news day, or over the last one before it where there was none."""
    days = [bar.day for bar in bars]
    places = sorted({bisect_right(days, day) - 1 for day in drawing.news_days if day >= days[0]})
    if places:
        bottom, top = _reach(drawing, bars)
        tops = [max(bars[place].high, bars[place].close) for place in places]
        above = [height + (top - bottom) * 0.02 for height in tops]
        axes.scatter(places, above, marker="v", s=26, color=INK, zorder=4, label="뉴스")


def _volumes(axes: Any, bars: Sequence[Bar]) -> None:
    volumes = [bar.volume for bar in bars]
    axes.bar(range(len(bars)), volumes, _WIDTH, color=[_color(bar) for bar in bars])
    axes.set_ylim(0, max(*volumes, 10) * 1.05)


def _label(price: Any, volume: Any, drawing: Drawing, bars: Sequence[Bar]) -> None:
    from matplotlib.ticker import FuncFormatter

    last = bars[-1]
    legend = price.get_legend_handles_labels()[1]
    title = f"{drawing.title}  {won(last.close)}  {last.day}"
    price.set_title(title, fontproperties=font(13), color=INK, loc="left", pad=26 if legend else 8, parse_math=False)
    price.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    volume.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    volume.set_ylabel("거래량(주)", fontproperties=font(9))
    price.set_ylim(*_reach(drawing, bars))
    places = _tick_places(len(bars))
    volume.set_xticks(places, [f"{bars[place].day:%y.%m.%d}" for place in places])
    price.set_xlim(-1, max(len(bars), 10))
    for axes in (price, volume):
        axes.grid(color=FAINT, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.yaxis.tick_right()
        axes.yaxis.set_label_position("right")
        axes.spines[["top", "left"]].set_visible(False)
        for tick in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            tick.set_fontproperties(font(9))
    if legend:
        place = {"loc": "lower left", "bbox_to_anchor": (-0.01, 1.0), "borderaxespad": 0.2}
        price.legend(**place, prop=font(9), frameon=False, ncols=len(legend), columnspacing=1.2, handlelength=1.6)


def _reach(drawing: Drawing, bars: Sequence[Bar]) -> tuple[float, float]:
    """The prices shown: every bar and target, with a margin."""
    lows = [bar.low if bar.traded else bar.close for bar in bars] + [target for _, target in drawing.targets]
    highs = [bar.high if bar.traded else bar.close for bar in bars] + [target for _, target in drawing.targets]
    margin = max(max(highs) - min(lows), max(highs) * 0.02) * 0.06
    return min(lows) - margin, max(highs) + margin


def _tick_places(count: int) -> list[int]:
    step = max(-(-count // 6), 1)
    return list(range(0, count, step))


def _color(bar: Bar) -> str:
    return UP if bar.close >= (bar.open or bar.close) else DOWN


def _short(volume: float) -> str:
    if volume >= 100_000_000:
        return f"{volume / 100_000_000:,.1f}억"
    return f"{volume / 10_000:,.0f}만" if volume >= 10_000 else f"{volume:,.0f}"
