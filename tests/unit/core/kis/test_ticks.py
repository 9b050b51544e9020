"""Frames of the stream of trades: as they were recorded, and as no server should send them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Malformed
from core.kis.ticks import Answer, Ping, Said, Trades, read_frame, registration

OLD = (
    "005930^114829^314000^5^-15000^-4.56^303993.57^293000^315500^292500^314000^313500^2^21357721^6492617035500^133665"
    "^223298^89633^113.70^9062801^10304330^1^0.49^63.33^090234^2^21000^114412^5^-1500^090235^2^21500^20260608^20^N^6550"
    "^20036^245555^182916^0.37^18168567^117.55^0^^302000"
)
NEW = f"{OLD}^2"
"""A recorded trade as it came until 2026-09-14, and as it comes since."""


def with_field(record: str, place: int, value: str) -> str:
    fields = record.split("^")
    fields[place] = value
    return "^".join(fields)


def trades(raw: str) -> Trades:
    found = read_frame(raw)
    assert isinstance(found, Trades)
    return found


@pytest.mark.parametrize(("record", "width"), [(OLD, 46), (NEW, 47), (f"{NEW}^new^newer", 49)])
def test_a_recorded_trade_is_read_whatever_was_added_at_its_end(record: str, width: int) -> None:
    found = trades(f"0|H0STCNT0|001|{record}")
    (quote,) = found.quotes
    assert (found.width, found.rejected) == (width, ())
    assert (quote.code, quote.price, quote.change, quote.change_percent) == ("005930", 314_000, -15_000, -4.56)
    assert (quote.open, quote.high, quote.low) == (293_000, 315_500, 292_500)
    assert (quote.volume, quote.value) == (21_357_721, 6_492_617_035_500)
    assert quote.at == datetime(2026, 6, 8, 2, 48, 29, tzinfo=UTC)


@pytest.mark.parametrize("record", [OLD, NEW])
def test_every_record_of_a_frame_is_read_in_order(record: str) -> None:
    records = [with_field(record, 2, str(300_000 + number)) for number in range(20)]
    found = trades(f"0|H0STCNT0|020|{'^'.join(records)}")
    assert [quote.price for quote in found.quotes] == list(range(300_000, 300_020))


@pytest.mark.parametrize(
    ("place", "value"), [(2, "cheap"), (2, "0"), (2, "-5"), (33, "20261345"), (1, "256199"), (0, "x"), (13, "")]
)
def test_a_record_that_cannot_be_read_spoils_only_itself(place: int, value: str) -> None:
    found = trades(f"0|H0STCNT0|002|{with_field(NEW, place, value)}^{NEW}")
    assert [quote.price for quote in found.quotes] == [314_000]
    (bad,) = found.rejected
    assert bad.reason
    assert "114829" in bad.raw or place == 1


@pytest.mark.parametrize(("place", "value"), [(43, "C"), (43, "B"), (46, "1"), (46, "3"), (46, "5")])
def test_expected_prices_and_trades_outside_the_regular_session_are_left_out(place: int, value: str) -> None:
    found = trades(f"0|H0STCNT0|001|{with_field(NEW, place, value)}")
    assert (found.quotes, found.rejected) == ((), ())


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "0",
        "0|H0STCNT0|001",
        f"1|H0STCNT0|001|{NEW}",
        f"0|H0STASP0|001|{NEW}",
        f"0|H0STCNT0|000|{NEW}",
        f"0|H0STCNT0|-01|{NEW}",
        f"0|H0STCNT0|002|{NEW}",
        "0|H0STCNT0|001|005930^114829^314000",
        "0" * 100_001,
        "SUBSCRIBE SUCCESS",
        "[]",
        '{"header":[]}',
        '{"header":{"tr_id":"H0STCNT0"}}',
    ],
)
def test_what_is_no_frame_is_malformed(raw: str) -> None:
    with pytest.raises(Malformed):
        read_frame(raw)


def answer(code: str, words: str = "") -> Any:
    header = {"tr_id": "H0STCNT0", "tr_key": "005930", "encrypt": "N"}
    return read_frame(json.dumps({"header": header, "body": {"rt_cd": "1", "msg_cd": code, "msg1": words}}))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("OPSP0000", Said.ON),
        ("OPSP0001", Said.OFF),
        ("OPSP0002", Said.ON),
        ("OPSP0003", Said.OFF),
        ("OPSP0007", Said.AGAIN),
        ("OPSP0008", Said.FULL),
        ("OPSP0011", Said.KEY),
        ("OPSP8996", Said.IN_USE),
        ("OPSP8992", Said.REFUSED),
        ("OPSP4711", Said.REFUSED),
    ],
)
def test_each_answer_has_its_reaction(code: str, said: Said) -> None:
    assert answer(code, "words") == Answer(said=said, code="005930", detail=f"{code} words")


def test_what_an_answer_says_is_kept_short_and_without_secrets() -> None:
    found = answer("OPSP0011", "invalid approval_key=hunter2-9c09-4587 " + "x" * 1_000)
    assert "hunter2" not in found.detail
    assert len(found.detail) <= 120


def test_a_ping_is_kept_as_it_came() -> None:
    raw = '{"header":{"tr_id":"PINGPONG","datetime":"20260608114830"}}'
    assert read_frame(raw) == Ping(raw)


def test_a_registration_is_as_documented() -> None:
    assert json.loads(registration("005930", approval_key="k", on=True)) == {
        "header": {"approval_key": "k", "custtype": "P", "tr_type": "1", "content-type": "utf-8"},
        "body": {"input": {"tr_id": "H0STCNT0", "tr_key": "005930"}},
    }
    assert json.loads(registration("005930", approval_key="k", on=False))["header"]["tr_type"] == "2"


@given(count=st.integers(1, 4), data=st.data())
def test_a_frame_with_strange_fields_is_read_rejected_or_malformed(count: int, data: st.DataObject) -> None:
    fields = "^".join([NEW] * count).split("^")
    for place in data.draw(st.lists(st.integers(0, len(fields) - 1), max_size=5)):
        fields[place] = data.draw(st.text(max_size=12) | st.integers().map(str))
    try:
        found = read_frame(f"0|H0STCNT0|{count:03d}|{'^'.join(fields)}")
    except Malformed:
        return
    assert isinstance(found, Trades)
    assert len(found.quotes) + len(found.rejected) <= count
    assert all(0 < quote.price < 2**63 and quote.at.tzinfo for quote in found.quotes)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["header", "body", "tr_id", "tr_key", "msg_cd", "msg1"]), inner)
    ),
)


@given(raw=st.text(max_size=80) | json_values.map(json.dumps) | st.text(max_size=60).map("0|H0STCNT0|001|".__add__))
def test_any_text_is_read_or_malformed(raw: str) -> None:
    try:
        read_frame(raw)
    except Malformed:
        return
