"""What one article costs from the bytes of its page to its story, against the usual way, in the same run.

Ours: the page reader, the matcher, the sketch with the rule that decides. The usual way: BeautifulSoup with its
html.parser, a plain `in` loop over names and codes, datasketch's MinHash LSH. Both do the same work on the same pages
in turns: text of the article, stocks it names, earlier articles it repeats (looked up in memory; the product asks an
index of the database). Pages are a recorded one of 128 KB, or an invented one of that size, with the paragraphs of
invented articles in it. Processor time; the usual way runs on a subset.
"""

from __future__ import annotations

import gzip
import random
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bs4 import BeautifulSoup
from datasketch import MinHash, MinHashLSH

from bench.matching import SAMPLES, _headlines, _names, _prose
from bench.timing import verdict
from core.news.alike import Gist, alike, gist_of
from core.news.matching import Matcher
from core.news.parsers.mk import parse_page
from sim.maeil.server import PAGE

PAGES, USUAL_PAGES, ROUNDS, GOAL = 300, 30, 3, 30.0
AT = datetime(2026, 11, 20, tzinfo=UTC)
_BODY = re.compile(
    r'(<div class="news_cnt_detail_wrap" itemprop="articleBody">).*?(</div>\s*<div class="ad_contents">)', re.S
)


def _template() -> tuple[str, str]:
    """A page cut in two where its paragraphs go."""
    path = SAMPLES / "mk/article_MBN_2025_06_03.html.gz"
    if path.exists():
        page = gzip.decompress(path.read_bytes()).decode()
        found = _BODY.search(page)
        assert found is not None
        return page[: found.end(1)], page[found.start(2) :]
    menu = '<li class="menu"><a href="/news/x" data-section="gnb">메뉴</a><script>track("<b>")</script></li>\n' * 600
    page = PAGE.format(
        title="제목", address="", number=1, iso="2026-11-20T09:00:00+09:00", shown="", lead="", body="@@"
    )
    head, _, tail = page.partition("@@")
    return head.replace("<body>", f"<body><ul>{menu}</ul>"), f"{tail}<ul>{menu}</ul>"


def _pages(rng: random.Random, names: Sequence[tuple[str, str]]) -> list[bytes]:
    before, after = _template()
    headlines = _headlines(names, rng)
    prose = _prose(headlines)
    pages: list[bytes] = []
    for _ in range(PAGES):
        sentences = [rng.choice(headlines), *rng.choices(prose, k=8)]
        body = "".join(f"<p>{sentence}</p>" for sentence in sentences)
        pages.append(f"{before}{body}{after}".encode())
        if rng.random() < 0.2:
            again = body.replace("는 ", "은 ", 1) + "<p>(끝)</p>"
            pages.append(f"{before}{again}{after}".encode())
    return pages[:PAGES]


class Ours:
    """The product's way, with a dictionary in place of the database's index."""

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher
        self.seconds = {"parse": 0.0, "match": 0.0, "fold": 0.0}
        self.forget()

    def forget(self) -> None:
        """Begin without earlier articles."""
        self._bands: dict[int, list[int]] = {}
        self._gists: list[Gist] = []
        self.repeats = self.matches = 0

    def __call__(self, body: bytes) -> None:
        began = time.process_time()
        page = parse_page(body, at=AT)
        parsed = time.process_time()
        self.matches += len(self.matcher.match(page.title, page.body))
        matched = time.process_time()
        gist = gist_of("", "", page.body)
        sketch = gist.sketch
        candidates = {number for band in sketch for number in self._bands.get(band, ())}
        self.repeats += any(alike(gist, self._gists[number]) for number in candidates)
        for band in sketch:
            self._bands.setdefault(band, []).append(len(self._gists))
        self._gists.append(gist)
        folded = time.process_time()
        for name, seconds in (("parse", parsed - began), ("match", matched - parsed), ("fold", folded - matched)):
            self.seconds[name] += seconds


class Usual:
    """The way of most programs."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = patterns
        self.seconds = {"parse": 0.0, "match": 0.0, "fold": 0.0}
        self.forget()

    def forget(self) -> None:
        """Begin without earlier articles."""
        self._lsh = MinHashLSH(threshold=0.7, num_perm=128)
        self._count = self.repeats = self.matches = 0

    def __call__(self, body: bytes) -> None:
        began = time.process_time()
        soup = BeautifulSoup(body, "html.parser")
        area = soup.select_one("div.news_cnt_detail_wrap")
        title = soup.select_one("h2.news_ttl")
        assert area is not None
        for other in area.select("script, style, .mid_title, .thumb_area, .ad_wrap"):
            other.decompose()
        text = f"{title.get_text(strip=True) if title else ''}\n{area.get_text(chr(10), strip=True)}"
        parsed = time.process_time()
        self.matches += sum(1 for pattern in self.patterns if pattern in text)
        matched = time.process_time()
        lead = "".join(text.split())[:80]
        sketch = MinHash(num_perm=128)
        sketch.update_batch([lead[place : place + 3].encode() for place in range(len(lead) - 2)])
        self.repeats += bool(self._lsh.query(sketch))
        self._lsh.insert(str(self._count), sketch)
        self._count += 1
        folded = time.process_time()
        for name, seconds in (("parse", parsed - began), ("match", matched - parsed), ("fold", folded - matched)):
            self.seconds[name] += seconds


def _best(way: Ours | Usual, pages: Sequence[bytes], best: dict[str, float]) -> dict[str, float]:
    """Milliseconds an article of each step, where a round was better than those before."""
    way.forget()
    way.seconds = dict.fromkeys(way.seconds, 0.0)
    work: Callable[[bytes], None] = way
    for page in pages:
        work(page)
    return {name: min(best.get(name, 1e9), spent / len(pages) * 1000) for name, spent in way.seconds.items()}


def main() -> None:
    """Print milliseconds an article for every step of both ways, and how many times the usual way takes."""
    rng = random.Random(20261121)
    names = _names()
    patterns = list(dict.fromkeys([*(name for name, _ in names), *(code for _, code in names)]))
    pages = _pages(rng, names)
    ours, usual = Ours(Matcher(names)), Usual(patterns)
    for way in (ours, usual):
        way(pages[0])
    fast: dict[str, float] = {}
    slow: dict[str, float] = {}
    for _ in range(ROUNDS):
        fast = _best(ours, pages, fast)
        slow = _best(usual, pages[:USUAL_PAGES], slow)
    size = sum(map(len, pages)) // len(pages) // 1000
    print(
        f"{len(pages)} pages of {size} KB, {len(patterns):,} names; {ours.repeats} repeats found, {usual.repeats} in "
        f"the {USUAL_PAGES} of the usual way"
    )
    print(f"{'ms an article':<16}{'ours':>8}{'usual':>10}{'times':>8}")
    for name in fast:
        print(f"{name:<16}{fast[name]:>8.3f}{slow[name]:>10.3f}{slow[name] / fast[name]:>8.1f}")
    total = sum(fast.values()), sum(slow.values())
    print(f"{'all':<16}{total[0]:>8.3f}{total[1]:>10.3f}{total[1] / total[0]:>8.1f}")
    print(verdict("article path", total[1] / total[0], GOAL, at_most=False))


if __name__ == "__main__":
    main()
