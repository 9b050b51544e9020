"""Every alert says in both languages what happened, what it means and what to do."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.texts import texts
from bot.views.alerts import WORDS, alert
from bot.views.split import MAX_TEXT, visible_length
from core.chats.member import Language
from core.delivery.alert import PERSONAL, Alert, AlertKind, Facts
from core.delivery.letter import Destination, HookName, Letter
from core.health.note import WRITTEN, NoteKind, note
from core.health.report import Component, Status
from core.health.service import alert_of
from core.health.told import Change
from tests.conftest import NOW

FACTS: dict[AlertKind, Facts] = {
    AlertKind.JOB_FAILED: {"job": "crawl_news", "slot": NOW.isoformat(), "state": "timed_out", "error": "Unavailable"},
    AlertKind.JOB_RECOVERED: {"job": "crawl_news", "slot": NOW.isoformat(), "failures": 3},
    AlertKind.STATUS_CHANGED: {"component": "kis", "before": "healthy", "after": "unhealthy", "message": "no answer"},
    AlertKind.RESOURCE_FULL: {"component": "disk", "percent": 91},
    AlertKind.RESOURCE_FREED: {"component": "disk", "percent": 62.5},
    AlertKind.BUDGET: {"period": "day", "percent": 80, "spent_usd": 4.1, "limit_usd": 5.0},
    AlertKind.ERROR_RATE: {"provider": "openai", "failed": 12, "calls": 40, "percent": 30.0},
    AlertKind.STRATEGY_RESTARTED: {"strategy": "rsi", "reason": "Unavailable: database", "attempt": 2},
    AlertKind.STRATEGY_STOPPED: {"strategy": "rsi", "reason": "Unavailable: database"},
    AlertKind.STRATEGY_RECOVERED: {"strategy": "rsi"},
    AlertKind.SIGNAL: {
        "strategy": "rsi",
        "code": "005930",
        "name": "삼성전자",
        "day": "2026-02-20",
        "direction": "up",
        "close": 71000,
        "rsi": 31.5,
    },
    AlertKind.MEMBER_WAITS: {"user_id": 101, "name": "김하늘"},
    AlertKind.SOURCE_FAILED: {"source": "hankyung", "failure": "blocked", "failures": 1, "error": "refused with 403"},
    AlertKind.SOURCES_DIFFER: {
        "what": "daily_bars",
        "day": "2026-02-20",
        "first": "kis_daily",
        "second": "kis_multi",
        "compared": 30,
        "differing": 1,
        "missing": 2,
        "example": "005930 close 70500 / 70600",
    },
    AlertKind.SOURCE_RECOVERED: {"source": "hankyung", "since": NOW.isoformat(), "items": 20},
}


def letter(kind: AlertKind, facts: Facts | None = None) -> Letter:
    said = Alert(kind=kind, key="k", facts=FACTS[kind] if facts is None else facts)
    return Letter(id=1, alert=said, to=Destination(HookName.TELEGRAM, 1), at=NOW, attempts=1, repeated=False)


def shown(written: Letter, language: Language = Language.KO) -> str:
    return alert(written, NOW, texts(language)).text


def test_every_kind_has_words_and_is_tried_here() -> None:
    assert set(WORDS) == set(FACTS) == set(AlertKind) - PERSONAL


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("kind", list(FACTS))
def test_every_kind_is_told_whole_in_each_language(kind: AlertKind, language: Language) -> None:
    text = shown(letter(kind), language)
    assert "–" not in text
    assert not re.search(r"[{}]", text)
    assert re.search(r"👉 <code>/\w+", text)
    assert "15:50" in text
    if language is Language.EN:
        assert not re.search("[가-힣]", re.sub(r"삼성전자|김하늘|\d원", "", text))


def test_the_command_names_what_it_is_about() -> None:
    assert "<code>/jobs crawl_news</code>" in shown(letter(AlertKind.JOB_FAILED))
    assert "<code>/health kis</code>" in shown(letter(AlertKind.STATUS_CHANGED))
    assert "<code>/strategy start rsi</code>" in shown(letter(AlertKind.STRATEGY_STOPPED))
    assert "<code>/sources hankyung</code>" in shown(letter(AlertKind.SOURCE_FAILED))


def test_components_and_sources_are_called_by_name_and_asked_for_by_key() -> None:
    assert "한국투자증권: 정상 → 장애" in shown(letter(AlertKind.STATUS_CHANGED))
    assert "한국경제 RSS 수집이 끊겼습니다" in shown(letter(AlertKind.SOURCE_FAILED))
    assert "Hankyung RSS has stopped bringing data" in shown(letter(AlertKind.SOURCE_FAILED), Language.EN)


def test_what_was_seen_of_a_component_is_told_in_the_reader_s_language() -> None:
    seen = Component(
        name="naver_main",
        status=Status.DEGRADED,
        critical=False,
        latency_ms=1,
        last_success_at=None,
        notes=(note(NoteKind.FAILED, times=3, reason="blocked"), note(NoteKind.TEXT, text="<b>&")),
    )
    facts = alert_of(Change(before=Status.HEALTHY, component=seen, number=1)).facts
    told = letter(AlertKind.STATUS_CHANGED, facts)
    assert "3번 연속 실패(거절당함), &lt;b&gt;&amp;" in shown(told)
    assert "failed 3× in a row (refused)" in shown(told, Language.EN)
    part = (note(NoteKind.FAILED, times=1, reason="dart_feed blocked"),)
    of_dart = {**facts, "notes": WRITTEN.dump_json(part).decode()}
    assert "1번 연속 실패(DART 오늘의 공시 RSS: 거절당함)" in shown(letter(AlertKind.STATUS_CHANGED, of_dart))
    well = letter(AlertKind.STATUS_CHANGED, {**facts, "after": "healthy", "notes": "[]"})
    assert "–" not in shown(well)


def test_figures_are_written_as_readers_read_them() -> None:
    assert "한도 $5.00 가운데 $4.10 사용" in shown(letter(AlertKind.BUDGET))
    assert "🔴 <b>한국투자증권: 정상 → 장애</b>" in shown(letter(AlertKind.STATUS_CHANGED))
    assert "2026-02-20 15:50 차례가 제한 시간을 넘겨 끝났습니다" in shown(letter(AlertKind.JOB_FAILED))
    assert "종가 71,000원 · RSI 31.5" in shown(letter(AlertKind.SIGNAL))


def test_text_from_outside_is_escaped_and_capped() -> None:
    hostile = "<b>&{0}{error}" + "가" * 10_000
    text = shown(letter(AlertKind.JOB_FAILED, dict(FACTS[AlertKind.JOB_FAILED]) | {"error": hostile}))
    assert "&lt;b&gt;&amp;{0}{error}가가" in text
    assert visible_length(text) < 1_000 < MAX_TEXT


@pytest.mark.parametrize("kind", list(FACTS))
def test_facts_that_nobody_knows_are_dashes(kind: AlertKind) -> None:
    assert "–" in shown(letter(kind, {}))
    assert "None" not in shown(letter(kind, {name: None for name in FACTS[kind] if name != "slot"}))


def test_a_second_telling_says_so_and_an_old_one_says_when() -> None:
    again = replace(letter(AlertKind.JOB_FAILED), repeated=True, at=NOW - timedelta(days=1))
    assert "🔁" in shown(again)
    assert "🔁" not in shown(letter(AlertKind.JOB_FAILED))
    assert "<i>02-19 15:50</i>" in shown(again)
