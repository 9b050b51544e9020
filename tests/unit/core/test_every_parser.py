"""Every parser of something from outside, whatever it is sent: it reads it, or raises its own error and no other.

The table below is compared with the code: a parser that is not in it fails a test.
"""

from __future__ import annotations

import gzip
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from importlib import import_module
from types import FunctionType
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import core.disclosures.parsers
import core.kis
import core.news.parsers
from core.disclosures.parsers import archive, day_list, feed, replies
from core.errors import Malformed, Unsupported
from core.kis import book, chart, finance, holidays, index, investors, minutes, multi, overtime, price, product, ticks
from core.kis.errors import Refused
from core.kis.tokens import _token
from core.news.parsers import feed as news_feed
from core.news.parsers import hankyung, json_rows, mk, naver_lists, naver_page, naver_search, page, reddit
from core.outside.registry import DECLARED, PROVIDERS
from core.stocks import master
from core.stocks.stock import Market
from tests.damage import DEEP, damaged
from tests.samples import sample
from tests.unit.core.disclosures import wire
from tests.unit.core.kis import recorded, test_chart, test_price, test_ticks
from tests.unit.core.news.golden import AT, reply
from tests.unit.core.stocks.test_master import make_line
from tests.unit.core.stocks.test_master import zipped as zipped_master

DAY = date(2026, 5, 27)
INPUTS = frozenset({"body", "content", "data", "raw", "reply", "pages"})
"""What parsers call that which came from outside."""
SHARED = frozenset(
    {
        *("core.kis.rows", "core.kis.wire", "core.kis.client", "core.kis.stream"),
        *("core.news.parsers.text", "core.disclosures.parsers.text"),
    }
)
"""Parts of parsers and callers of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A way from bytes to values: the functions it goes through, a reply that can be read, and recordings.

    `keys` are the declared sources that are read this way. A reply is changed inside of what `packed` puts around it.
    """

    parse: Callable[[bytes], Any]
    through: tuple[Callable[..., Any], ...]
    reply: bytes
    keys: tuple[str, ...] = ()
    recordings: tuple[str, ...] = ()
    packed: Callable[[bytes], bytes] = bytes
    errors: tuple[type[Exception], ...] = (Malformed,)


def news(parse: Any, *keys: str, recordings: tuple[str, ...] = (), through: tuple[Any, ...] = ()) -> Case:
    return Case(
        parse=lambda body: parse(body, at=AT),
        through=(parse, *through),
        reply=reply(keys[0]),
        keys=keys,
        recordings=recordings,
    )


def kis(parse: Any, body: Mapping[str, Any], *keys: str, through: tuple[Any, ...], row: bytes | None = None) -> Case:
    return Case(
        parse=lambda raw: parse(json_object(raw)),
        through=through,
        reply=row or orjson.dumps(body),
        keys=keys,
        errors=(Malformed, Unsupported),
    )


def json_object(raw: bytes) -> Any:
    """The reply as the wire hands it on."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Malformed("not JSON") from None
    if not isinstance(body, dict):
        raise Malformed("no object")
    return body


def dart(parse: Any) -> Callable[[bytes], Any]:
    return lambda body: parse(replies.parse_reply(body), at=wire.AT)


def frame(raw: bytes) -> Any:
    return ticks.read_frame(raw.decode(errors="replace"))


NOW = datetime(2026, 5, 27, 6, 8, tzinfo=UTC)

CASES: dict[str, Case] = {
    "naver_main": news(
        naver_lists.parse_articles,
        "naver_main",
        "naver_focus",
        recordings=("naver/stock_mainnews_2026-10-09.json", "naver/stock_focus_401_2026-10-08.json"),
        through=(json_rows.loaded, json_rows.listed),
    ),
    "naver_stock": news(naver_lists.parse_clusters, "naver_stock"),
    "naver_page": news(naver_page.parse_page, "naver_page", through=(page.read_page,)),
    "naver_search": news(
        naver_search.parse_search,
        "naver_search",
        recordings=("naver/openapi_search_news_hyundai_2026-02-07.json",),
    ),
    "naver_refusal": Case(
        parse=lambda body: [naver_search.refusal(status, body, AT) for status in (400, 401, 404, 429, 500)],
        through=(naver_search.refusal,),
        reply=b'{"error": {"errorCode": "010", "message": "Query limit exceeded", "details": ""}}',
        errors=(),
    ),
    "hankyung": news(hankyung.parse_feed, "hankyung", through=(news_feed.read_items,)),
    "hankyung_page": news(hankyung.parse_page, "hankyung_page"),
    "mk": news(mk.parse_feed, "mk"),
    "mk_sitemap": news(mk.parse_sitemap, "mk_sitemap"),
    "mk_page": news(mk.parse_page, "mk_page", recordings=("mk/article_MBN_2025_06_03.html.gz",)),
    "reddit": news(reddit.parse_listing, "reddit", recordings=("reddit/subredditlistings_test_new.json.gz",)),
    "reddit_info": Case(
        parse=lambda body: reddit.parse_removed(body, ["t3_a"]), through=(reddit.parse_removed,), reply=reply("reddit")
    ),
    "dart_list": Case(
        parse=dart(replies.parse_list),
        through=(replies.parse_reply, replies.parse_list),
        reply=wire.listing(wire.ROW),
        keys=("dart",),
        recordings=("dart/opendart_json/list_samsung.json",),
    ),
    "dart_company": Case(
        parse=dart(replies.parse_company),
        through=(replies.parse_company,),
        reply=wire.listing(**wire.ROW),
        recordings=("dart/opendart_json/company_samsung.json",),
    ),
    "dart_feed": Case(
        parse=lambda body: feed.parse_feed(body, at=wire.AT),
        through=(feed.parse_feed,),
        reply=wire.FEED.encode(),
        keys=("dart_feed", "dart_company_feed"),
        recordings=("dart/rss/companyRSS_samsung_2026-08-27.xml",),
    ),
    "dart_day_list": Case(
        parse=lambda body: day_list.parse_day(body, at=wire.AT),
        through=(day_list.parse_day,),
        reply=wire.DAY.encode(),
        keys=("dart_day_list",),
        recordings=(
            "dart/dsac001_search_html/dsac001_search_2022-01-03_all_p2.cp949.html",
            "dart/dsac001_search_html/dsac001_search_2022-01-03_all_p7.cp949.html",
        ),
    ),
    "dart_corps": Case(
        parse=lambda body: archive.parse_corps(body, at=wire.AT),
        through=(archive.parse_corps, archive.zipped),
        reply=wire.CORPS.encode(),
        keys=("dart_corps",),
        recordings=("dart/CORPCODE_listed_only.xml.gz",),
        packed=partial(wire.zipped, name="CORPCODE.xml"),
    ),
    "dart_document": Case(
        parse=archive.parse_document,
        through=(archive.parse_document, archive.document_text),
        reply=wire.DOCUMENT.encode(),
        recordings=("dart/document_20220816001711_samsung_halfyear.xhtml.cp949.gz",),
        packed=wire.zipped,
    ),
    "dart_refusal": Case(
        parse=archive.parse_refusal,
        through=(archive.parse_refusal,),
        reply=b"<result><status>020</status><message>x</message></result>",
    ),
    "kis_price": kis(
        lambda body: price.quote_of("005930", body, at=NOW), test_price.reply(), "kis_quote", through=(price.quote_of,)
    ),
    "kis_daily": kis(
        lambda body: chart.chart_of([chart.page_of("005930", body, start=test_chart.START, end=test_chart.END)]),
        test_chart.body(test_chart.row(), test_chart.row(stck_bsop_date="20260522")),
        "kis_daily",
        through=(chart.chart_of, chart.page_of),
    ),
    "kis_multi": kis(
        lambda body: multi.quotes_of(["005930", "000040"], body, at=NOW),
        recorded.MULTI,
        "kis_multi",
        through=(multi.quotes_of,),
    ),
    "kis_recent": kis(investors.recent_of, recorded.INVESTORS, "kis_flows", through=(investors.recent_of,)),
    "kis_investors": kis(
        lambda body: investors.daily_of(body, until=DAY), recorded.INVESTORS_DAILY, through=(investors.daily_of,)
    ),
    "kis_estimate": kis(investors.estimates_of, recorded.ESTIMATES, "kis_estimate", through=(investors.estimates_of,)),
    "kis_minutes": kis(
        lambda body: minutes.chart_of(
            [minutes.page_of(body, on=DAY, anchor=time(15, 30), most=4)], opens=datetime(2026, 5, 27, tzinfo=UTC)
        ),
        recorded.MINUTES,
        "kis_minutes",
        through=(minutes.chart_of, minutes.page_of),
    ),
    "kis_book": kis(
        lambda body: book.book_of("005930", body, at=NOW), recorded.BOOK, "kis_book", through=(book.book_of,)
    ),
    "kis_index": kis(
        lambda body: index.quote_of("0001", body, at=NOW), recorded.INDEX, "kis_index", through=(index.quote_of,)
    ),
    "kis_index_daily": kis(
        lambda body: index.chart_of([index.page_of(body, start=date(2024, 1, 1), end=date(2024, 12, 31), most=1)]),
        recorded.INDEX_CHART,
        "kis_index_daily",
        through=(index.chart_of, index.page_of),
    ),
    "kis_overtime": kis(overtime.days_of, recorded.OVERTIME, "kis_overtime", through=(overtime.days_of,)),
    "kis_ratios": kis(
        lambda body: [finance.ratios_of(body, quarters=quarters) for quarters in (False, True)],
        recorded.RATIOS,
        "kis_ratios",
        through=(finance.ratios_of,),
    ),
    "kis_stock": kis(
        lambda body: product.stock_of("000660", body), recorded.STOCK_INFO, "kis_product", through=(product.stock_of,)
    ),
    "kis_product": kis(
        lambda body: product.product_of("000660", body), recorded.PRODUCT_INFO, through=(product.product_of,)
    ),
    "kis_calendar": kis(holidays.days_of, recorded.HOLIDAYS, "kis_calendar", through=(holidays.days_of,)),
    "kis_token": Case(
        parse=lambda raw: _token(json_object(raw), NOW),
        through=(_token,),
        reply=b'{"access_token":"a.b-c","access_token_token_expired":"2026-05-28 15:08:00","expires_in":86400}',
        errors=(Malformed, Refused),
    ),
    "kis_frame": Case(parse=frame, through=(ticks.read_frame,), reply=f"0|H0STCNT0|001|{test_ticks.NEW}".encode()),
    "kis_answer": Case(
        parse=frame,
        through=(ticks.read_frame,),
        reply=b'{"header":{"tr_id":"H0STCNT0","tr_key":"005930"},"body":{"rt_cd":"1","msg_cd":"OPSP0000","msg1":"ok"}}',
    ),
    **{
        f"master_{market}": Case(
            parse=partial(master.parse_master, market),
            through=(master.parse_master,),
            reply=b"\n".join(make_line(market, code=f"00{place}930") for place in range(10, 13)),
            keys=("kis_master",),
            packed=zipped_master if market is Market.KOSDAQ else bytes,
        )
        for market in Market
    },
}


def parsers() -> Iterator[FunctionType]:
    """Every public function of the code that is handed something from outside."""
    names = ["core.stocks.master"]
    for package in (core.news.parsers, core.disclosures.parsers, core.kis):
        names += [f"{package.__name__}.{found.name}" for found in pkgutil.iter_modules(package.__path__)]
    for module in map(import_module, names):
        if module.__name__ in SHARED:
            continue
        for name, function in vars(module).items():
            own = isinstance(function, FunctionType) and function.__module__ == module.__name__
            if own and not name.startswith("_") and INPUTS & set(inspect.signature(function).parameters):
                yield function


def test_every_parser_of_the_code_is_tried_here() -> None:
    tried = {each for case in CASES.values() for each in case.through}
    assert [f"{each.__module__}.{each.__name__}" for each in parsers() if each not in tried] == []


def test_every_declared_source_is_tried_here() -> None:
    assert {key for case in CASES.values() for key in case.keys} == set(DECLARED) - set(PROVIDERS)


@pytest.mark.parametrize("name", CASES)
def test_the_reply_of_each_can_be_read(name: str) -> None:
    case = CASES[name]
    assert case.parse(case.packed(case.reply)) is not None


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=50)
@given(body=st.binary(max_size=300) | st.text(max_size=150).map(str.encode))
def test_arbitrary_bytes_raise_nothing_else(name: str, body: bytes) -> None:
    case = CASES[name]
    survives(case, body)
    survives(case, case.packed(body))


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=100)
@given(seed=st.integers(0, 2**32))
def test_a_damaged_reply_raises_nothing_else(name: str, seed: int) -> None:
    case = CASES[name]
    survives(case, case.packed(damaged(case.reply, seed)))
    survives(case, damaged(case.packed(case.reply), seed))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.reply[:1] in b"{["])
def test_a_field_nested_beyond_reason_raises_nothing_else(name: str) -> None:
    case = CASES[name]
    body = orjson.loads(case.reply)
    for path in places(body):
        for deep in DEEP:
            survives(case, planted(body, path, deep))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.recordings])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damaged_recordings_raise_nothing_else(name: str, seed: int) -> None:
    case = CASES[name]
    for recording in case.recordings:
        survives(case, case.packed(damaged(recorded_reply(recording), seed)))


def survives(case: Case, body: bytes) -> None:
    """Read it, or see it refused as the parser says it refuses."""
    with suppress(*case.errors):
        case.parse(body)


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a reply but the whole, one row of a list."""
    items = body.items() if isinstance(body, dict) else list(enumerate(body))[:2] if isinstance(body, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def planted(body: Any, path: tuple[Any, ...], deep: bytes) -> bytes:
    """The reply with `deep` at that place."""
    copy = orjson.loads(orjson.dumps(body))
    holder = copy
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = "@deep@"
    return orjson.dumps(copy).replace(b'"@deep@"', deep)


RECORDED: dict[str, bytes] = {}


def recorded_reply(name: str) -> bytes:
    """The recording, its beginning where it is a large file."""
    if name not in RECORDED:
        body = sample(name).read_bytes()
        body = gzip.decompress(body) if name.endswith(".gz") else body
        if name.startswith("reddit/"):
            tape = orjson.loads(body)
            listings = (each["body"] for each in tape if isinstance(each["body"], dict))
            body = orjson.dumps(next(each for each in listings if each.get("kind") == "Listing"))
        RECORDED[name] = body[:60_000] if len(body) > 200_000 else body
    return RECORDED[name]
