"""No secret reaches a log line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from core.logs import configure_logs, hide, redact, redacted
from core.settings import LogSettings

TOKEN = "7212345678:AAF-fake_token_of_the_tests_000000000"


@pytest.mark.parametrize(
    "text",
    [
        f"POST https://api.telegram.org/bot{TOKEN}/getMe",
        f"token {TOKEN}",
        "Authorization: Bearer eyJhbGciOiJIUzUxMiJ9.payload.signature",
        "key sk-proj-0123456789abcdefghij",
        "https://opendart.fss.or.kr/api/list.json?crtfc_key=0123456789abcdef0123456789abcdef01234567",
        "postgresql://user:hunter2hunter2@db/stockpilot",
        "rediss://:hunter2hunter2@cache:6379/0",
        "key sk-or-v1-0123456789abcdef0123456789abcdef",
        '{"appkey": "hunter2hunter2", "appsecret":"hunter2hunter2"}',
        "{'appkey': b'hunter2hunter2', \"appsecret\": 'hunter2hunter2'}",
        "PSabcdefghij0123456789abcdefhunter2z",
        "h" * 119 + "unter2" + "A" * 60 + "==",
        "access_token=hunter2hunter2&x=1",
        '"access_token":"eyJ0eXAiOiJKV1Qi.hunter2.hunter2"',
        "token eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9.eyJodW50ZXIyIjoxfQ.hunter2hunter2",
        "approval_key=hunter2-9c09-4587",
        '"approval_key": "hunter2-9c09"',
        "X-Naver-Client-Secret: hunter2",
        "client_secret=hunter2",
        "Authorization: Basic aHVudGVyMjpodW50ZXIy",
        "https://hooks.slack.com/services/T00/B00/hunter2hunter2",
        "https://discord.com/api/webhooks/1/hunter2hunter2",
    ],
)
def test_what_looks_like_a_secret_is_replaced(text: str) -> None:
    hidden = redact(text)
    assert "***" in hidden
    assert not any(part in hidden for part in ("AAF-fake", "payload", "0123456789abcdef", "hunter2", "aHVudG"))
    assert redact(hidden) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "삼성전자 005930 190,100원 https://n.news.naver.com/mnews/article/015/0005340952",
        "tokens_in=1200 tokens_out=300 total_tokens: 1500",
        "http://127.0.0.1:5432/x and mail a@b.kr",
        "2026-02-20T06:50:00+00:00 slot 12:30",
        "6f1ed002ab5595859014ebf0951522d9",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


@pytest.fixture
def hidden() -> Iterator[None]:
    hide(
        [
            "s3cret/한글 &",
            "postgresql://user:p%40ssw0rd@db/stockpilot",
            "https://hook.example/long/path/of/it",
            "ab",
            "",
        ]
    )
    yield
    hide(())


@pytest.mark.parametrize(
    "text",
    [
        "it said s3cret/한글 & more",
        "https://x/?q=s3cret%2F%ED%95%9C%EA%B8%80%20%26",
        "user user with p@ssw0rd",
        "dsn p%40ssw0rd",
        "DSN P%40SSW0RD",
        "POST /long/path/of/it 500",
    ],
)
@pytest.mark.usefixtures("hidden")
def test_a_configured_secret_is_masked_however_it_is_written(text: str) -> None:
    assert "***" in redact(text)
    assert not any(part in redact(text) for part in ("s3cret", "ssw0rd", "/path/of"))
    assert redact("abba stays, and so does stockpilot") == "abba stays, and so does stockpilot"


def test_secrets_are_masked_however_deep_they_lie() -> None:
    value = {"a": [{"headers": {"appsecret": "hunter2", "x": ["sk-0123456789abcdefgh"]}}], "token": "hunter2", "n": 5}
    masked = {"a": [{"headers": {"appsecret": "***", "x": ["***"]}}], "token": "***", "n": 5}
    assert redacted(value) == masked
    assert redacted(value) is not value
    assert value["token"] == "hunter2"


@given(st.text(alphabet=st.sampled_from("0123456789abcXYZ:/@-_.= \"'\\&{}bot한"), max_size=300))
def test_any_text_is_redacted_and_once_is_enough_for_the_lines_of_a_file(text: str) -> None:
    assert isinstance(redact(text), str)


@pytest.mark.parametrize("unit", ["1", "eyJ", "eyJ-", "sk-", "://", "a:", "PS", "token=", "/A+", "bot1"])
def test_long_hostile_lines_take_no_long_time(unit: str) -> None:
    redact(unit * (20_000 // len(unit)))


def test_files_hold_neither_secret_fields_nor_secrets_in_errors(tmp_path: Path) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        configure_logs(LogSettings(file=tmp_path / "app.log"))
        structlog.get_logger("test").error("failed", app_secret="hunter2hunter2", url=f"http://x/bot{TOKEN}/y")
        try:
            raise RuntimeError(f"refused {TOKEN}")
        except RuntimeError:
            logging.getLogger("library").exception("it broke with %s", TOKEN)
        for handler in root.handlers:
            handler.flush()
        written = (tmp_path / "app.log").read_text()
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()
    assert "failed" in written
    assert "library" in written
    assert "AAF-fake" not in written
    assert "hunter2" not in written
