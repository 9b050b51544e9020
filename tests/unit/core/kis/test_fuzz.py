"""No reply can do more than be malformed: the parsers raise nothing else, and what they keep fits the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Malformed, Unsupported
from core.kis import book, finance, holidays, index, investors, minutes, multi, overtime, price, product
from tests.unit.core.kis import recorded

AT = datetime(2026, 5, 27, 6, 8, tzinfo=UTC)
DAY, OPENS = date(2026, 5, 27), datetime(2026, 5, 27, tzinfo=UTC)
Body = dict[str, Any]
LARGEST = 2**63 - 1


def _minutes(body: Body) -> Any:
    return minutes.chart_of([minutes.page_of(body, on=DAY, anchor=time(15, 30), most=4)], opens=OPENS)


def _index(body: Body) -> Any:
    return index.chart_of([index.page_of(body, start=date(2024, 1, 1), end=date(2024, 12, 31), most=1)])


PARSERS: dict[str, tuple[Callable[[Body], Any], Body]] = {
    "price": (lambda body: price.quote_of("005930", body, at=AT), {"output": {"stck_prpr": "1", "prdy_vrss": "0"}}),
    "multi": (lambda body: multi.quotes_of(["005930", "000040"], body, at=AT), recorded.MULTI),
    "investors": (investors.recent_of, recorded.INVESTORS),
    "investors_daily": (lambda body: investors.daily_of(body, until=DAY), recorded.INVESTORS_DAILY),
    "estimates": (investors.estimates_of, recorded.ESTIMATES),
    "minutes": (_minutes, recorded.MINUTES),
    "book": (lambda body: book.book_of("005930", body, at=AT), recorded.BOOK),
    "index": (lambda body: index.quote_of("0001", body, at=AT), recorded.INDEX),
    "index_chart": (_index, recorded.INDEX_CHART),
    "overtime": (overtime.days_of, recorded.OVERTIME),
    "years": (lambda body: finance.ratios_of(body, quarters=False), recorded.RATIOS),
    "quarters": (lambda body: finance.ratios_of(body, quarters=True), recorded.RATIOS),
    "stock_info": (lambda body: product.stock_of("000660", body), recorded.STOCK_INFO),
    "product_info": (lambda body: product.product_of("000660", body), recorded.PRODUCT_INFO),
    "holidays": (holidays.days_of, recorded.HOLIDAYS),
}

odd_texts = st.sampled_from(
    (
        *("", " ", "-", "0", "-1", "1e9", "99999999", "00000000", "20260230", "999999999999999999", "9" * 30, "NaN"),
        *("\x00", "한글", "０１", "240000", "Y", "y", "1.5.2", "+", "00000A", "<b>"),
    )
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | odd_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a reply."""
    yield path
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, reply: Body) -> Body:
    """The reply with some places replaced or taken away."""
    body = deepcopy(reply)
    for _ in range(draw(st.integers(1, 4))):
        found = [path for path in places(body) if path]
        if not found:
            break
        path = draw(st.sampled_from(found))
        holder = body
        for key in path[:-1]:
            holder = holder[key]
        if draw(st.booleans()):
            holder[path[-1]] = draw(odd_texts | json_values)
        elif isinstance(holder, dict):
            del holder[path[-1]]
    return body


def kept(value: Any) -> Iterator[Any]:
    """Every plain value in what a parser made."""
    if is_dataclass(value):
        for field in fields(value):
            if field.name != "rejected":
                yield from kept(getattr(value, field.name))
    elif isinstance(value, tuple | list):
        for one in value:
            yield from kept(one)
    else:
        yield value


def check(parse: Callable[[Body], Any], body: Body) -> None:
    try:
        made = parse(body)
    except (Malformed, Unsupported):
        return
    for value in kept(made):
        if isinstance(value, int):
            assert abs(value) <= LARGEST
        if isinstance(value, str):
            assert "\x00" not in value


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.data())
def test_a_mutated_reply_is_read_rejected_or_malformed(name: str, data: st.DataObject) -> None:
    parse, reply = PARSERS[name]
    check(parse, data.draw(mutated(reply)))


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.data())
def test_any_json_object_is_read_rejected_or_malformed(name: str, data: st.DataObject) -> None:
    parse, reply = PARSERS[name]
    keys = st.sampled_from([*reply, "output", "output1", "output2", "Output"])
    body = data.draw(st.dictionaries(keys, json_values, max_size=3))
    check(parse, body)
