"""Every parser of the registry on its golden reply, and on damaged and arbitrary ones."""

from __future__ import annotations

import gzip
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Malformed
from core.health.probes import PROBES
from core.news.article import ArticlePage, Parsed
from core.news.parsers import mk, naver_search, reddit
from core.news.parsers.naver_lists import parse_articles
from core.news.sources import PAGE_SITES, SOURCES
from tests.samples import sample
from tests.unit.core.news.golden import AT, GOLDEN, PARSERS, expected, reply, shown

KEYS = sorted(PARSERS)


def test_every_source_and_site_has_a_golden_reply_a_version_and_a_status() -> None:
    assert {path.name for path in GOLDEN.iterdir() if path.is_dir()} == set(PARSERS)
    assert {probe.name for probe in PROBES} >= set(SOURCES)
    assert min(source.version for source in SOURCES.values()) >= 1
    assert min(site.version for site in PAGE_SITES.values()) >= 1


@pytest.mark.parametrize("key", KEYS)
def test_the_golden_reply_is_read_as_expected(key: str) -> None:
    assert shown(PARSERS[key](reply(key), at=AT)) == expected(key)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"\x00",
        b"<html><body><h3>not here</h3></body></html>",
        b'{"detailCode": "X", "message": "y"}',
        b"[]x",
        b'<!DOCTYPE r [<!ENTITY a "b">]><rss><channel>&a;</channel></rss>',
        "\ufeff가나다".encode("utf-16"),
        b'{"articles": 1, "items": 2, "clusters": "x", "data": {"children": 3}}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_reply_of_the_source_is_malformed(key: str, body: bytes) -> None:
    with pytest.raises(Malformed):
        PARSERS[key](body, at=AT)


@pytest.mark.parametrize("key", KEYS)
def test_a_reply_in_another_encoding_is_malformed(key: str) -> None:
    body = reply(key).decode().encode("cp949", "replace")
    with pytest.raises(Malformed):
        PARSERS[key](body * 3 if key == "reddit" else body, at=AT)


@pytest.mark.parametrize("key", KEYS)
@given(place=st.integers(0), junk=st.binary(max_size=8), cut=st.booleans())
def test_a_damaged_reply_raises_nothing_but_malformed(key: str, place: int, junk: bytes, cut: bool) -> None:
    whole = reply(key)
    place %= len(whole)
    _read(key, whole[:place] + junk + (b"" if cut else whole[place + len(junk) :]))


@pytest.mark.parametrize("key", KEYS)
@given(body=st.binary())
def test_arbitrary_bytes_raise_nothing_but_malformed(key: str, body: bytes) -> None:
    _read(key, body)


@pytest.mark.parametrize("key", KEYS)
@given(pieces=st.lists(st.tuples(st.integers(0), st.integers(1, 60)), min_size=1, max_size=4), seed=st.randoms())
def test_a_reply_with_pieces_moved_about_raises_nothing_but_malformed(
    key: str, pieces: list[tuple[int, int]], seed: object
) -> None:
    whole = bytearray(reply(key))
    for place, length in pieces:
        place %= len(whole)
        moved = whole[place : place + length]
        del whole[place : place + length]
        to = place * 7 % max(len(whole), 1)
        whole[to:to] = moved
    _read(key, bytes(whole))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("piece", [b"<a>", b"<item><title>x</title></item>", b"[", b'{"a":', b"&amp;", b"<![CDATA["])
def test_two_megabytes_of_one_piece_take_no_longer_than_a_second_or_two(key: str, piece: bytes) -> None:
    started = time.process_time()
    head = {"xml": b"<rss><channel>", "html": b'<div id="dic_area">'}.get(_kind(key), b"")
    _read(key, (head + piece * (2_000_000 // len(piece)))[:2_000_000])
    assert time.process_time() - started < 5


def _kind(key: str) -> str:
    (path,) = (GOLDEN / key).glob("reply.*")
    return path.suffix[1:]


def _read(key: str, body: bytes) -> None:
    try:
        read = PARSERS[key](body, at=AT)
    except Malformed:
        return
    if isinstance(read, ArticlePage):
        assert read.body
        assert len(read.body) <= 20_000
        return
    assert isinstance(read, Parsed)
    for headline in read.headlines:
        assert headline.title
        assert headline.published_at.tzinfo is UTC
        assert headline.address.startswith(("https://", "http://"))
        "".join((headline.title, headline.summary, headline.press, headline.body or "", *headline.ids)).encode()
        assert "\x00" not in headline.title + headline.summary + (headline.body or "")


def test_a_feed_that_breaks_off_gives_what_came_before_and_says_so() -> None:
    whole = reply("hankyung")
    parsed = PARSERS["hankyung"](whole[: whole.index(b"evil.example")], at=AT)
    assert isinstance(parsed, Parsed)
    assert len(parsed.headlines) == 2
    assert [row.reason for row in parsed.rejected] == ["the feed breaks off"]


def test_entities_of_a_feed_reach_no_file_and_do_not_multiply() -> None:
    body = b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel/></rss>'
    with pytest.raises(Malformed, match="entities"):
        PARSERS["mk"](body, at=AT)


# Real recordings.


def test_the_recorded_page_of_maeil_gives_every_paragraph_and_nothing_beside_the_article() -> None:
    page = mk.parse_page(gzip.decompress(sample("mk/article_MBN_2025_06_03.html.gz").read_bytes()), at=AT)
    known = json.loads(sample("mk/article_MBN_expected.json").read_text("utf-8"))["V1"]
    paragraphs = [text for section in known["body"]["sections"] for text in section["paragraphs"]]
    lines = page.body.split("\n")
    assert [line for line in lines if line in paragraphs] == paragraphs
    assert len(lines) - len(paragraphs) == 5  # headings between them
    assert page.title == known["title"]
    assert page.published_at == datetime.fromisoformat(known["publishing_date"])


def test_the_recorded_search_gives_ten_results_and_both_ids_of_those_naver_hosts() -> None:
    body = sample("naver/openapi_search_news_hyundai_2026-02-07.json").read_bytes()
    parsed = naver_search.parse_search(body, at=AT)
    assert (len(parsed.headlines), parsed.rejected) == (10, ())
    hosted = [each for each in parsed.headlines if each.canonical_id.startswith("naver:")]
    assert len(hosted) == 4
    (own,) = [each for each in hosted if each.canonical_id.startswith("naver:015")]
    assert own.aliases == ("hankyung:202602069356g",)
    assert own.title.startswith('"테슬라 손잡이 보기엔 좋지만 불 나면 갇힌다"')
    assert parsed.headlines[0].published_at == datetime(2026, 2, 7, 10, 40, tzinfo=UTC)


def test_the_recorded_listing_of_reddit_keeps_the_true_time_and_no_author() -> None:
    tape = json.loads(gzip.decompress(sample("reddit/subredditlistings_test_new.json.gz").read_bytes()))
    body = next(
        each["body"] for each in tape if isinstance(each["body"], dict) and each["body"].get("kind") == "Listing"
    )
    posts = {child["data"]["name"]: child["data"] for child in body["data"]["children"]}
    parsed = reddit.parse_listing(json.dumps(body).encode(), at=AT)
    assert len(parsed.headlines) > 80
    for headline in parsed.headlines:
        post = posts[headline.canonical_id.removeprefix("reddit:")]
        assert headline.published_at.timestamp() == post["created_utc"]
        assert post["author"] not in (headline.press, headline.summary)


@pytest.mark.parametrize(("name", "articles", "titles"), [("stock_mainnews_2026-10-09.json", 15, 14)])
def test_the_recorded_lists_of_naver_are_read_whole(name: str, articles: int, titles: int) -> None:
    parsed = parse_articles(sample(f"naver/{name}").read_bytes(), at=datetime(2026, 10, 9, 13, 30, tzinfo=UTC))
    assert (len(parsed.headlines), len({each.title for each in parsed.headlines})) == (articles, titles)
