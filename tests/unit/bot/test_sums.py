"""How sums are written: what was spent is never shown as nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.views.usage import dollars, money


@pytest.mark.parametrize(
    ("usd", "written"),
    [
        ("0", "$0.00"),
        ("0.0000033", "<$0.0001"),
        ("0.00005001", "$0.0001"),
        ("0.0042", "$0.0042"),
        ("1234.5", "$1,234.50"),
    ],
)
def test_dollars(usd: str, written: str) -> None:
    assert dollars(Decimal(usd)) == written


@pytest.mark.parametrize(
    ("usd", "written"),
    [
        ("0", "0원 ($0.00)"),
        ("0.0000033", "<0.1원 (<$0.0001)"),
        ("0.0042", "5.9원 ($0.0042)"),
        ("3", "4,200원 ($3.00)"),
    ],
)
def test_won_beside_dollars(usd: str, written: str) -> None:
    assert money(Decimal(usd), won_per_usd=1400) == written
