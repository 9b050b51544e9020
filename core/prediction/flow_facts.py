"""The facts that follow from what investors bought and sold. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from core.figures import count, won_large
from core.kis.investors import NetTrading
from core.prediction.fact import Fact
from core.prediction.signals import streak_of

SESSIONS: Final = 20
"""Sessions of flows that are read for a sheet."""

_SUMS: Final = (1, 5, 20)
_GROUPS: Final = (("foreign", "외국인"), ("institution", "기관"), ("individual", "개인"))


def flow_facts(flows: Sequence[NetTrading], *, at: datetime) -> Iterator[Fact]:
    """Net buying over one, five and twenty sessions, as far as `flows` (oldest first, without a hole) reach.

    `at` is when the newest of them closed. Ids are empty, for the sheet numbers them.
    """
    if not flows:
        return
    for sessions in _SUMS:
        if len(flows) < sessions:
            continue
        span = f"{sessions}거래일"
        for group, name in _GROUPS:
            net = sum(getattr(flow, f"{group}_value") for flow in flows[-sessions:])
            yield _fact(f"{group}_net_{sessions}", f"{name} {span} 순매수", _signed(net), net, at)
    streak = streak_of([flow.foreign_value + flow.institution_value for flow in flows])
    if streak:
        side = "순매수" if streak > 0 else "순매도"
        yield _fact("flow_streak", f"외국인·기관 연속 {side}", count(abs(streak), "거래일"), streak, at)


def _signed(value: int) -> str:
    return f"+{won_large(value)}" if value > 0 else won_large(value)


def _fact(name: str, label: str, text: str, value: int, at: datetime) -> Fact:
    return Fact(id="", name=name, label=label, text=text, value=value, source="KIS 투자자", at=at)
