"""What a report must say about a stock, worked out from the recorded bars alone, without the product's code."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from statistics import fmean, pstdev, stdev

import polars as pl

EVENT = 0.02
"""KIS calls a base price this far from the close before it an event; nearer ones are the tick's rounding."""
EOK = 100_000_000

_DIGITS = {"change_percent": 2, "atr_percent": 2, "obv_slope": 2, "volume_ratio": 2, "band": 2} | dict.fromkeys(
    ("rsi_14", "bollinger", "stochastic_k", "stochastic_d", "volatility_20", "position_52w"), 1
)
"""Decimals shown; returns and gaps have two, won and shares none."""


def read(path: Path) -> pl.DataFrame:
    """Whole won and shares, oldest first, with the exchange's base price of each day."""
    numbers = ("Open", "High", "Low", "Close", "Changes", "Volume", "Amount", "Marcap")
    frame = pl.read_parquet(path).with_columns(pl.col(name).cast(pl.Int64) for name in numbers)
    base = (pl.col("Close") - pl.col("Changes")).alias("Base")
    return frame.with_columns(base, pl.col("Date").cast(pl.Date)).sort("Code", "Date")


def drawn(frame: pl.DataFrame, count: int, seed: int) -> list[str]:
    """`count` codes listed on the last day, at random, with some of every kind that is easily got wrong."""
    last = frame.filter(pl.col("Date") == pl.col("Date").max())
    rows, event = pl.len().over("Code"), (pl.col("Base") / pl.col("Close").shift(1).over("Code") - 1).abs() > EVENT
    rebased = frame.filter(event)["Code"]
    kinds = (
        last.filter(~pl.col("Code").str.ends_with("0"), ~pl.col("Name").str.contains("스팩")),
        last.filter(pl.col("Name").str.contains("스팩")),
        last.filter(pl.col("Market") == "KONEX", pl.col("Volume") > 0),
        last.filter(pl.col("Volume") == 0, pl.col("Market") != "KONEX"),
        last.filter(pl.col("Volume") == 0, pl.col("Market") == "KONEX"),
        last.filter(pl.col("Code").str.contains("[A-Z]")),
        last.filter(pl.col("Code").is_in(rebased.implode())),
        last.filter(pl.col("Code").is_in(frame.filter(rows < 30)["Code"].implode())),
    )
    chance = random.Random(seed)
    codes = {code for kind in kinds for code in chance.sample(sorted(kind["Code"]), min(3, kind.height))}
    rest = chance.sample(sorted(set(last["Code"]) - codes), count - len(codes))
    return sorted(codes | set(rest))


def figures(frame: pl.DataFrame, code: str, day: date) -> dict[str, float]:
    """Every number a report of `code` may show on the evening of `day`, by the name of its fact."""
    rows = frame.filter(pl.col("Code") == code, pl.col("Date") <= day)
    today = rows.row(-1, named=True)
    assert today["Date"] == day
    named = ("price", "Close"), ("change", "Changes"), ("volume", "Volume"), ("value", "Amount"), ("open", "Open")
    found: dict[str, float] = {name: today[column] for name, column in (*named, ("high", "High"), ("low", "Low"))}
    found = {name: value for name, value in found.items() if value or name not in ("open", "high", "low")}
    found["change_percent"] = today["Changes"] / today["Base"] * 100
    found["market_cap"] = today["Marcap"]
    return found | _from_bars(_adjusted(rows), rows)


def allowance(name: str, true: Mapping[str, float]) -> float:
    """How far a shown figure may lie from the true one, in its own unit."""
    if name == "market_cap":  # KIS tells it in whole 억, and the shares in whole thousands
        return min(float(EOK), 1_000 * true["price"])
    digits = _DIGITS.get(name, 2 if name.startswith("return_") or name.endswith("_gap") else 0)
    return 0.5001 * 0.1**digits


def _adjusted(rows: pl.DataFrame) -> pl.DataFrame:
    """Prices before a split or a rights issue on the scale of the last day."""
    ratio = pl.col("Base") / pl.col("Close").shift(1)
    event = pl.when((ratio - 1).abs() > EVENT).then(ratio).otherwise(1.0).fill_null(1.0)
    factor = event.shift(-1).fill_null(1.0).reverse().cum_prod().reverse()
    prices = [(pl.col(name) * factor).round().cast(pl.Int64) for name in ("Open", "High", "Low", "Close")]
    return rows.with_columns(*prices, (pl.col("Volume") / factor).round().alias("Volume"), event.alias("Event"))


def _from_bars(bars: pl.DataFrame, raw: pl.DataFrame) -> dict[str, float]:
    every = bars["Close"].to_list()
    found = {f"return_{n}": (every[-1] / every[-1 - n] - 1) * 100 for n in (5, 20, 60) if len(every) > n}
    traded = (pl.col("Volume") > 0) & (pl.col("Open") > 0)
    year = raw.filter(traded)
    if year.height and bars.filter(pl.col("Event") != 1.0).is_empty():
        high, low = max(year["High"].to_list()), min(year["Low"].to_list())
        found |= {"high_52w": high, "low_52w": low}
        if high != low:
            found["position_52w"] = (every[-1] - low) / (high - low) * 100
    bars = bars.filter(traded)
    closes, highs, lows = (bars[name].to_list() for name in ("Close", "High", "Low"))
    for n in (5, 20, 60):
        if len(closes) >= n:
            found[f"sma_{n}"] = fmean(closes[-n:])
            found[f"sma_{n}_gap"] = (every[-1] / found[f"sma_{n}"] - 1) * 100
    found |= {f"ema_{n}": _exponential(closes, n) for n in (12, 26) if len(closes) >= n}
    if len(closes) > 1 and lows[-1] <= (average := bars["Amount"][-1] / bars["Volume"][-1]) <= highs[-1]:
        found["vwap"] = average
    if len(closes) >= 20:
        found |= {"support_20": min(lows[-20:]), "resistance_20": max(highs[-20:])}
    return found | _indicators(closes, highs, lows, bars["Volume"].to_list(), every[-1])


def _indicators(
    closes: Sequence[int], highs: Sequence[int], lows: Sequence[int], volumes: Sequence[float], price: int
) -> dict[str, float]:
    found: dict[str, float] = {}
    moves = [after - before for before, after in pairwise(closes)]
    if len(moves) >= 14 and any(moves):
        gain = _wilder([max(move, 0) for move in moves])
        found["rsi_14"] = 100 * gain / (gain + _wilder([max(-move, 0) for move in moves]))
        ranges = zip(highs[1:], lows[1:], closes, strict=False)
        found["atr_14"] = _wilder([max(high, before) - min(low, before) for high, low, before in ranges])
        found["atr_percent"] = found["atr_14"] / price * 100
    if len(closes) >= 20 and (deviation := pstdev(closes[-20:])):
        found["bollinger"] = ((closes[-1] - fmean(closes[-20:])) / (4 * deviation) + 0.5) * 100
    if len(closes) >= 18:
        raw = [_place(closes[: end + 1], highs[: end + 1], lows[: end + 1]) for end in range(13, len(closes))]
        smooth = [fmean(raw[end - 3 : end]) for end in range(3, len(raw) + 1)]
        found |= {"stochastic_k": smooth[-1], "stochastic_d": fmean(smooth[-3:])}
    if len(volumes) >= 20:
        found["obv_slope"] = _slope(_on_balance(closes, volumes)[-20:]) / fmean(volumes[-20:])
    if len(volumes) > 20:
        found["volume_ratio"] = volumes[-1] / fmean(volumes[-21:-1])
    returns = [math.log(after / before) for before, after in pairwise(closes[-21:])]
    sigma = stdev(returns) if len(returns) >= 5 else None
    if sigma is not None:
        found["volatility_20"] = sigma * math.sqrt(252) * 100
    found["band"] = 1.0 if sigma is None else max(sigma / 2, 0.003) * 100
    return found


def _exponential(values: Sequence[float], length: int) -> float:
    average = fmean(values[:length])
    for value in values[length:]:
        average += (value - average) * 2 / (length + 1)
    return average


def _wilder(values: Sequence[float], length: int = 14) -> float:
    average = fmean(values[:length])
    for value in values[length:]:
        average += (value - average) / length
    return average


def _place(closes: Sequence[int], highs: Sequence[int], lows: Sequence[int]) -> float:
    high, low = max(highs[-14:]), min(lows[-14:])
    return (closes[-1] - low) / (high - low) * 100 if high > low else 0.0


def _on_balance(closes: Sequence[int], volumes: Sequence[float]) -> list[float]:
    total, found = volumes[0], [volumes[0]]
    for (before, after), volume in zip(pairwise(closes), volumes[1:], strict=True):
        total += volume * ((after > before) - (after < before))
        found.append(total)
    return found


def _slope(values: Sequence[float]) -> float:
    middle, mean = (len(values) - 1) / 2, fmean(values)
    spread = sum((place - middle) ** 2 for place in range(len(values)))
    return sum((place - middle) * (value - mean) for place, value in enumerate(values)) / spread


UNITS = {"조": 10**12, "억": 10**8, "만": 10**4}


def amount(text: str) -> tuple[float, float]:
    """The number a Korean text like `4조 5,910억원` or `-1.29%` says, and half of its last place."""
    total, half = 0.0, 0.0
    for sign, digits, decimals, unit in re.findall(r"([+-]?)(\d[\d,]*)((?:\.\d+)?)([조억만]?)", text):
        size = UNITS.get(unit, 1)
        part = float(digits.replace(",", "") + decimals) * size
        total += -part if sign == "-" else part
        half = size / 2 / 10 ** max(len(decimals) - 1, 0)
    return total, half
