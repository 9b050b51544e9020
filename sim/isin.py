"""ISIN of Korean issues from their six-character code."""

from __future__ import annotations

SERIES = {"5": "1", "7": "2", "9": "3"}


def isin(code: str) -> str:
    """The twelve-character ISIN of a Korean listed share or fund, check digit included."""
    if code[5] in "KLM":  # later classes of preferred shares share the letter K and are told apart by the series
        body = f"KR7{code[:5]}K0{'KLM'.index(code[5]) + 1}"
    else:
        body = f"KR7{code[:5]}{SERIES.get(code[5], code[5])}00"
    return body + str(_check_digit(body))


def _check_digit(body: str) -> int:
    digits = "".join(str(int(char, 36)) for char in body)
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits)))
    return -sum(number // 10 + number % 10 for number in doubled) % 10
