from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ledger.prices import Tokens, price_of
from core.settings import LLMSettings, OpenAISettings

DAY = date(2026, 11, 20)


def test_cached_input_is_charged_at_its_own_price() -> None:
    tokens = Tokens(sent=8_000, cached=6_000, received=1_500)
    assert price_of("openai:gpt-4o", DAY).cost(tokens) == Decimal("0.0275")


def test_a_day_before_the_first_price_uses_the_first() -> None:
    assert price_of("openai:gpt-6-luna", date(2020, 1, 1)) == price_of("openai:gpt-6-luna", DAY)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_an_unlisted_model_costs_no_less_than_any_listed_one(sent: int, received: int) -> None:
    tokens = Tokens(sent=sent, received=received)
    unlisted = price_of("openai:made-up", DAY).cost(tokens)
    for model in ("openai:gpt-4o", "openai:gpt-6-luna", "openrouter:deepseek/deepseek-v3.2"):
        assert unlisted >= price_of(model, DAY).cost(tokens)


def test_a_cost_is_never_rounded_down_to_nothing() -> None:
    assert price_of("openai:gpt-6-luna", DAY).cost(Tokens(sent=1)) > 0


@pytest.mark.parametrize("key", [*LLMSettings().models, f"openai:{OpenAISettings().embedding_model}"])
def test_every_model_of_the_default_settings_has_its_own_price(key: str) -> None:
    assert price_of(key, DAY) != price_of("openai:made-up", DAY)
