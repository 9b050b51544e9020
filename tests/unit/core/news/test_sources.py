from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from core.news.sources import PAGE_SITES, SOURCES, Source
from core.settings import NewsSettings, Settings

NIGHT = datetime(2026, 10, 8, 16, tzinfo=UTC)
"""01:00 of the 9th in Seoul."""


def settings(**news: object) -> Settings:
    return Settings(_env_file=None, news=NewsSettings.model_validate(news))


FORBIDDEN = ["naver_main", "naver_focus", "naver_stock"]


@pytest.mark.parametrize("key", FORBIDDEN)
def test_a_source_whose_robots_file_forbids_it_is_off_until_named(key: str) -> None:
    source = SOURCES[key]
    assert not source.enabled(settings())
    assert "NEWS_SOURCES" in (source.off_because(settings()) or "")
    assert source.enabled(settings(sources=[source.key]))


def test_published_feeds_are_on_and_pages_nobody_allowed_are_not_read() -> None:
    on = {key for key, source in SOURCES.items() if source.enabled(settings())}
    assert on == {"hankyung", "mk", "mk_sitemap"}
    assert {key for key, site in PAGE_SITES.items() if site.read(settings())} == {"naver_page"}
    assert PAGE_SITES["mk_page"].read(settings(sources=["mk_page"]))


def test_nothing_that_was_shut_or_forbids_reading_altogether_is_asked() -> None:
    asked = [
        listing.url for source in SOURCES.values() for listing in source.listings(NewsSettings(), NIGHT, ["005930"])
    ]
    shut = ("finance.naver.com", "rss.hankyung.com", "consensus.hankyung.com", "file.mk.co.kr", "data.krx.co.kr")
    assert asked
    assert [url for url in asked if urlsplit(url).hostname in shut or "/feed/stock" in url] == []


def test_a_search_asks_for_as_much_as_one_call_gives_and_for_the_newest() -> None:
    for api, path in (("developers", "/v1/search/news.json"), ("hub", "/search/v1/news")):
        (listing,) = SOURCES["naver_search"].listings(NewsSettings(naver_search_api=api), NIGHT, ["삼성전자"])
        assert urlsplit(listing.url).path == path
        assert listing.params == {"query": "삼성전자", "display": "100", "start": "1", "sort": "date"}


def test_a_source_without_its_address_says_which_setting_is_missing() -> None:
    reason = SOURCES["naver_stock"].off_because(settings(sources=["naver_stock"], naver_mobile_url=""))
    assert reason == "not set: NEWS_NAVER_MOBILE_URL"


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_every_list_and_page_stands_on_a_host_of_the_settings(source: Source) -> None:
    addresses = [name for name in NewsSettings.model_fields if name.endswith("_url")]
    news = NewsSettings.model_validate(dict.fromkeys(addresses, "http://lists.example/"))
    listings = source.listings(news, NIGHT, ["005930", "0126Z0"])
    assert listings
    assert all(listing.url.startswith("http://lists.example/") for listing in listings)
    if source.page is not None:
        assert source.page.url(news, "https://press.example/article/1?sid=1") == "http://lists.example/article/1"


def test_a_stock_list_is_read_for_every_code_and_tagged_with_it() -> None:
    listings = SOURCES["naver_stock"].listings(NewsSettings(), NIGHT, ["005930", "0126Z0"])
    assert [listing.tag for listing in listings] == ["005930", "0126Z0"]
    assert SOURCES["naver_stock"].listings(NewsSettings(), NIGHT, []) == []


def test_topics_are_asked_for_the_day_in_seoul() -> None:
    listings = SOURCES["naver_focus"].listings(NewsSettings(), NIGHT, [])
    assert {listing.params["date"] for listing in listings} == {"20261009"}
    assert [listing.params["sid"] for listing in listings] == ["401", "402", "403", "404", "406", "429"]
