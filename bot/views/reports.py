"""The report on one phone screen, its evidence, the forecasters side by side, and the whole as a document."""

from __future__ import annotations

from datetime import datetime

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.message import Button, Keyboard, Message
from bot.views.stocks import watch_button
from core.reports.chart import SPANS
from core.reports.report import Report, Verdict

VERDICTS = {Verdict.UP: "상승 우위", Verdict.FLAT: "중립", Verdict.DOWN: "하락 우위"}
HORIZONS = {1: "다음 거래일", 5: "5거래일", 20: "20거래일"}


def report(found: Report, watched: bool, picture: bytes | None, now: datetime, texts: Texts) -> Message:
    """One phone screen, then the detail folded."""
    text = texts.render("report", report=found, verdict=VERDICTS[found.verdict], now=now, verdicts=VERDICTS)
    return Message(text=text, keyboard=_keyboard(found, watched, texts), photo=picture)


def evidence(found: Report, texts: Texts) -> Message:
    """Every fact with its source and time, and every article."""
    return Message(text=texts.render("evidence", report=found))


def opinions(found: Report, texts: Texts) -> Message:
    """Every forecaster's odds and targets beside the others."""
    return Message(text=texts.render("opinions", report=found, horizons=HORIZONS))


def chart(found: Report, span: str, picture: bytes | None, texts: Texts) -> Message:
    """The chart over one span."""
    text = texts.render("chart", report=found, span=span, drawn=picture is not None)
    spans = tuple(Button(name, pack("rc", found.stock.code, name)) for name in SPANS if name != span)
    return Message(text=text, keyboard=(spans,), photo=picture)


def document(found: Report, picture: bytes | None, texts: Texts) -> Message:
    """The whole report as one HTML file that needs nothing else."""
    from base64 import b64encode

    image = b64encode(picture).decode() if picture else ""
    page = texts.render(
        "document", report=found, image=image, verdict=VERDICTS[found.verdict], verdicts=VERDICTS, horizons=HORIZONS
    )
    name = f"{found.stock.code}_{found.made_at:%Y%m%d_%H%M}.html"
    return Message(text=found.stock.name, document=page.encode(), filename=name)


def _keyboard(found: Report, watched: bool, texts: Texts) -> Keyboard:
    code = found.stock.code
    return (
        (Button(texts("🔄 새로고침"), pack("rr", code)), Button(texts("🔎 근거"), pack("re", code))),
        (Button(texts("🤖 다른 모델"), pack("ro", code)), Button(texts("📄 문서"), pack("rd", code))),
        tuple(Button(span, pack("rc", code, span)) for span in SPANS),
        (watch_button(found.stock, watched, texts), Button(texts("📰 뉴스"), pack("n", code))),
    )
