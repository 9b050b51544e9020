"""A market replayed from recorded daily bars in the marcap layout.

Columns read: Code, Name, Open, High, Low, Close, Changes, Volume, Amount, Stocks, Market, Date and, where
present, Dept. Prices are raw (not adjusted). A day without a trade stays as recorded: zero open, high and low.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.clock import Calendar
from core.stocks.stock import Kind, Market
from sim.isin import isin
from sim.market import SimBar, SimIssue, SimMarket

if TYPE_CHECKING:
    import polars as pl

NUMBERS = ("Open", "High", "Low", "Close", "Volume", "Amount", "Changes", "Stocks")


def replayed_market(*files: Path, calendar: Calendar | None = None) -> SimMarket:
    """Every issue and bar of the files (parquet, csv or csv.gz), exactly.

    An issue takes its name from its last row. Raises `ValueError` for a file that lacks a column.
    """
    import polars as pl

    frame = pl.concat([_read(Path(file)) for file in files]).unique(["Code", "Date"]).sort("Code", "Date")
    last = frame.unique("Code", keep="last", maintain_order=True)
    issues = {row["Code"]: _issue(row) for row in last.iter_rows(named=True)}
    base, before = pl.col("Close") - pl.col("Changes"), pl.col("Close").shift(1).over("Code")
    moved = pl.col("Stocks") != pl.col("Stocks").shift(1).over("Code")
    return SimMarket(
        issues,
        RecordedBars(frame),
        bases=_by_day(frame.filter(base.ne_missing(before)).select("Code", "Date", base)),
        shares=_by_day(frame.filter(moved.fill_null(True)).select("Code", "Date", "Stocks")),
        calendar=calendar,
    )


class RecordedBars(Mapping[str, Sequence[SimBar]]):
    """The bars of each issue, oldest first, made when first asked for."""

    def __init__(self, frame: pl.DataFrame) -> None:
        columns = ("Date", "Open", "High", "Low", "Close", "Volume", "Amount")
        groups = frame.group_by("Code", maintain_order=True).agg(*columns)
        self._columns = {row[0]: row[1:] for row in groups.iter_rows()}
        self._made: dict[str, list[SimBar]] = {}

    def __getitem__(self, code: str) -> Sequence[SimBar]:
        if code not in self._made:
            self._made[code] = [SimBar(*row) for row in zip(*self._columns[code], strict=True)]
        return self._made[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def _by_day(frame: pl.DataFrame) -> dict[str, dict[date, int]]:
    found: dict[str, dict[date, int]] = defaultdict(dict)
    for code, day, value in frame.iter_rows():
        found[code][day] = value
    return dict(found)


def _read(file: Path) -> pl.DataFrame:
    import polars as pl

    frame = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file, infer_schema_length=0)
    missing = {"Code", "Name", "Market", "Date", *NUMBERS} - set(frame.columns)
    if missing:
        raise ValueError(f"{file.name} has no column {', '.join(sorted(missing))}")
    if "Dept" not in frame.columns:
        frame = frame.with_columns(pl.lit("").alias("Dept"))
    day = pl.col("Date").str.slice(0, 10).str.to_date() if frame["Date"].dtype == pl.String else pl.col("Date")
    numbers = [pl.col(name).cast(pl.Float64).cast(pl.Int64) for name in NUMBERS]
    texts = [pl.col("Code"), pl.col("Name"), pl.col("Market"), pl.col("Dept").fill_null("")]
    return frame.select(*texts, day.cast(pl.Date), *numbers)


def _issue(row: dict[str, Any]) -> SimIssue:
    return SimIssue(
        code=row["Code"],
        name=row["Name"],
        market=Market(row["Market"].split()[0]),  # KOSDAQ GLOBAL is a segment of KOSDAQ
        kind=_kind(row["Code"], row["Name"], row["Dept"]),
        shares=row["Stocks"],
        market_cap=row["Stocks"] * row["Close"],
        isin=isin(row["Code"]),
        administrative=row["Dept"].startswith("관리종목"),
    )


def _kind(code: str, name: str, dept: str) -> Kind:
    if dept.startswith("SPAC") or "스팩" in name:
        return Kind.SPAC
    if name.endswith("리츠"):
        return Kind.REIT
    return Kind.COMMON if code.endswith("0") else Kind.PREFERRED
