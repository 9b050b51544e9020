"""What refusals of the Naver Search API mean, in both of its spellings."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError
from core.news.parsers.naver_search import parse_search, refusal

AT = datetime(2026, 10, 9, 14, tzinfo=UTC)
"""23:00 in Seoul."""


def flat(code: str, message: str) -> bytes:
    return json.dumps({"errorMessage": message, "errorCode": code}).encode()


def nested(code: str, message: str) -> bytes:
    return json.dumps({"error": {"errorCode": code, "message": message, "details": "x"}}).encode()


both = pytest.mark.parametrize("written", [flat, nested])


@both
@pytest.mark.parametrize(
    ("status", "code", "message", "error"),
    [
        (400, "SE01", "Incorrect query request", Malformed),
        (400, "SE02", "Invalid display value", Malformed),
        (400, "SE06", "Malformed encoding", Malformed),
        (404, "SE05", "Invalid search api", Malformed),
        (401, "024", "Not Exist Client ID : Authentication failed.", Blocked),
        (401, "024", "NID AUTH Result Invalid (1000) : Authentication failed.", Blocked),
        (401, "024", "Scope Status Invalid : Authentication failed.", Blocked),
        (403, "210", "Permission denied", Blocked),
        (429, "010", "Query limit exceeded", QuotaExceeded),
        (429, "012", "Rate limit exceeded", QuotaExceeded),
    ],
)
def test_each_refusal_has_its_reaction_and_says_what_was_said(
    written: Callable[[str, str], bytes], status: int, code: str, message: str, error: type[StockPilotError]
) -> None:
    found = refusal(status, written(code, message), AT)
    assert type(found) is error
    assert f"{code} {message}" in str(found)


@both
def test_too_fast_is_soon_over_and_a_spent_day_at_midnight_in_seoul(written: Callable[[str, str], bytes]) -> None:
    fast, spent = (refusal(429, written(code, "x"), AT) for code in ("012", "010"))
    assert isinstance(fast, QuotaExceeded)
    assert isinstance(spent, QuotaExceeded)
    assert fast.retry_at == AT + timedelta(seconds=1)
    assert spent.retry_at == AT + timedelta(hours=1)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"error": 1}', b'{"errorCode": [1]}'])
def test_what_says_nothing_of_its_own_means_the_usual(status: int, body: bytes) -> None:
    assert refusal(status, body, AT) is None


def test_a_total_of_millions_plans_nothing_and_none_found_is_no_fault() -> None:
    assert parse_search(b'{"total": 1883378, "start": 1, "display": 0, "items": []}', at=AT).headlines == ()
