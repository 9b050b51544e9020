"""Charts: every kind of stock can be drawn, and every name be written. Warnings are errors, a missing glyph is one."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from core.drawing import font
from core.market.bar import Bar
from core.reports import chart
from core.reports.chart import SPANS, price_chart
from core.stocks.stock import Market, Stock
from tests.samples import sample
from tests.sheets import LAST_DAY, SAMSUNG, make_bar, make_bars, sessions_until


def _size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def _at_limits(count: int) -> list[Bar]:
    prices = [round(1_000 * 1.3**place) for place in range(count)]
    return [
        make_bar(day, price, high=price, low=price)
        for day, price in zip(sessions_until(LAST_DAY, count), prices, strict=True)
    ]


def _halted(count: int) -> list[Bar]:
    still = {"open": 0, "high": 0, "low": 0, "volume": 0, "value": 0}
    return [make_bar(day, 2_185, **still) for day in sessions_until(LAST_DAY, count)]


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize(
    "bars",
    [
        make_bars(250),
        make_bars(3),
        make_bars(1),
        _at_limits(8),
        _halted(30),
        _halted(1),
        [*make_bars(40, last=date(2026, 2, 6)), *_halted(5)],
    ],
    ids=["a year", "three bars", "one bar", "at the limit", "halted", "one halted bar", "halted since"],
)
async def test_any_history_can_be_drawn(bars: Sequence[Bar], span: str) -> None:
    assert _size(await price_chart(SAMSUNG, bars, span=span)) == (1080, 720)


async def test_a_hostile_or_endless_name_is_drawn_as_text() -> None:
    for name in ("$\\nosuch$ 주식", "가" * 200):
        stock = Stock(code="0126Z0", name=name, market=Market.KOSDAQ)
        assert _size(await price_chart(stock, make_bars(3))) == (1080, 720)


def test_the_font_has_every_letter_of_every_listed_name() -> None:
    import polars
    from matplotlib.ft2font import FT2Font

    letters = FT2Font(font(9).get_file()).get_charmap()
    names = polars.read_parquet(sample("krx/marcap-2026_part_20260102-20260220.parquet"))["Name"].unique()
    assert {char for name in names for char in name if ord(char) not in letters} == set()
    assert all(ord(char) in letters for char in "·…▼원억만주일선단기장목표거래량뉴스")


def _axes(bars: Sequence[Bar], **changes: Any) -> tuple[Any, chart.Drawing]:
    from matplotlib.figure import Figure

    drawing = chart.Drawing(title="삼성전자", bars=tuple(bars), shown=SPANS["3M"], **changes)
    return Figure().subplots(), drawing


def test_prices_and_targets_are_all_in_view() -> None:
    bars = make_bars(63)
    _, drawing = _axes(bars, targets=(("단기 목표", 10_000), ("장기 목표", 200_000)))
    low, high = chart._reach(drawing, bars)
    assert low < 10_000
    assert high > 200_000


def test_news_of_a_closed_day_is_marked_on_the_session_before() -> None:
    bars = make_bars(5)
    weekend = LAST_DAY + timedelta(days=1)
    axes, drawing = _axes(bars, news_days=frozenset({weekend, LAST_DAY, bars[0].day - timedelta(days=30)}))
    chart._marks(axes, drawing, bars)
    (marks,) = axes.collections
    assert [place for place, _ in marks.get_offsets()] == [4]


def test_volume_starts_at_zero_even_without_any() -> None:
    axes, _ = _axes([])
    chart._volumes(axes, _halted(3))
    assert axes.get_ylim()[0] == 0


def test_averages_begin_only_where_there_are_enough_bars() -> None:
    axes, drawing = _axes(make_bars(25))
    chart._averages(axes, drawing)
    assert {line.get_label(): len(line.get_xdata()) for line in axes.get_lines()} == {"5일선": 21, "20일선": 6}
