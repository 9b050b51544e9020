"""Values of rows."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Malformed
from core.kis.rows import day, decimal, listed, members, not_negative, rejected, text, whole

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("blank", ["", " ", "          "])
def test_blanks_are_no_value(blank: str) -> None:
    row = {"x": blank}
    assert (text(row, "x"), whole(row, "x"), decimal(row, "x"), day(row, "x"), whole(row, "y")) == (None,) * 5


@pytest.mark.parametrize(
    ("written", "value"), [("75700", 75700), ("-1600", -1600), ("+5", 5), ("000120", 120), ("52002.00", 52002)]
)
def test_whole_numbers_carry_their_sign(written: str, value: int) -> None:
    assert whole({"x": written}, "x") == value


@pytest.mark.parametrize("written", ["1_000", "1,000", "１２", "1e9", "nan", "12.5", "--1", "9" * 19, "0x1"])
def test_what_is_no_whole_number_is_refused(written: str) -> None:
    with pytest.raises(Malformed):
        whole({"x": written}, "x")


@pytest.mark.parametrize("written", ["inf", "nan", "1e400", "1.2.3", "", "5"])
def test_decimals_are_finite(written: str) -> None:
    try:
        value = decimal({"x": written}, "x")
    except Malformed:
        return
    assert value is None or value == 5.0


def test_dates() -> None:
    assert day({"x": "20260220"}, "x") == date(2026, 2, 20)
    with pytest.raises(Malformed):
        day({"x": "20260230"}, "x")


def test_a_negative_volume_is_refused() -> None:
    with pytest.raises(Malformed):
        not_negative({"acml_vol": "-1"}, "acml_vol")


@given(ANYTHING)
def test_any_value_is_read_or_refused_by_type(value: object) -> None:
    for read in (text, whole, decimal, day, not_negative):
        try:
            read({"x": value}, "x")
        except Malformed as error:
            assert len(str(error)) < 200  # noqa: PT017 - either outcome is right


@given(ANYTHING)
def test_any_row_that_came_as_json_can_be_quarantined(value: object) -> None:
    try:
        came = orjson.loads(orjson.dumps(value))
    except (TypeError, orjson.JSONEncodeError):
        return
    assert isinstance(rejected(came, Malformed("odd")).raw, str)


@pytest.mark.parametrize("body", [{"output": {"a": "1"}}, {"Output": {"a": "1"}}, {"OUTPUT": [{"a": "1"}]}])
def test_an_object_may_come_as_a_list_of_one_and_under_any_case(body: dict[str, Any]) -> None:
    assert members(body, "output") == {"a": "1"}
    assert listed(body, "output") == [{"a": "1"}]


@pytest.mark.parametrize("body", [{}, {"output": []}, {"output": [{}, {}]}, {"output": "1"}, {"output": ["1"]}])
def test_what_is_no_object_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="output"):
        members(body, "output")
