"""Words in the reader's language: the message catalogues, the templates and how figures are written.

Korean is the language of the source, so a message id is its Korean text; `locale/en.po` holds the English.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core import figures
from core.chats.member import Language
from core.clock import KST, kst_date

HERE = Path(__file__).parent


class Texts:
    """Sentences, templates and figures in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._translations = _catalogue(language)
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
            finalize=clean,
            extensions=["jinja2.ext.i18n"],
        )
        self._environment.install_gettext_translations(self._translations, newstyle=True)  # type: ignore[attr-defined]
        self._environment.globals["language"] = language
        self._environment.filters |= self._filters()

    def __call__(self, message: str, **values: object) -> str:
        """The sentence in this language, with its `{names}` filled."""
        translated = self._translations.gettext(message)
        return translated.format(**values) if values else translated

    def render(self, template: str, **values: Any) -> str:
        """HTML from `templates/<template>.html.j2`; every value is escaped."""
        return self._environment.get_template(f"{template}.html.j2").render(**values).strip()

    def _filters(self) -> dict[str, Callable[..., str]]:
        return {
            "won": lambda value: "–" if value is None else figures.won(value),
            "won_large": lambda value: "–" if value is None else figures.won_large(value),
            "signed": lambda value: "–" if value is None else figures.percent_signed(value),
            "percent": lambda value: "–" if value is None else f"{value:.0%}",
            "count": lambda value: "–" if value is None else f"{value:,}",
            "arrow": arrow,
            "moment": moment,
            "stamp": stamp,
            "ago": self.ago,
            "span": self.span,
            "size": lambda value: "–" if value is None else f"{value / 1_048_576:,.0f} MB",
            "t": self._translated,
            "gap": self.gap,
            "forecaster": self.forecaster,
        }

    def _translated(self, message: str) -> str:
        return self._translations.gettext(message) if message else ""

    def ago(self, at: datetime, now: datetime) -> str:
        """How long before `now` something was, in words."""
        passed = max(now - at, timedelta())
        if passed < timedelta(minutes=1):
            return self("방금")
        if passed < timedelta(hours=1):
            return self("{count}분 전", count=passed // timedelta(minutes=1))
        if passed < timedelta(days=1):
            return self("{count}시간 전", count=passed // timedelta(hours=1))
        return self("{count}일 전", count=passed.days)

    def span(self, length: timedelta | float | None) -> str:
        """How long something took or is, in words; a number is seconds."""
        if length is None:
            return "–"
        seconds = max(length.total_seconds() if isinstance(length, timedelta) else length, 0)
        if seconds < 10:
            return self("{count}초", count=f"{seconds:.{1 if seconds >= 1 else 2}f}")
        minutes, rest = divmod(round(seconds), 60)
        if not minutes:
            return self("{count}초", count=rest)
        hours, minutes = divmod(minutes, 60)
        if not hours:
            written = "{minutes}분 {seconds}초" if rest else "{minutes}분"
            return self(written, minutes=minutes, seconds=rest)
        days, hours = divmod(hours, 24)
        if not days:
            return self("{hours}시간 {minutes}분", hours=hours, minutes=minutes)
        return self("{days}일 {hours}시간", days=days, hours=hours)

    def forecaster(self, key: str) -> str:
        """A forecaster as a reader knows it: a model without its provider, a rule by its name."""
        kind, _, name = key.partition(":")
        return self(RULES.get(name, name)) if kind == "rule" else name.rpartition("/")[2]

    def gap(self, block: str) -> str:
        """A block of missing data; names and figures in it stay."""
        if found := re.fullmatch(r"(.+) \(일봉 (\d+)개\)", block):
            return self("{what} (일봉 {count}개)", what=", ".join(map(self, found[1].split(", "))), count=found[2])
        if found := re.fullmatch(r"(\S+) 뒤의 일봉", block):
            return self("{day} 뒤의 일봉", day=found[1])
        return self._translated(block)


RULES = {
    "base_rate": "규칙: 평소 비율",
    "no_change": "규칙: 변화 없음",
    "always_up": "규칙: 늘 상승",
    "momentum": "규칙: 추세 지속",
    "mean_reversion": "규칙: 평균 회귀",
    "flow_following": "규칙: 수급 추종",
    "golden_cross": "규칙: 골든·데드크로스",
    "rsi": "규칙: RSI 반전",
    "volume_surge": "규칙: 거래량 급증",
    "new_high": "규칙: 52주 신고가",
    "flow_streak": "규칙: 연속 순매매",
}
"""What the rule-based forecasters are called."""

_TRICKS = dict.fromkeys(
    [*range(9), *range(11, 32), 127, 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
"""Control characters: those that turn the direction of writing would let a headline rewrite what stands beside it."""


def clean(value: Any) -> Any:
    """Text from outside without control characters but tabs and line breaks; other values as they are."""
    return value.translate(_TRICKS) if isinstance(value, str) else value


def arrow(change: float | None) -> str:
    """Up is red, down is blue, as Koreans read them."""
    if not change:
        return "⚪"
    return "🔴▲" if change > 0 else "🔵▼"


def moment(at: datetime) -> str:
    """The date and time in Seoul."""
    return at.astimezone(KST).strftime("%Y-%m-%d %H:%M")


def stamp(at: datetime, now: datetime) -> str:
    """The time of day in Seoul, with the date unless it is today."""
    return at.astimezone(KST).strftime("%H:%M" if kst_date(at) == kst_date(now) else "%m-%d %H:%M")


@cache
def texts(language: Language) -> Texts:
    """The texts of a language, read once."""
    return Texts(language)


def _catalogue(language: Language) -> NullTranslations:
    path = HERE / "locale" / f"{language}.po"
    if not path.exists():
        return NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
