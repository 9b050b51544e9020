"""Figures in Korean text: the number meant and what it counts, however it is written.

The text must be NFKC-normalised: full-width and superscript digits are plain ones there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

_SCALES = {"조": 10**12, "억": 10**8, "만": 10**4, "천": 10**3}
_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_UNITS = r"%(?!p|포인트)|퍼센트(?!포인트)|원|배(?!럴)|주(?![년간차째일말])|건|거래일|개월|시간|년|월|일|분기|명"
_PARTICLE = r"(?:은|는|이|가|을|를|의|에|와|과|로|으로|도|입니다|였|라는|까지|부터|보다|수준|정도|가량)"
_FIGURE = re.compile(
    rf"(?P<sign>[+-](?=\d))?(?P<size>{_NUMBER}(?:[조억만천]\s?{_NUMBER})*[조억만천]?)"
    rf"(?:\s?(?P<unit>{_UNITS})|(?!{_PARTICLE})(?P<glued>%\w+|[^\W\d_]+))?"
)
_PART = re.compile(rf"({_NUMBER})([조억만천]?)")

_SINO = r"[일이삼사오육칠팔구]"
_LARGE = rf"(?:{_SINO}?[십백천만억조]){{2,}}{_SINO}?|{_SINO}[십백천만억조]{_SINO}?|[십백천]{_SINO}"
_WORD_ENDS = r"(?=[은는이가을를의에와과로도대선]|으로|까지|부터|보다|가량|정도|입니다|였|[^가-힣]|$)"
_SPELLED = re.compile(
    rf"(?<![가-힣\d])(?:{_LARGE})\s?(?:원|배|주(?!가)|건|포인트|거래일|개월|분기|명){_WORD_ENDS}"
    rf"|(?<![가-힣\d])[십백천만억조]\s?원{_WORD_ENDS}"
    rf"|(?<![가-힣\d])(?:{_SINO}|[영십백천만])+\s?(?:점\s?(?:{_SINO}|영)+\s?)?(?:퍼센트|%|프로(?![가-힣]))"
    r"|(?<![가-힣\d])(?:약\s?)?수\s?[십백천만억조]+\s?(?:여|원|배|퍼센트|%|건|명|주(?!가)|차례)"
    r"|(?<![가-힣\d])(?:한두|두세|서너|두|세|네|다섯|여섯|일곱|여덟|아홉|열|스무|몇)\s?(?:배|곱절|건|분기|퍼센트|거래일|명|곳)"
    rf"{_WORD_ENDS}"
    r"|절반|반\s?토막|반값|과반|갑절|곱절|자릿수|(?<![가-힣\d])배(?:로(?![가-힣])|\s?(?:이상|넘게|가까이))"
    rf"|{_SINO}\s?분의|(?<![가-힣\d])[일이삼사]\s?사?분기"
    r"|(?<![가-힣\d])(?:[일이삼사오유칠팔구시]|십일|십이)월(?=\s?(?:초|말|중순)|에|까지|부터|\s|[.,]|$)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """A figure as it stands in a text. `unit` is what it counts, "" for a bare number; `end` is where it ends."""

    value: Decimal
    unit: str
    signed: bool
    written: str
    end: int


def amounts_in(text: str) -> Iterator[Amount]:
    """Every figure written with digits, in order; each digit of the text belongs to one."""
    for match in _FIGURE.finditer(text):
        size = sum((_worth(number, scale) for number, scale in _PART.findall(match["size"])), Decimal(0))
        unit = match["unit"] or match["glued"] or ""
        yield Amount(
            value=-size if match["sign"] == "-" else size,
            unit="%" if unit == "퍼센트" else unit,
            signed=match["sign"] is not None,
            written=match[0],
            end=match.end(),
        )


def spelled_in(text: str) -> Iterator[str]:
    """Every amount written in words: 이십만 원, 두 배, 절반."""
    return (match[0] for match in _SPELLED.finditer(text))


def _worth(number: str, scale: str) -> Decimal:
    return Decimal(number.replace(",", "")) * _SCALES.get(scale, 1)
