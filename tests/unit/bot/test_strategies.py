from __future__ import annotations

from bot.views import strategies
from core.strategies.registry import STRATEGIES


def test_every_strategy_has_a_name_and_says_what_it_does() -> None:
    assert STRATEGIES.keys() == strategies.NAMES.keys() == strategies.SUMMARIES.keys()
