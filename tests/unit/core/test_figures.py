from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.figures import count, number, percent, percent_signed, shares, times, won, won_large, won_signed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (112_345_600_000_000, "112조 3,456억원"),
        (1_000_000_000_000, "1조원"),
        (999_960_000_000, "1조원"),
        (345_600_000_000, "3,456억원"),
        (9_996_000_000, "100억원"),
        (1_230_000_000, "12.3억원"),
        (99_999_999, "1.0억원"),
        (5_600_000, "560만원"),
        (9_999, "9,999원"),
        (0, "0원"),
        (-345_600_000_000, "-3,456억원"),
    ],
)
def test_large_won_is_read_in_jo_and_eok(value: int, text: str) -> None:
    assert won_large(value) == text


@given(st.integers(-(10**17), 10**17))
def test_large_won_reads_back_to_half_of_its_last_place(value: int) -> None:
    text = won_large(value)
    unit = {"조": 10**12, "억": 10**8, "만": 10**4, "": 1}
    parts = re.findall(r"([\d,.]+)(조|억|만|)", text)
    read = sum(float(figure.replace(",", "")) * unit[name] for figure, name in parts)
    last = unit[parts[-1][1]] if parts[-1][1] != "조" else 10**8
    assert abs(read - abs(value)) <= (last / 20 if "." in text else last / 2) + 1
    assert text.startswith("-") == (value < 0)


@given(st.floats(-1000, 1000))
def test_a_change_shows_its_sign_and_zero_shows_none(value: float) -> None:
    text = percent_signed(value)
    assert re.fullmatch(r"[+-]?[\d,]+\.\d\d%", text)
    read = float(text[:-1].replace(",", ""))
    assert read == round(value, 2)
    assert (text[0] in "+-") == (read != 0)


def test_figures_carry_their_units() -> None:
    assert won(1_234_567) == "1,234,567원"
    assert (won_signed(1200), won_signed(-300), won_signed(0)) == ("+1,200원", "-300원", "0원")
    assert shares(1_234_567) == "1,234,567주"
    assert count(12) == "12건"
    assert percent(12.345) == "12.3%"
    assert times(12.344) == "12.34배"
    assert number(-0.04) == "0.0"
