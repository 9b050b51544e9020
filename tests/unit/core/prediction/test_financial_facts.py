"""Facts of financial ratios: which periods, how they are called, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from core.kis.finance import Ratios
from core.market.companies import Known
from core.prediction.fact import Fact
from core.prediction.financial_facts import financial_facts
from core.prediction.forecast import Statement
from core.reports.wording import checked
from tests.sheets import make_sheet

SEEN = datetime(2026, 2, 15, 17, tzinfo=UTC)
YEAR = Ratios(
    ended=date(2025, 12, 1),
    quarter=False,
    sales_growth=12.82,
    operating_growth=931.9,
    net_growth=-328.98,
    roe=7.4,
    eps=2131.0,
    sales_per_share=38120.0,
    bps=52002.0,
    reserve_ratio=40268.74,
    debt_ratio=26.61,
)


def facts(*ratios: Ratios) -> dict[str, Fact]:
    return {fact.name: fact for fact in financial_facts([Known(ratios=each, first_seen_at=SEEN) for each in ratios])}


def test_a_year_is_told_with_its_period_source_and_when_it_was_first_seen() -> None:
    found = facts(YEAR)
    assert {name: fact.text for name, fact in found.items()} == {
        "ended_year": "2025-12",
        "sales_growth_year": "+12.8%",
        "operating_growth_year": "+931.9%",
        "net_growth_year": "-329.0%",
        "roe_year": "7.4%",
        "debt_ratio_year": "26.6%",
        "eps_year": "2,131원",
        "bps_year": "52,002원",
    }
    assert {fact.source for fact in found.values()} == {"KIS 재무(연간)"}
    assert {fact.at for fact in found.values()} == {SEEN}


def test_a_quarter_is_told_where_it_is_later_than_the_year_and_without_figures_a_share() -> None:
    later = replace(YEAR, ended=date(2026, 3, 1), quarter=True, roe=8.0)
    found = facts(YEAR, later)
    assert found["ended_quarter"].text == "2026-03"
    assert (found["roe_year"].value, found["roe_quarter"].value) == (7.4, 8.0)
    assert found["roe_quarter"].label == "ROE (분기 누적)"
    assert "eps_quarter" not in found
    assert not [name for name in facts(YEAR, replace(later, ended=YEAR.ended)) if name.endswith("_quarter")]


def test_what_is_not_known_is_left_out_and_a_growth_of_no_profit_is_none() -> None:
    found = facts(replace(YEAR, operating_growth=0.0, roe=None))
    assert found.keys().isdisjoint({"operating_growth_year", "roe_year"})
    assert facts(replace(YEAR, sales_growth=0.0))["sales_growth_year"].text == "0.0%"


def test_the_number_check_knows_ratios_and_their_period() -> None:
    sheet = make_sheet(extra=list(facts(YEAR).values()))
    statement = Statement(text="2025-12 결산의 ROE는 7.4%이고 매출은 12.8% 늘었습니다.", evidence=())
    assert checked(statement, sheet, lambda _: set()).text == statement.text
