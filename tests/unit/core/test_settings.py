"""Settings come from the environment alone, and say which one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import BadSettings
from core.settings import environment_names, example_file, load_settings

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_example_file_lists_every_setting_at_its_default() -> None:
    assert (ROOT / ".env.example").read_text() == example_file()


def test_nothing_is_required_to_read_the_settings() -> None:
    assert load_settings().telegram.bot_token is None


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_ADMIN_IDS", "1, 22")
    monkeypatch.setenv("NEWS_SOURCES", "naver_main,naver_focus,")
    settings = load_settings()
    assert settings.telegram.admin_ids == (1, 22)
    assert settings.news.sources == ("naver_main", "naver_focus")


def test_an_empty_value_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIS_CALLS_PER_SECOND", "")
    assert load_settings().kis.rate == 18


def test_the_paper_environment_has_its_own_address_and_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIS_PAPER", "true")
    kis = load_settings().kis
    assert (kis.rate, "vts" in kis.address) == (1.0, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("KIS_CALLS_PER_SECOND", "-1"), ("TELEGRAM_ADMIN_IDS", "me"), ("LOG_LEVEL", "LOUD"), ("DATABASE_POOL_SIZE", "0")],
)
def test_a_bad_value_is_named_in_one_line(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match=name) as caught:
        load_settings()
    assert "\n" not in str(caught.value)


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456:SECRET-SECRET-SECRET-SECRET-SECRET")
    assert "SECRET" not in repr(load_settings())


def test_names_are_unique() -> None:
    names = environment_names()
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("url", "secret", "complaint"),
    [
        ("https://bot.example/updates", "", "TELEGRAM_WEBHOOK_SECRET"),
        ("https://bot.example/updates", "no spaces please", "TELEGRAM_WEBHOOK_SECRET"),
        ("bot.example/updates", "secret", "https://"),
    ],
)
def test_a_webhook_needs_an_address_and_a_secret_telegram_takes(
    url: str, secret: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_WEBHOOK_URL", url)
    monkeypatch.setenv("TELEGRAM_WEBHOOK_SECRET", secret)
    with pytest.raises(BadSettings, match=complaint) as caught:
        load_settings()
    assert "\n" not in str(caught.value)
