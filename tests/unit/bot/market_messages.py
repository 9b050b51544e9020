"""The market and what goes with a price, for the tests of views."""

from __future__ import annotations

from datetime import date, timedelta

from core.clock import Phase
from core.kis.book import Level, OrderBook
from core.kis.index import IndexQuote
from core.kis.investors import NetTrading
from core.kis.overtime import OvertimeDay
from core.market.companies import Traits
from core.market.flow_queries import MarketFlows
from core.market.indices import Breadth
from core.market.overview import Depth, MarketNow
from tests.unit.bot.builders import NOW

DAY = date(2026, 2, 20)


def _index(code: str, level: float, change: float) -> IndexQuote:
    return IndexQuote(
        code=code,
        level=level,
        change=change,
        change_percent=round(change / (level - change) * 100, 2),
        volume=758_166_000,
        turnover=13_576_970_000_000,
        rising=499,
        unchanged=62,
        falling=371,
        upper_limit=4,
        lower_limit=0,
        at=NOW - timedelta(minutes=5),
    )


MARKET = MarketNow(
    phase=Phase.SESSION,
    served=True,
    next_session=date(2026, 2, 23),
    opens=NOW,
    indices=(_index("0001", 2_807.63, 10.30), _index("1001", 857.51, -4.22), _index("2001", 385.2, 0.0)),
    breadth=Breadth(rising=998, unchanged=124, falling=742),
    flows=MarketFlows(
        day=DAY, stocks=2_630, foreigners=-412_300_000_000, institutions=98_700_000_000, individuals=301_000_000_000
    ),
    at=NOW,
)
NO_MARKET = MarketNow(
    phase=Phase.CLOSED_DAY,
    served=False,
    next_session=date(2026, 2, 23),
    opens=NOW,
    indices=(),
    breadth=None,
    flows=None,
    at=NOW,
)
DEPTH = Depth(
    book=OrderBook(
        code="005930",
        asks=(Level(price=190_200, shares=2_588),),
        bids=(Level(price=190_100, shares=20_697),),
        ask_total=128_407,
        bid_total=268_292,
        at=NOW - timedelta(minutes=2),
    ),
    flows=(
        NetTrading(
            day=DAY,
            close=190_100,
            foreign_shares=-1_893_335,
            institution_shares=-2_315_098,
            individual_shares=4_101_492,
            foreign_value=-143_714_000_000,
            institution_value=-175_760_000_000,
            individual_value=311_359_000_000,
        ),
    ),
    overtime=OvertimeDay(day=DAY, price=190_300, change=-200, volume=12_345, value=2_349_253_500, close=190_500),
    traits=Traits(sector="전기,전자 <b>", kospi200=True, on_nxt=True),
)
