"""Conditions as people write them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.alerts.choices import parse_hours
from core.alerts.condition import COOLDOWN, ConditionKind, parse_condition
from core.errors import UserError

K = ConditionKind


@pytest.mark.parametrize(
    ("written", "stock", "kind", "threshold"),
    [
        ("삼성전자 > 80000", "삼성전자", K.PRICE_ABOVE, "80000"),
        ("삼성전자>80,000원", "삼성전자", K.PRICE_ABOVE, "80000"),
        ("005930 >= 80000", "005930", K.PRICE_ABOVE, "80000"),
        ("삼전 < 70000 won", "삼전", K.PRICE_BELOW, "70000"),
        ("삼성전자 ≤ 70000", "삼성전자", K.PRICE_BELOW, "70000"),
        ("삼성전자 80000 이상", "삼성전자", K.PRICE_ABOVE, "80000"),
        ("삼성전자 70000원 이하", "삼성전자", K.PRICE_BELOW, "70000"),
        ("삼성전자 5%", "삼성전자", K.CHANGE_EITHER, "5"),
        ("삼성전자 ±5 %", "삼성전자", K.CHANGE_EITHER, "5"),
        ("삼성전자 +5.5%", "삼성전자", K.CHANGE_UP, "5.5"),
        ("삼성전자 -3%", "삼성전자", K.CHANGE_DOWN, "3"),
        ("KODEX 200 5%", "KODEX 200", K.CHANGE_EITHER, "5"),
        ("카카오 거래량 3배", "카카오", K.VOLUME_TIMES, "3"),
        ("SK hynix volume 2.5x", "SK hynix", K.VOLUME_TIMES, "2.5"),
    ],
)
def test_whatever_means_a_condition_is_one(written: str, stock: str, kind: ConditionKind, threshold: str) -> None:
    name, wanted = parse_condition(written)
    assert (name, wanted.kind, wanted.threshold) == (stock, kind, Decimal(threshold))
    assert wanted.cooldown == COOLDOWN


@pytest.mark.parametrize(
    ("written", "cooldown"),
    [
        ("삼성전자 > 80000 2시간마다", timedelta(hours=2)),
        ("삼성전자 5% every 30m", timedelta(minutes=30)),
        ("삼성전자 5% 3일에 한 번", timedelta(days=3)),
        ("카카오 거래량 3배 10분", timedelta(minutes=10)),
    ],
)
def test_how_often_it_may_be_told_is_written_behind_it(written: str, cooldown: timedelta) -> None:
    assert parse_condition(written)[1].cooldown == cooldown


@pytest.mark.parametrize(
    "written",
    [
        *("", "삼성전자", "> 80000", "삼성전자 >", "삼성전자 > abc", "삼성전자 80000", "삼성전자 거래량", "5%"),
        *(
            "삼성전자 > 0",
            "삼성전자 > 1.5",
            "삼성전자 > 1000000001",
            "삼성전자 0%",
            "삼성전자 31%",
            "삼성전자 거래량 1배",
        ),
        *("삼성전자 거래량 1001배", "삼성전자 5% 9분마다", "삼성전자 5% 31일마다", "삼성전자 > ٣", "삼성전자 > 1e5"),
    ],
)
def test_what_is_none_is_answered_with_an_example(written: str) -> None:
    with pytest.raises(UserError, match="/alerts add 삼성전자"):
        parse_condition(written)


@given(st.text(max_size=200))
def test_no_text_breaks_it(written: str) -> None:
    try:
        name, wanted = parse_condition(written)
    except UserError:
        return
    assert name.strip()
    assert wanted.threshold > 0


@given(st.times(), st.times())
def test_hours_are_read_as_they_are_written(start: object, end: object) -> None:
    text = f"{start:%H:%M}-{end:%H:%M}"
    if f"{start:%H:%M}" == f"{end:%H:%M}":
        with pytest.raises(UserError, match="/alerts quiet"):
            parse_hours(text)
    else:
        hours = parse_hours(text)
        assert f"{hours[0]:%H:%M}-{hours[1]:%H:%M}" == text


@pytest.mark.parametrize("written", ["", "22", "22:00", "24:00-07:00", "22:60-07:00", "abc-def", "٢٢:٠٠-٠٧:٠٠"])
def test_what_are_no_hours_is_answered_with_an_example(written: str) -> None:
    with pytest.raises(UserError, match="/alerts quiet 22:00-07:00"):
        parse_hours(written)
