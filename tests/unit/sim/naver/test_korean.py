from __future__ import annotations

import pytest

from sim.naver.korean import with_particle, won


@pytest.mark.parametrize(
    ("word", "particle", "expected"),
    [
        ("삼성전자", "은", "삼성전자는"),
        ("기아", "이", "기아가"),
        ("신세계", "을", "신세계를"),
        ("한화솔루션", "과", "한화솔루션과"),
        ("서울", "으로", "서울로"),
        ("KT", "은", "KT는"),
        ("HMM", "이", "HMM이"),
        ("KODEX 200", "은", "KODEX 200은"),
    ],
)
def test_a_particle_agrees_with_the_sound_before_it(word: str, particle: str, expected: str) -> None:
    assert with_particle(word, particle) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (190_100, "19만100원"),
        (57_900, "5만7900원"),
        (600_000, "60만원"),
        (994, "994원"),
        (0, "0원"),
        (3_210_000_000_000, "3조2100억원"),
        (2_000_000_000_000, "2조원"),
        (120_000_000, "1억원"),
    ],
)
def test_won_reads_as_in_a_newspaper(amount: int, expected: str) -> None:
    assert won(amount) == expected
