"""Supervised workers: the list, and one in detail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.callbacks import pack
from bot.texts import Texts, moment
from bot.views.message import Button, Keyboard, Message, rows
from core import figures
from core.prediction.forecast import Direction
from core.strategies.queries import FoundSignal
from core.strategies.service import Supervised
from core.strategies.state import MOST_TRIES, Status

NAMES = {
    "outbox_sender": "알림 발송",
    "price_feed": "실시간 시세 수신",
    "golden_cross": "골든·데드크로스",
    "rsi": "RSI 반전",
    "volume_surge": "거래량 급증",
    "new_high": "52주 신고가",
    "flow_streak": "연속 순매매",
}
SUMMARIES = {
    "outbox_sender": "쌓인 알림을 순서대로, 한도를 지켜 보냅니다.",
    "price_feed": "장중에 관심·우선 종목의 시세를 새로 받아 둡니다.",
    "golden_cross": "20일선이 60일선을 위나 아래로 지나는 날을 찾습니다.",
    "rsi": "RSI(14)가 과매도나 과매수 구간에서 벗어나는 날을 찾습니다.",
    "volume_surge": "거래량이 20일 평균의 3배를 넘은 날을 찾습니다.",
    "new_high": "52주 최고가를 새로 쓴 날을 찾습니다.",
    "flow_streak": "외국인과 기관이 5거래일 잇달아 사거나 판 날을 찾습니다.",
}
FACTS = {
    "stocks": "종목",
    "streamed": "실시간 체결 종목",
    "missed": "못 받음",
    "waiting": "일봉 대기",
    "day": "살펴본 거래일",
    "at": "마지막 순회",
}
"""What workers remember, in words; what is not here is shown as it is."""
NOTES = {
    "no_flows": "투자자별 매매 동향을 아직 모으지 않아 판단을 쉽니다.",
    "streaming": "관심이 많은 종목은 실시간 체결로 받고, 나머지는 차례로 조회합니다.",
    "polling": "실시간 체결에 연결되어 있지 않아 모든 종목을 차례로 조회합니다.",
}

FIGURES: dict[str, tuple[str, Callable[[float], str]]] = {
    "close": ("종가", lambda value: figures.won(round(value))),
    "sma_20": ("20일선", lambda value: figures.won(round(value))),
    "sma_60": ("60일선", lambda value: figures.won(round(value))),
    "rsi": ("RSI", figures.number),
    "volume_ratio": ("거래량", figures.times),
    "change_percent": ("등락률", figures.percent_signed),
    "high": ("고가", lambda value: figures.won(round(value))),
    "high_before": ("이전 최고", lambda value: figures.won(round(value))),
    "net_buying": ("순매수", lambda value: figures.won_large(round(value))),
}
"""Figures of signals that are shown, in order: what they are called and how they are written."""
DONE = {True: "시작하도록 했습니다. 곧 실행됩니다.", False: "멈췄습니다. 다시 시작할 때까지 꺼져 있습니다."}
ALREADY = {True: "이미 켜져 있습니다.", False: "이미 꺼져 있습니다."}
"""What came of a start (True) and of a stop."""
MARKS = {Direction.UP: "🔴▲", Direction.DOWN: "🔵▼", Direction.FLAT: "⚪"}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a worker stands, as a mark and a word."""

    mark: str
    word: str


def standing(found: Supervised) -> Standing:
    """How a worker stands, the worst first."""
    state = found.state
    if found.off_because is not None:
        return Standing("⚪", "설정 안 됨")
    if state is None:
        return Standing("⚪", "시작 전")
    if not state.wanted:
        return Standing("⚪", "꺼짐")
    if state.status is Status.FAILED:
        return Standing("🔴", "재시도 끝에 멈춤")
    if found.unattended:
        return Standing("🔴", "돌보는 프로세스 없음")
    if state.status is Status.RUNNING and state.owner is not None:
        return Standing("🟢", "실행 중")
    return Standing("🟡", "재시작 대기" if state.status is Status.RESTARTING else "시작 대기")


def strategies(found: Sequence[Supervised], now: datetime, texts: Texts) -> Message:
    """Every worker with its state and a button to its detail."""
    items = [(each, standing(each)) for each in found]
    running = sum(each.mark == "🟢" for _, each in items)
    text = texts.render("strategies", items=items, running=running, now=now, names=NAMES, summaries=SUMMARIES)
    buttons = [Button(f"{how.mark} {texts(NAMES[each.id])}", pack("sv", each.id)) for each, how in items]
    return Message(text=text, keyboard=rows(buttons, width=2))


def strategy(found: Supervised, now: datetime, texts: Texts) -> Message:
    """One worker with all that is known of it, and buttons to start or stop it."""
    return Message(text=_detail(found, now, texts), keyboard=_keyboard(found, texts))


def switched(found: Supervised, on: bool, changed: bool, now: datetime, texts: Texts) -> Message:
    """What came of a start or a stop, above the worker as it stands now."""
    done = DONE[on] if changed else ALREADY[on]
    return Message(text=f"{texts(done)}\n\n{_detail(found, now, texts)}", keyboard=_keyboard(found, texts))


def _detail(found: Supervised, now: datetime, texts: Texts) -> str:
    remembered = dict(found.state.state) if found.state else {}
    note = remembered.pop("note", None)
    return texts.render(
        "strategy",
        found=found,
        standing=standing(found),
        now=now,
        name=NAMES[found.id],
        summary=SUMMARIES[found.id],
        note=NOTES.get(str(note), "") if note else "",
        remembered=[(FACTS.get(name, name), _fact(name, remembered[name])) for name in sorted(remembered, key=_place)],
        most=MOST_TRIES,
        signals=[(each, MARKS[each.direction], _figures(each)) for each in found.signals],
    )


def _place(name: str) -> tuple[int, str]:
    return (list(FACTS).index(name) if name in FACTS else len(FACTS)), name


def _fact(name: str, value: object) -> str:
    return moment(datetime.fromisoformat(str(value))) if name == "at" else str(value)[:100]


def _figures(signal: FoundSignal) -> list[tuple[str, str]]:
    return [(label, write(signal.figures[name])) for name, (label, write) in FIGURES.items() if name in signal.figures]


def _keyboard(found: Supervised, texts: Texts) -> Keyboard:
    around = (Button(texts("◀️ 전략 목록"), pack("sl")), Button(texts("🔄 새로고침"), pack("sv", found.id)))
    state = found.state
    if state is None or found.off_because is not None:
        return (around,)
    running = state.wanted and state.status is not Status.FAILED
    word, name = ("stop", "⏹ 멈추기") if running else ("start", "▶️ 시작")
    return ((Button(texts(name), pack("ss", word, found.id)),), around)
