"""The report on one phone screen, its evidence, the forecasters side by side, and the whole as a document."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.message import Button, Keyboard, Message, Picture
from bot.views.stocks import watch_button
from core.clock import KST
from core.prediction.fact import Fact
from core.reports.chart import SPANS
from core.reports.report import Report, Verdict

VERDICTS = {Verdict.UP: "상승 우위", Verdict.FLAT: "중립", Verdict.DOWN: "하락 우위"}
MARKS = {Verdict.UP: "🔴▲", Verdict.FLAT: "⚪", Verdict.DOWN: "🔵▼"}
HORIZONS = {1: "다음 거래일", 5: "5거래일", 20: "20거래일"}
OUTCOMES = {"made": "예측함", "abstained": "판단 보류", "failed": "예측 실패"}
FAILURES = {
    "Unavailable": "응답 없음",
    "Malformed": "쓸 수 없는 답",
    "Blocked": "요청 거부",
    "QuotaExceeded": "호출 한도 초과",
    "BudgetExceeded": "예산 초과",
    "NotConfigured": "설정 안 됨",
    "WordsRefused": "사실표와 맞지 않는 글은 뺐습니다",
}
"""Why a forecaster failed, by the class of the error."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where facts are from, and when they stood."""

    name: str
    at: datetime


def report(found: Report, watched: bool, picture: Picture, now: datetime, texts: Texts) -> Message:
    """One phone screen, short enough to stand under its picture; the detail is behind the buttons."""
    facts = {fact.name: fact for fact in found.facts}
    text = texts.render(
        "report",
        report=found,
        now=now,
        verdicts=VERDICTS,
        marks=MARKS,
        price_source=facts["price"].source if "price" in facts else "",
        change=facts.get("change_percent"),
        support=facts.get("support_20"),
        resistance=facts.get("resistance_20"),
    )
    return Message(text=text, keyboard=_keyboard(found, watched, texts), photo=picture)


def evidence(found: Report, texts: Texts) -> Message:
    """Every fact with its source and time, and every article."""
    recent = [item for item in found.evidence if not item.similar and not item.disclosure]
    filings = [item for item in found.evidence if item.disclosure]
    similar = [item for item in found.evidence if item.similar]
    groups = (("기사", recent), ("공시", filings), ("비슷했던 과거", similar))
    articles = [(title, items) for title, items in groups if items]
    return Message(text=texts.render("evidence", report=found, groups=_by_source(found.facts), articles=articles))


def opinions(found: Report, texts: Texts) -> Message:
    """Every forecaster's odds and targets beside the others."""
    text = texts.render("opinions", report=found, horizons=HORIZONS, outcomes=OUTCOMES, failures=FAILURES)
    return Message(text=text)


def chart(found: Report, span: str, picture: Picture, texts: Texts) -> Message:
    """The chart over one span."""
    text = texts.render("chart", report=found, span=span)
    spans = tuple(Button(name, pack("rc", found.stock.code, name)) for name in SPANS if name != span)
    return Message(text=text, keyboard=(spans,), photo=picture)


def document(found: Report, picture: bytes | None, texts: Texts) -> Message:
    """The whole report as one HTML file that needs nothing else."""
    page = texts.render(
        "document",
        report=found,
        image=b64encode(picture).decode() if picture else "",
        verdicts=VERDICTS,
        marks=MARKS,
        horizons=HORIZONS,
        outcomes=OUTCOMES,
    )
    name = f"{found.stock.code}_{found.made_at.astimezone(KST):%Y%m%d_%H%M}.html"
    return Message(text=texts.render("document_caption", report=found), document=page.encode(), filename=name)


def _by_source(facts: Iterable[Fact]) -> list[tuple[Source, list[Fact]]]:
    """Facts under the source and time they share, in the order of the sheet."""
    grouped: dict[Source, list[Fact]] = {}
    for fact in facts:
        grouped.setdefault(Source(fact.source, fact.at), []).append(fact)
    return list(grouped.items())


def _keyboard(found: Report, watched: bool, texts: Texts) -> Keyboard:
    code = found.stock.code
    return (
        (Button(texts("🔄 새로고침"), pack("rr", code)), Button(texts("🔎 근거"), pack("re", code))),
        (Button(texts("🤖 다른 모델"), pack("ro", code)), Button(texts("📄 문서"), pack("rd", code))),
        tuple(Button(span, pack("rc", code, span)) for span in SPANS),
        (watch_button(found.stock, watched, texts), Button(texts("📰 뉴스"), pack("n", code))),
    )
