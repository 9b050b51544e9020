"""Words in the reader's language: the message catalogues, the templates and how figures are written.

Korean is the language of the source, so a message id is its Korean text; `locale/en.po` holds the English.
"""

from __future__ import annotations

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
from core.clock import KST

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
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
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
            "clock": clock,
            "moment": moment,
            "ago": self.ago,
            "t": self._translations.gettext,
        }

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


def arrow(change: float | None) -> str:
    """Up is red, down is blue, as Koreans read them."""
    if not change:
        return "⚪"
    return "🔴▲" if change > 0 else "🔵▼"


def clock(at: datetime) -> str:
    """The time of day in Seoul."""
    return at.astimezone(KST).strftime("%H:%M")


def moment(at: datetime) -> str:
    """The date and time in Seoul."""
    return at.astimezone(KST).strftime("%Y-%m-%d %H:%M")


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
