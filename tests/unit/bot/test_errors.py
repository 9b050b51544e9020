"""What a failure says: plain words, nothing from inside."""

from __future__ import annotations

import inspect

import pytest

from bot.errors import sentence
from bot.texts import texts
from core import errors
from core.chats.member import Language
from core.errors import StockPilotError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, StockPilotError)]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", KINDS)
def test_every_failure_has_words_and_shows_nothing_from_inside(kind: type[StockPilotError], language: Language) -> None:
    inside = "10.0.0.7:5432 SELECT password"
    error = kind() if issubclass(kind, errors.UserError) else kind(inside)
    said = sentence(error, texts(language))
    assert issubclass(kind, errors.UserError) or said
    assert inside not in said
    assert "{" not in said


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (errors.Unavailable("KIS: timed out"), "주가 시세(한국투자증권)"),
        (errors.Unavailable("kis_quote: not asked until later"), "주가 시세(한국투자증권)"),
        (errors.Unavailable("두산(000150): no price is known"), "주가 시세(한국투자증권)"),
        (errors.NotConfigured("KIS: no app key"), "주가 시세(한국투자증권)"),
        (errors.Unavailable("database: OperationalError"), "데이터베이스"),
        (errors.QuotaExceeded("openai: out of credit"), "AI 모델"),
        (errors.Unavailable("no forecaster answered"), "AI 모델"),
        (errors.Malformed("milvus: strange"), "기사 검색"),
        (errors.Unavailable("example.com: status 503"), "외부 서비스"),
    ],
)
def test_the_service_that_failed_is_named(error: StockPilotError, named: str) -> None:
    assert sentence(error, texts(Language.KO)).startswith(f"{named}: ")


def test_what_nobody_expected_asks_for_the_admins() -> None:
    assert "관리자에게 참조 번호" in sentence(ZeroDivisionError("secret"), texts(Language.KO))
