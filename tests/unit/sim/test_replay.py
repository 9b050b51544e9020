from __future__ import annotations

from datetime import date, time
from pathlib import Path
from random import Random

import pytest

from core.clock import Calendar, kst
from core.stocks.stock import Kind, Market
from sim.market import SimBar, SimMarket
from sim.replay import replayed_market
from tests.samples import sample

PARQUET = "krx/marcap-2026_part_20260102-20260220.parquet"
CSV = "krx/marcap-2025_part_20250102-20250211.csv.gz"
AT = kst(date(2026, 2, 20), time(15, 50))


@pytest.fixture(scope="module")
def replay(calendar: Calendar) -> SimMarket:
    return replayed_market(sample(PARQUET), calendar=calendar)


def test_every_sampled_row_of_the_file_is_the_bar_of_that_day(replay: SimMarket) -> None:
    import polars as pl

    rows = pl.read_parquet(sample(PARQUET)).to_dicts()
    assert len(rows) == sum(len(replay.bars(code, until=AT)) for code in replay.issues)
    for row in Random(1).sample(rows, 500):
        bars = {bar.day: bar for bar in replay.bars(row["Code"], until=AT)}
        day = row["Date"].date()
        prices = (int(row[name]) for name in ("Open", "High", "Low", "Close", "Volume", "Amount"))
        assert bars[day] == SimBar(day, *prices)
        quote = replay.quote(row["Code"], kst(day, time(16)))
        assert quote is not None
        assert (quote.change, quote.market_cap) == (row["Changes"], row["Marcap"])


def test_issues_know_their_board_and_kind(replay: SimMarket) -> None:
    assert len(replay.issues) == 2_907
    assert {issue.market for issue in replay.issues.values()} == set(Market)
    kinds = {code: replay.issues[code].kind for code in ("005930", "005935", "452980", "330590")}
    assert kinds == {"005930": Kind.COMMON, "005935": Kind.PREFERRED, "452980": Kind.SPAC, "330590": Kind.REIT}
    assert replay.issues["0126Z0"].name == "삼성에피스홀딩스"
    assert replay.issues["247540"].market is Market.KOSDAQ


def test_a_day_without_trade_stays_as_recorded(replay: SimMarket) -> None:
    bar = replay.bars("001570", until=AT)[-1]
    issue = replay.issue("001570", AT)
    assert (bar.open, bar.high, bar.low, bar.volume) == (0, 0, 0, 0)
    assert bar.close > 0
    assert issue is not None
    assert issue.halted


def test_an_issue_that_left_the_list_is_no_longer_listed(replay: SimMarket) -> None:
    assert len(replay.listed(AT)) == 2_882


def test_recordings_of_two_years_are_one_market(calendar: Calendar) -> None:
    both = replayed_market(sample(CSV), sample(PARQUET), calendar=calendar)
    days = [bar.day for bar in both.bars("005930", until=AT)]
    assert (days[0], days[-1]) == (date(2025, 1, 2), date(2026, 2, 20))
    assert days == sorted(set(days))


def test_a_file_without_the_columns_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("Code,Name\n005930,삼성전자\n")
    with pytest.raises(ValueError, match=r"x\.csv has no column .*Close"):
        replayed_market(tmp_path / "x.csv")
