from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.news.sources import SOURCES, Source
from core.settings import NewsSettings, Settings

NIGHT = datetime(2026, 10, 8, 16, tzinfo=UTC)
"""01:00 of the 9th in Seoul."""


def settings(**news: object) -> Settings:
    return Settings(_env_file=None, news=NewsSettings.model_validate(news))


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_a_source_whose_robots_file_forbids_it_is_off_until_named(source: Source) -> None:
    assert source.robots_forbids
    assert not source.enabled(settings())
    assert "NEWS_SOURCES" in (source.off_because(settings()) or "")
    assert source.enabled(settings(sources=[source.key]))


def test_a_source_without_its_address_says_which_setting_is_missing() -> None:
    reason = SOURCES["naver_stock"].off_because(settings(sources=["naver_stock"], naver_mobile_url=""))
    assert reason == "not set: NEWS_NAVER_MOBILE_URL"


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_every_list_and_page_stands_on_a_host_of_the_settings(source: Source) -> None:
    news = NewsSettings(
        naver_stock_url="http://lists.example/",
        naver_mobile_url="http://lists.example",
        naver_article_url="http://pages.example",
    )
    listings = source.listings(news, NIGHT, ["005930", "0126Z0"])
    assert listings
    assert all(listing.url.startswith("http://lists.example/api/") for listing in listings)
    assert source.page_url(news, "naver:015:0005340952") == "http://pages.example/mnews/article/015/0005340952"


def test_a_stock_list_is_read_for_every_code_and_tagged_with_it() -> None:
    listings = SOURCES["naver_stock"].listings(NewsSettings(), NIGHT, ["005930", "0126Z0"])
    assert [listing.tag for listing in listings] == ["005930", "0126Z0"]
    assert SOURCES["naver_stock"].listings(NewsSettings(), NIGHT, []) == []


def test_topics_are_asked_for_the_day_in_seoul() -> None:
    listings = SOURCES["naver_focus"].listings(NewsSettings(), NIGHT, [])
    assert {listing.params["date"] for listing in listings} == {"20261009"}
    assert [listing.params["sid"] for listing in listings] == ["401", "402", "403", "404", "406", "429"]
