"""Small Korean: particles that agree with the word before them, and numbers the way newspapers write them."""

from __future__ import annotations

LATIN_CLOSED = frozenset("lmnrLMNR013678")
"""Latin letters and digits whose Korean reading ends in a consonant."""

PARTICLES = {"은": ("은", "는"), "이": ("이", "가"), "을": ("을", "를"), "과": ("과", "와"), "으로": ("으로", "로")}


def with_particle(word: str, particle: str) -> str:
    """`word` with the right form of `particle`, named by its form after a consonant (은, 이, 을, 과, 으로)."""
    closed, open_ = PARTICLES[particle]
    last = word[-1]
    final = (ord(last) - 0xAC00) % 28 if "가" <= last <= "힣" else int(last in LATIN_CLOSED)
    takes_open = final == 0 or (particle == "으로" and final == 8)  # 8 is ㄹ
    return word + (open_ if takes_open else closed)


def won(amount: int) -> str:
    """Won as newspapers write it: 19만100원, 3조2100억원."""
    if amount >= 100_000_000:
        jo, eok = amount // 1_000_000_000_000, amount // 100_000_000 % 10_000
        return f"{f'{jo}조' if jo else ''}{f'{eok}억' if eok else ''}원"
    man, rest = divmod(amount, 10_000)
    return f"{f'{man}만' if man else ''}{rest or '' if man else rest}원"
