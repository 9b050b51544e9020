"""Personal alerts and /alerts, for the tests of views."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from decimal import Decimal
from typing import Final

from bot.texts import Texts
from bot.views import choices
from bot.views.message import Message
from bot.views.personal import TOLD, personal
from core.alerts.choices import Choices
from core.alerts.condition import Condition, ConditionKind, Wanted
from core.chats.subscriptions import DEFAULTS, Mode, PersonalKind
from core.delivery.alert import Alert, AlertKind, Facts
from core.delivery.letter import Destination, HookName, Letter
from core.stocks.stock import Market, Stock
from tests.sheets import make_quote
from tests.unit.bot.builders import NOW

SAMSUNG: Final = {"code": "005930", "name": "삼성전자", "at": "2026-02-20T01:00:00+00:00"}
PRICED: Final = {"price": 105_100, "change_percent": 5.12}

FACTS: Final[Mapping[AlertKind, Facts]] = {
    AlertKind.REPORT_MADE: {
        **SAMSUNG,
        "verdict": "up",
        "before": "flat",
        "confidence": 0.62,
        "price": 105_100,
        "target": 109_000,
    },
    AlertKind.STORY: {
        **SAMSUNG,
        "article": 12,
        "title": "삼성전자, 새 공장을 짓는다",
        "press": "한국경제",
        "url": "https://press.example/?a=1&b=2",
        "published_at": "2026-02-20T00:50:00+00:00",
        "more": 3,
    },
    AlertKind.FILING: {
        **SAMSUNG,
        "filing": 9,
        "title": "[기재정정]단일판매ㆍ공급계약체결",
        "kind": "supply_contract",
        "weight": "material",
        "url": "https://dart.fss.or.kr/dsaf001/main.do?rcpNo=20260220800001",
        "day": "2026-02-20",
        "filed_at": "2026-02-20T00:58:00+00:00",
        "correction": 1,
        "original": "단일판매ㆍ공급계약체결",
        "original_day": "2026-02-03",
        "original_url": "https://dart.fss.or.kr/dsaf001/main.do?rcpNo=20260203800001",
    },
    AlertKind.PRICE_MOVED: {**SAMSUNG, **PRICED, "step": 5, "change": 5_100},
    AlertKind.VOLUME_SURGED: {**SAMSUNG, **PRICED, "ratio": 3.4, "volume": 12_345_678},
    AlertKind.FLOW_UNUSUAL: {
        **SAMSUNG,
        "day": "2026-02-20",
        "streak": -5,
        "streak_net": -123_456_789_012,
        "net": -23_456_789_012,
        "foreigners": -30_000_000_000,
        "institutions": 6_543_210_988,
        "ratio": 3.2,
    },
    AlertKind.HIGH_LOW: {
        **SAMSUNG,
        **PRICED,
        "day": "2026-02-20",
        "side": "low",
        "extreme": 52_000,
        "before": 52_300,
    },
    AlertKind.SIGNAL_SEEN: {
        **SAMSUNG,
        "day": "2026-02-20",
        "strategy": "rsi",
        "direction": "up",
        "close": 71_000.0,
        "rsi": 31.5,
    },
    AlertKind.CONDITION_MET: {
        **SAMSUNG,
        **PRICED,
        "rule": 4,
        "condition": "volume_times",
        "threshold": 2.5,
        "volume": 12_345_678,
    },
}
"""An alert of every kind, with all it may carry."""

QUOTE: Final = make_quote(NOW)
CONDITIONS: Final = tuple(
    Condition(
        id=number,
        code="005930",
        name="삼성전자",
        kind=kind,
        threshold=Decimal("80000") if kind.startswith("price") else Decimal("2.50"),
        cooldown=timedelta(days=1),
        last_fired_at=NOW if number % 2 else None,
    )
    for number, kind in enumerate(ConditionKind)
)


def letter_of(kind: AlertKind, facts: Facts | None = None, *, repeated: bool = False) -> Letter:
    """A letter of a kind."""
    alert = Alert(kind=kind, key="k", facts=FACTS[kind] if facts is None else facts)
    return Letter(id=1, alert=alert, to=Destination(HookName.TELEGRAM, 1), at=NOW, attempts=1, repeated=repeated)


def alert_messages(words: Texts, evil: str) -> Iterator[tuple[str, Message]]:
    """Every personal alert, and what /alerts shows, by name."""
    for kind in TOLD:
        titled = {**FACTS[kind], **{name: "카카오" for name in ("title", "original") if name in FACTS[kind]}}
        yield f"alert {kind}", personal(letter_of(kind, titled), NOW, words)
        again = letter_of(kind, titled, repeated=True)
        yield f"alert {kind} told again", personal(again, NOW + timedelta(days=1), words)
        named = {
            name: evil for name in ("name", "title", "press", "original", "kind", "strategy") if name in FACTS[kind]
        }
        yield f"alert {kind} evil", personal(letter_of(kind, {**FACTS[kind], **named}), NOW, words)
        yield f"alert {kind} of what is hardly known", personal(letter_of(kind, SAMSUNG), NOW, words)
    chosen = Choices(modes=DEFAULTS, quiet=None, zone="Asia/Seoul", conditions=())
    yield "choices", choices.choices(chosen, 0, NOW, words)
    full = Choices(
        modes=dict.fromkeys(PersonalKind, Mode.OFF),
        quiet=(time(22), time(7)),
        zone="Europe/Paris",
        conditions=CONDITIONS * 5,
    )
    yield "choices full", choices.choices(full, 100, NOW, words)
    stock = Stock(code="0126Z0", name=evil, market=Market.KOSPI)
    for number, cooldown in enumerate(
        (timedelta(minutes=30), timedelta(hours=2), timedelta(days=1), timedelta(days=3))
    ):
        wanted = Wanted(kind=ConditionKind.PRICE_ABOVE, threshold=Decimal(80_000), cooldown=cooldown)
        yield (
            f"condition kept {number}",
            choices.condition_kept(stock, wanted, number % 2 == 0, QUOTE if number else None, number > 1, NOW, words),
        )
    for topic in PersonalKind:
        yield f"turned off {topic}", choices.turned_off(topic, words)
    yield "condition gone", choices.condition_gone(words)
