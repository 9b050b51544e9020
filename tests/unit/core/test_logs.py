"""No secret reaches a log line."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import structlog

from core.logs import configure_logs, redact
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
    ],
)
def test_what_looks_like_a_secret_is_replaced(text: str) -> None:
    hidden = redact(text)
    assert "***" in hidden
    assert not any(part in hidden for part in ("AAF-fake", "payload", "0123456789abcdef", "hunter2"))


def test_ordinary_text_stays() -> None:
    text = "삼성전자 005930 190,100원 https://n.news.naver.com/mnews/article/015/0005340952"
    assert redact(text) == text


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
