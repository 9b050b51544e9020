"""What somebody chose to be told of: kinds, quiet hours and conditions."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.message import Button, Keyboard, Message, rows
from core import figures
from core.alerts.choices import Choices, QuietHours
from core.alerts.condition import MOST, ConditionKind, Wanted
from core.chats.subscriptions import Mode, PersonalKind
from core.chats.zones import SEOUL
from core.market.bar import Quote
from core.stocks.stock import Stock

MARKS: Final = {Mode.ON: "🔔", Mode.SILENT: "🤫", Mode.OFF: "🔕"}
KINDS: Final = {
    PersonalKind.REPORT: "리포트",
    PersonalKind.NEWS: "뉴스",
    PersonalKind.DISCLOSURE: "기업 공시",
    PersonalKind.PRICE: "가격",
    PersonalKind.VOLUME: "거래량",
    PersonalKind.FLOW: "수급",
    PersonalKind.HIGH_LOW: "52주 고저",
    PersonalKind.SIGNAL: "기술적 신호",
    PersonalKind.BRIEF: "브리핑",
}
"""What the kinds are called, on buttons and in sentences."""
MEANT: Final = {
    PersonalKind.REPORT: "정기 리포트가 새로 나올 때",
    PersonalKind.NEWS: "종목을 다룬 새 기사, 한 사건에 한 번",
    PersonalKind.DISCLOSURE: "일상 공시를 뺀 새 공시와 정정",
    PersonalKind.PRICE: "전일 종가보다 ±3%, ±5%, ±10%",
    PersonalKind.VOLUME: "이 시각 평소의 3배가 넘는 거래",
    PersonalKind.FLOW: "외국인·기관의 연속 또는 큰 순매매",
    PersonalKind.HIGH_LOW: "52주 신고가와 신저가",
    PersonalKind.SIGNAL: "골든·데드크로스, RSI 반전",
    PersonalKind.BRIEF: "하루 요약, 시각은 /settings",
}
"""When each kind is told."""
CONDITIONS: Final = {
    ConditionKind.PRICE_ABOVE: "{figure} 이상",
    ConditionKind.PRICE_BELOW: "{figure} 이하",
    ConditionKind.CHANGE_EITHER: "전일보다 ±{figure}",
    ConditionKind.CHANGE_UP: "전일보다 +{figure}",
    ConditionKind.CHANGE_DOWN: "전일보다 -{figure}",
    ConditionKind.VOLUME_TIMES: "거래량이 평소의 {figure}",
}
NIGHT: Final = "22:00-07:00"
"""The quiet hours a button offers."""


def choices(chosen: Choices, watched: int, now: datetime, texts: Texts) -> Message:
    """All that was chosen. A button of a kind leads to its next mode; a number deletes the condition of that place."""
    text = texts.render(
        "choices",
        kinds=[(MARKS[mode], KINDS[kind], MEANT[kind]) for kind, mode in chosen.modes.items()],
        marks=MARKS,
        quiet=hours(chosen.quiet) if chosen.quiet else "",
        zone=chosen.zone if chosen.zone != SEOUL else "",
        conditions=[(each, condition_text(each.kind, each.threshold, texts)) for each in chosen.conditions],
        most=MOST,
        watched=watched,
        now=now,
    )
    return Message(text=text, keyboard=_keyboard(chosen, texts))


def turned_off(kind: PersonalKind, texts: Texts) -> Message:
    """A kind was turned off."""
    said = texts("🔕 {kind} 알림을 껐습니다.", kind=texts(KINDS[kind]))
    return Message(text=said, keyboard=((_back_on(kind, texts), panel_button(texts)),))


def condition_kept(
    stock: Stock, wanted: Wanted, new: bool, quote: Quote | None, priced: bool, now: datetime, texts: Texts
) -> Message:
    """A condition is kept, or was already, beside the price last known; `priced` says whether prices come at all."""
    what, cooldown = condition_text(wanted.kind, wanted.threshold, texts), rest(wanted.cooldown, texts)
    values = {"stock": stock, "what": what, "cooldown": cooldown, "new": new, "quote": quote}
    text = texts.render("condition_kept", **values, priced=priced, now=now)
    return Message(text=text, keyboard=((panel_button(texts),),))


def condition_gone(texts: Texts) -> Message:
    """A condition was deleted."""
    return Message(text=texts("🗑 조건을 지웠습니다."), keyboard=((panel_button(texts),),))


def condition_text(kind: ConditionKind, threshold: Decimal, texts: Texts) -> str:
    """A condition in words."""
    match kind:
        case ConditionKind.PRICE_ABOVE | ConditionKind.PRICE_BELOW:
            figure = figures.won(int(threshold))
        case ConditionKind.VOLUME_TIMES:
            figure = texts("{count}배", count=f"{threshold.normalize():f}")
        case _:
            figure = f"{threshold.normalize():f}%"
    return texts(CONDITIONS[kind], figure=figure)


def rest(cooldown: timedelta, texts: Texts) -> str:
    """How often a condition is told at most."""
    minutes = cooldown // timedelta(minutes=1)
    if minutes % 1440 == 0:
        return texts("하루 한 번까지") if minutes == 1440 else texts("{count}일에 한 번까지", count=minutes // 1440)
    if minutes % 60 == 0:
        return texts("{count}시간에 한 번까지", count=minutes // 60)
    return texts("{count}분에 한 번까지", count=minutes)


def hours(quiet: QuietHours) -> str:
    """Quiet hours as they are written."""
    return f"{quiet[0]:%H:%M}–{quiet[1]:%H:%M}"


def panel_button(texts: Texts) -> Button:
    """The button to all that was chosen."""
    return Button(texts("⚙️ 알림 설정"), pack("ap"))


def off_button(kind: PersonalKind, texts: Texts) -> Button:
    """The button that turns a kind off."""
    return Button(texts("🔕 {kind} 알림 끄기", kind=texts(KINDS[kind])), pack("ao", kind))


def _back_on(kind: PersonalKind, texts: Texts) -> Button:
    return Button(texts("🔔 다시 켜기"), pack("al", kind, Mode.ON))


def _keyboard(chosen: Choices, texts: Texts) -> Keyboard:
    kinds = [
        Button(f"{MARKS[mode]} {texts(KINDS[kind])}", pack("al", kind, mode.following))
        for kind, mode in chosen.modes.items()
    ]
    numbers = [Button(f"🗑 {place}", pack("ad", each.id)) for place, each in enumerate(chosen.conditions, start=1)]
    quiet = (
        Button(texts("🌙 방해 금지 끄기"), pack("aq", "off"))
        if chosen.quiet
        else Button(texts("🌙 방해 금지 {hours}", hours=NIGHT.replace("-", "–")), pack("aq", NIGHT.replace(":", "")))
    )
    return (*rows(kinds, width=3), *rows(numbers, width=6), (quiet,))
