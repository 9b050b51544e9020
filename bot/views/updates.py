"""How reports are renewed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from bot.texts import Texts
from bot.views.message import Message, Picture
from bot.views.usage import money
from core.prediction.facts import PHASES
from core.reports.report import UpdateReason
from core.reports.statistics import UpdateStatistics

REASONS: Final = {
    UpdateReason.FIRST: "첫 리포트",
    UpdateReason.SCHEDULED: "정기 작성",
    UpdateReason.NEW_PREDICTION: "새 예측",
    UpdateReason.TOO_OLD: "시간 경과",
    UpdateReason.PRICE_MOVED: "주가 3% 이상 변동",
    UpdateReason.NEWS_BEFORE_OPEN: "개장 전 새 뉴스",
    UpdateReason.DISCLOSURE: "중요 공시",
    UpdateReason.ASKED: "사용자 요청",
}


def statistics(found: UpdateStatistics, won_per_usd: float, texts: Texts) -> Message:
    """The figures."""
    costs = [day for day in found.per_day if day.calls]
    text = texts.render(
        "updates",
        found=found,
        reasons=REASONS,
        phases=PHASES,
        costs=costs[-MOST_DAYS:],
        money=partial(money, won_per_usd=won_per_usd),
    )
    return Message(text=text)


def pictures(drawn: Sequence[Picture], texts: Texts) -> list[Message]:
    """The pictures, each with what it shows."""
    captions = ("업데이트 사유", "요일과 시간별 업데이트", "하루 모델 비용")
    return [Message(text=texts(caption), photo=picture) for caption, picture in zip(captions, drawn, strict=True)]


MOST_DAYS: Final = 7
"""Days listed one by one; the picture shows all."""
