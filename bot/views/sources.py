"""Everything outside that is read: the list, one in detail, and asking before it is touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.message import Button, Keyboard, Message, rows
from core.outside.declared import Family, Why
from core.outside.service import Detail, Mark, Seen
from core.sources.status import Circuit

NAMES = {
    "naver_main": "네이버 증권 주요·속보",
    "naver_focus": "네이버 증권 주제별",
    "naver_stock": "네이버 증권 종목별",
    "naver_search": "네이버 뉴스 검색",
    "naver_page": "네이버 기사 본문",
    "hankyung": "한국경제 RSS",
    "hankyung_page": "한국경제 기사 본문",
    "mk": "매일경제 RSS",
    "mk_sitemap": "매일경제 사이트맵",
    "mk_page": "매일경제 기사 본문",
    "reddit": "레딧",
    "dart": "DART 공시 목록",
    "dart_feed": "DART 오늘의 공시 RSS",
    "dart_company_feed": "DART 회사별 RSS",
    "dart_day_list": "DART 날짜별 목록",
    "dart_corps": "DART 회사 번호",
    "kis_master": "종목 마스터",
    "kis_quote": "한국투자증권 현재가",
    "kis_daily": "한국투자증권 일봉",
    "kis_multi": "한국투자증권 복수 시세",
    "kis_minutes": "한국투자증권 분봉",
    "kis_book": "한국투자증권 호가",
    "kis_estimate": "한국투자증권 장중 수급 추정",
    "kis_flows": "한국투자증권 투자자 동향",
    "kis_index": "한국투자증권 지수",
    "kis_index_daily": "한국투자증권 지수 일봉",
    "kis_overtime": "한국투자증권 시간외",
    "kis_ratios": "한국투자증권 재무비율",
    "kis_product": "한국투자증권 종목 정보",
    "kis_calendar": "한국투자증권 휴장일",
    "openai": "OpenAI",
    "openrouter": "OpenRouter",
}
"""What the sources are called; one that is not here goes by its key."""
FAMILIES = {
    Family.NEWS: "뉴스",
    Family.PAGES: "기사 본문",
    Family.DISCLOSURES: "공시",
    Family.STOCKS: "종목 목록",
    Family.MARKET: "시세",
    Family.MODELS: "AI 모델",
}
MARKS = {Mark.WELL: "🟢", Mark.NEVER: "⚪", Mark.HURT: "🟡", Mark.FAILED: "🔴", Mark.OFF: "⚫"}
WORDS = {
    Mark.WELL: "정상",
    Mark.NEVER: "아직 읽지 않음",
    Mark.HURT: "주의",
    Mark.FAILED: "끊김",
    Mark.OFF: "꺼짐",
}
CIRCUITS = {
    Circuit.CLOSED: "닫힘(읽는 중)",
    Circuit.OPEN: "열림",
    Circuit.PROBING: "시험 대기(다음 차례에 한 번)",
}
TROUBLED = (Mark.HURT, Mark.FAILED)
"""How sources stand that an admin will want to look at; they get a button, as do those with rows in quarantine."""
OFF = {
    Why.UNSET: "설정이 비어 있습니다",
    Why.ROBOTS: "사이트의 robots.txt와 약관이 자동 수집을 금합니다",
    Why.UNDECIDED: "프로그램이 읽어도 되는지는 운영자가 정해야 합니다",
}
"""Why a source is off, in words."""
FAILURES = {
    "blocked": "거절당함",
    "quota": "한도 소진",
    "unavailable": "응답 없음",
    "stale": "새 내용 없음",
    "malformed": "형식이 다름",
    "empty": "내용 없음",
}
"""What can be wrong with a source, in words."""

CLOSED = "회로를 닫았습니다. 다음 차례에 다시 읽습니다."
PROBED = "지금 물어보았고, 답이 왔습니다."
PROBE_FAILED = "지금 물어보았지만 쓸 만한 답이 없습니다."
RERUN = "격리된 행 {tried}개를 다시 처리했습니다. {used}개를 쓸 수 있게 되었고 새로 저장한 것은 {new}건입니다."
QUESTIONS = {
    "close": "이 수집원의 회로를 닫을까요? 막힌 곳을 거듭 부르면 더 오래 막힐 수 있습니다.",
    "probe": "이 수집원에 지금 한 번 물어볼까요? 회로가 열려 있어도 묻습니다.",
}
"""What is asked before something is done."""
YES = {"close": "🔌 예, 회로를 닫습니다", "probe": "📡 예, 지금 물어봅니다"}


@dataclass(frozen=True, slots=True)
class Done:
    """What was just done, in words, and what was wrong with it."""

    said: str
    error: str = ""


def sources(seen: Sequence[Seen], now: datetime, texts: Texts) -> Message:
    """Every source: those in use by what they bring, those that are off with what switches them on."""
    on = [each for each in seen if each.mark is not Mark.OFF]
    counted = Counter(each.mark for each in seen)
    text = texts.render(
        "sources",
        families=[(FAMILIES[family], [each for each in on if each.declared.family is family]) for family in Family],
        off=[each for each in seen if each.mark is Mark.OFF],
        totals=[(WORDS[mark], counted[mark]) for mark in Mark if counted[mark]],
        now=now,
        **_words(),
    )
    buttons = [
        Button(f"{MARKS[each.mark]} {texts(NAMES.get(key, key))}", pack("sd", key))
        for each in on
        if (each.mark in TROUBLED or each.waiting) and (key := each.declared.key)
    ]
    return Message(text=text, keyboard=(*rows(buttons, width=2), (Button(texts("🔄 새로고침"), pack("so")),)))


def source(found: Detail, done: Done | None, now: datetime, texts: Texts) -> Message:
    """One source with its newest failures, rows in quarantine and comparisons, under what was just done to it."""
    seen = found.seen
    failures = [each | {"at": datetime.fromisoformat(each["at"])} for each in map(dict, seen.status.failures)]
    text = texts.render("source", found=found, seen=seen, done=done, failures=failures, now=now, **_words())
    return Message(text=text, keyboard=_keyboard(seen, texts))


def confirm(key: str, what: str, action: str, signed: str, texts: Texts) -> Message:
    """Ask once more before a source is touched; `signed` is what the button carries."""
    text = texts.render("source_confirm", name=NAMES.get(key, key), key=key, question=QUESTIONS[what])
    no = Button(texts("↩️ 그대로 둡니다"), pack("sd", key))
    return Message(text=text, keyboard=((Button(texts(YES[what]), pack(action, signed)),), (no,)))


def _words() -> dict[str, object]:
    return {"names": NAMES, "marks": MARKS, "words": WORDS, "kinds": FAILURES, "reasons": OFF, "circuits": CIRCUITS}


def _keyboard(seen: Seen, texts: Texts) -> Keyboard:
    key, buttons = seen.declared.key, []
    if seen.waiting and seen.declared.again:
        buttons.append(Button(texts("♻️ 격리 다시 처리"), pack("sq", key)))
    if seen.off is None and seen.declared.probe:
        buttons.append(Button(texts("📡 지금 물어보기"), pack("sp", "probe", key)))
    if seen.circuit is not Circuit.CLOSED:
        buttons.append(Button(texts("🔌 회로 닫기"), pack("sp", "close", key)))
    around = (Button(texts("◀️ 수집원 목록"), pack("so")), Button(texts("🔄 새로고침"), pack("sd", key)))
    return (*rows(buttons, width=2), around)
