"""Drawing pictures with Korean text: off the event loop, with a font that has Hangul, and without global state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import files
from typing import Any, Final

INK: Final = "#222222"
FAINT: Final = "#dddddd"
COLORS: Final = ("#2456c8", "#e69f00", "#2e8b57", "#7b52ab", "#d6333b", "#5aa9c4", "#8a6d3b", "#777777")
"""Colours that are told apart, the last for what is left."""
_DPI: Final = 120


async def png(draw: Callable[[Any], None], *, inches: tuple[float, float] = (9.0, 6.0)) -> bytes:
    """A PNG of what `draw` does to an empty figure."""
    return await asyncio.to_thread(_png, draw, inches)


def plain_axes(axes: Any) -> None:
    """A light grid, no box, and the font on every tick. To be called last, when the ticks stand."""
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    use_font((*axes.get_xticklabels(), *axes.get_yticklabels()), 9)


def use_font(texts: Iterable[Any], size: int) -> None:
    """The font on texts that matplotlib made."""
    for text in texts:
        text.set_fontproperties(font(size))


def title(axes: Any, text: str, *, rows: int = 0) -> None:
    """A heading on the left, over as many rows of legend; nothing in it is taken for mathematics."""
    axes.set_title(text, fontproperties=font(12), color=INK, loc="left", pad=8 + 18 * rows, parse_math=False)


def legend(axes: Any, *, columns: int = 3) -> int:
    """The legend over the axes, under the title; returns its rows."""
    handles, labels = axes.get_legend_handles_labels()
    if not labels:
        return 0
    place = {"loc": "lower left", "bbox_to_anchor": (-0.01, 1.0), "borderaxespad": 0.2}
    found = axes.legend(handles, labels, **place, prop=font(9), frameon=False, ncols=columns, columnspacing=1.2)
    for text in found.get_texts():
        text.set_parse_math(False)
    return -(-len(labels) // columns)


def won_axis(axes: Any, top: float) -> None:
    """Ticks in won from nothing to a little over `top`, as fine as they have to be."""
    from matplotlib.ticker import FuncFormatter

    digits = 0 if top >= 10 else 1 if top >= 1 or not top else 2
    axes.set_ylim(0, top * 1.12 or 1.0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda won, _: f"{won:,.{digits}f}"))


def won(value: float) -> str:
    """A sum in won: `1,234원`, below ten to a hundredth."""
    return f"{value:,.0f}원" if value >= 10 or not value else f"{value:,.2f}원"


def nothing(axes: Any, words: str) -> None:
    """Say that there is nothing to draw."""
    axes.text(
        0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color="#888888", fontproperties=font(12)
    )


def font(size: int) -> Any:
    """NanumGothic in a size; the font file comes with koreanize-matplotlib, whose code is not used."""
    return _fonts()(size)


@cache
def _fonts() -> Callable[[int], Any]:
    from matplotlib.font_manager import FontProperties

    path = next(str(file.locate()) for file in files("koreanize-matplotlib") or () if file.name == "NanumGothic.ttf")
    return cache(lambda size: FontProperties(fname=path, size=size))


def _png(draw: Callable[[Any], None], inches: tuple[float, float]) -> bytes:
    from io import BytesIO

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure)
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
