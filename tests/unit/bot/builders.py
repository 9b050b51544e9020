"""Builders of what the views show: reports, articles, members, health reports."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from core.chats.member import Language, Member, Person, Role
from core.clock import Phase
from core.delivery.queries import OutboxState
from core.health.loop_lag import Lag
from core.health.overview import Overview
from core.health.queries import Today
from core.health.report import Component, HealthReport, Status, overall
from core.health.vitals import Vitals
from core.ledger.calls import Spent
from core.news.article import Article
from core.prediction.fact import Evidence, numbered
from core.prediction.forecast import Odds
from core.reports.report import (
    Link,
    Opinion,
    Record,
    Report,
    Sentence,
    SinceLast,
    UpdateReason,
    Verdict,
    Wording,
)
from core.runs.leadership import Leader
from core.stocks.stock import Market, Stock
from tests.sheets import SAMSUNG, make_bars, make_sheet

SHEET = make_sheet(make_bars(250))
NOW = SHEET.as_of + timedelta(minutes=12)
ODDS = Odds(up=0.48, flat=0.32, down=0.2)


def make_stock(**changes: Any) -> Stock:
    """삼성전자, changed."""
    values: dict[str, Any] = {"code": "005930", "name": "삼성전자", "market": Market.KOSPI}
    return Stock(**values | changes)


def make_member(language: Language = Language.KO, **changes: Any) -> Member:
    """A member."""
    values: dict[str, Any] = {"id": 101, "name": "김하늘", "role": Role.MEMBER, "language": language, "joined_at": NOW}
    return Member(**values | changes)


def make_person(**changes: Any) -> Person:
    """Somebody as an admin sees them."""
    values: dict[str, Any] = {"id": 101, "name": "Haneul", "role": Role.MEMBER, "owner": False, "language": Language.KO}
    return Person(**values | {"joined_at": NOW, "seen_at": NOW} | changes)


def make_article(number: int = 1, **changes: Any) -> Article:
    """An article about the stock."""
    values: dict[str, Any] = {
        "id": number,
        "canonical_id": f"naver:015/{number:010}",
        "url": f"https://n.news.naver.com/mnews/article/015/{number:010}?a=1&b=2",
        "title": f"삼성전자, 3분기 영업이익 '어닝 서프라이즈'…목표가 줄상향 {number}",
        "summary": "삼성전자가 시장 기대를 웃도는 실적을 내놨다. 증권가는 목표주가를 올려 잡고 있다.",
        "body": None,
        "press": "한국경제",
        "partial": False,
        "published_at": NOW - timedelta(hours=number),
        "first_seen_at": NOW - timedelta(hours=number),
        "codes": ("005930",),
    }
    return Article(**values | changes)


def make_evidence(number: int, **changes: Any) -> Evidence:
    """An article a report leans on."""
    article = make_article(number)
    values: dict[str, Any] = {
        "id": f"a{number}",
        "article_id": number,
        "title": article.title,
        "url": article.url,
        "press": article.press,
        "published_at": article.published_at,
    }
    return Evidence(**values | changes)


def make_sentence(text: str, press: str = "한국경제") -> Sentence:
    """A sentence with one source."""
    link = Link(title="제목", url="https://n.news.naver.com/mnews/article/015/0000000001?a=1&b=2", press=press, at=NOW)
    return Sentence(text=text, links=(link,))


def make_opinion(model_key: str, **changes: Any) -> Opinion:
    """One forecaster's view."""
    values: dict[str, Any] = {
        "model_key": model_key,
        "outcome": "made",
        "failure": None,
        "odds": {1: ODDS, 5: ODDS, 20: ODDS},
        "confidence": 0.61,
        "short_target": 74_500,
        "long_target": 79_000,
        "reasons": (make_sentence("20일 이동평균과의 차이가 +3.21%로 추세가 살아 있습니다."),),
    }
    return Opinion(**values | changes)


def make_report(**changes: Any) -> Report:
    """A full report of a usual length."""
    values: dict[str, Any] = {
        "id": 7,
        "stock": SAMSUNG,
        "made_at": SHEET.as_of,
        "as_of": SHEET.as_of,
        "phase": Phase.AFTER_CLOSE,
        "reason": UpdateReason.SCHEDULED,
        "verdict": Verdict.UP,
        "confidence": 0.56,
        "lead_model": "openai:gpt-6-luna",
        "wording": Wording.WRITTEN,
        "base_price": SHEET.base_price,
        "base_at": SHEET.base_at,
        "short_target": 74_500,
        "long_target": 79_000,
        "reasons": (
            make_sentence("20일 이동평균과의 차이가 +3.21%로 추세가 살아 있습니다."),
            make_sentence("최근 5거래일 수익률이 +4.10%로 오름세가 이어졌습니다.", "연합뉴스"),
            make_sentence("직전 20일 평균 대비 거래량이 1.42배로 관심이 커졌습니다.", "매일경제"),
        ),
        "counter_case": make_sentence("RSI(14)가 68.1로 과열에 가까워 쉬어 갈 수 있습니다."),
        "change_of_view": make_sentence("종가가 20일 최저인 65,100원을 밑돌면 판단을 바꾸겠습니다."),
        "risks": (make_sentence("20일 변동성이 35.9%로 가격이 예상보다 크게 움직일 수 있습니다."),),
        "facts": numbered(SHEET.facts),
        "evidence": (
            *(make_evidence(number) for number in range(1, 9)),
            *(make_evidence(number, similar=True, after_percent=1.25) for number in range(20, 25)),
        ),
        "missing": ("PER", "PBR", "투자자별 매매 동향"),
        "opinions": (
            make_opinion("openai:gpt-6-luna"),
            make_opinion("openrouter:deepseek/deepseek-v3.2", outcome="failed", failure="Unavailable", odds={}),
            make_opinion("rule:momentum", reasons=(), long_target=None),
            make_opinion("rule:flow_following", outcome="abstained", odds={}, reasons=()),
        ),
        "since_last": SinceLast(
            made_at=SHEET.as_of - timedelta(hours=3),
            verdict=Verdict.FLAT,
            confidence=0.4,
            base_price=70_000,
            price_change_percent=1.23,
            new_articles=4,
        ),
        "record_here": Record(calls=12, hits=7, days=12),
        "record_everywhere": Record(calls=2_700, hits=1_404, days=61, hit_rate=0.52, low=0.47, high=0.57),
        "input_hash": "0" * 64,
    }
    return Report(**values | changes)


def make_component(name: str, status: Status = Status.HEALTHY, **changes: Any) -> Component:
    """A probed component."""
    values: dict[str, Any] = {
        "critical": False,
        "latency_ms": None if status is Status.NOT_CONFIGURED else 12,
        "last_success_at": NOW if status is Status.HEALTHY else None,
    }
    return Component(name=name, status=status, **values | changes)


def make_vitals(**changes: Any) -> Vitals:
    """The numbers of a process."""
    values: dict[str, Any] = {
        "uptime": timedelta(days=2, hours=3, minutes=4),
        "process_cpu": 12.3,
        "system_cpu": 45.6,
        "cpu_seconds": 1234.5,
        "cores": 2,
        "resident": 345_678_901,
        "memory_total": 8_000_000_000,
        "memory_percent": 56.7,
        "disk_total": 100_000_000_000,
        "disk_free": 40_000_000_000,
        "threads": 12,
        "tasks": 34,
        "open_files": 56,
        "pool_in_use": 3,
        "pool_most": 20,
        "lag": Lag(last=0.001, p99=0.012, most=0.345),
        "collections": (1000, 90, 8),
        "python": "3.11.2",
    }
    return Vitals(**values | changes)


def make_overview(health: HealthReport, **changes: Any) -> Overview:
    """The system on one screen."""
    numbers = Today(
        members=3,
        reports=40,
        failed_reports=1,
        failed_runs=2,
        newest_article_at=NOW - timedelta(minutes=3),
        newest_quote_at=NOW,
        newest_bar_on=NOW.date(),
    )
    values: dict[str, Any] = {
        "at": NOW,
        "health": health,
        "phase": Phase.CLOSING_PRICE,
        "next_session": NOW.date() + timedelta(days=3),
        "running": ("embed_news",),
        "today": numbers,
        "outbox": OutboxState(depth=2, oldest_at=NOW - timedelta(minutes=2), failed=0, dropped=1, parked=0, repeated=0),
        "spent": Spent(today=Decimal("0.123"), month=Decimal("4.5")),
        "uptime": timedelta(hours=5, minutes=6),
        "leader": Leader(owner="host:1:abc", epoch=2, since=NOW, expired=False),
    }
    return Overview(**values | changes)


def make_health(*components: Component) -> HealthReport:
    """A health report over these components."""
    return HealthReport(status=overall(components), at=NOW, components=components)
