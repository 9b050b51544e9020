"""The facts that follow from a company's financial ratios: of its last full year, and of its year so far. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from core.figures import percent, percent_signed, won
from core.market.companies import Known
from core.prediction.fact import Fact

_YEAR, _SO_FAR = "KIS 재무(연간)", "KIS 재무(분기 누적)"

_GROWTH: Final = (
    ("sales_growth", "매출 증가율"),
    ("operating_growth", "영업이익 증가율"),
    ("net_growth", "순이익 증가율"),
)
_LEVELS: Final = (("roe", "ROE"), ("debt_ratio", "부채비율"))
_A_SHARE: Final = (("eps", "주당순이익"), ("bps", "주당순자산"))


def financial_facts(known: Sequence[Known]) -> Iterator[Fact]:
    """The newest year, and the newest quarter where it is later than that: `known` holds one of each at most.

    `at` is when the figures were first seen, the source says what kind of period they are of, and a fact of its own
    when it ended. A quarter's growth adds up from the start of its year and is against the same months a year before;
    its return on equity is that of a year, and what it earned a share is left out, since it is not that of a year. Ids
    are empty, for the sheet numbers them.
    """
    year = next((one for one in known if not one.ratios.quarter), None)
    quarter = next((one for one in known if one.ratios.quarter), None)
    if year is not None:
        yield from _period(year, _YEAR, "연간", "year")
    if quarter is not None and (year is None or quarter.ratios.ended > year.ratios.ended):
        yield from _period(quarter, _SO_FAR, "분기 누적", "quarter")


def _period(known: Known, source: str, span: str, suffix: str) -> Iterator[Fact]:
    ratios = known.ratios

    def fact(name: str, label: str, text: str, value: float | None) -> Fact:
        label = f"{label} ({span})"
        return Fact(
            id="", name=f"{name}_{suffix}", label=label, text=text, value=value, source=source, at=known.first_seen_at
        )

    yield fact("ended", "결산월", f"{ratios.ended:%Y-%m}", None)
    for name, label in _GROWTH:
        value = getattr(ratios, name)
        # KIS writes 0 for the growth of an operating profit that was or became a loss.
        if value is not None and not (name == "operating_growth" and value == 0):
            yield fact(name, label, percent_signed(value, 1), value)
    for name, label in _LEVELS:
        if (value := getattr(ratios, name)) is not None:
            yield fact(name, label, percent(value), value)
    for name, label in _A_SHARE:
        if (value := getattr(ratios, name)) is not None and not ratios.quarter:
            yield fact(name, label, won(round(value)), round(value))
