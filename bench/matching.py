"""How fast articles are matched to stocks, against a plain `in` loop and the bare automaton, in the same run.

Texts are about 1,000 characters, from recordings where they are, else invented. `article`: a headline and two passages
of news prose that go round, as an article keeps to its few names (some thirteen hits a text, two stocks). `headlines`:
forty different headlines, the hardest case (some twenty-four hits, nineteen stocks). The methods take turns, in
processor time; the loop is timed on a subset and scaled to one text.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from core.news.matching import Matcher
from core.stocks.nicknames import nickname_pairs

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"
TEXTS, NAIVE_TEXTS, ROUNDS, LENGTH = 20_000, 100, 8, 1_000

Text = tuple[str, str]


def _column(path: Path, column: str) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8-sig") as file:
        return [row[column] for row in csv.DictReader(file)]


def _names() -> list[tuple[str, str]]:
    path = SAMPLES / "krx/fdr_krx_listing_daily/krx_2026-03-20.csv.gz"
    if path.exists():
        return [*zip(_column(path, "Name"), _column(path, "Code"), strict=True), *nickname_pairs()]
    invented = [(f"가상{index:04d}전자", f"{index:06d}") for index in range(2_800)]
    return [*invented, *nickname_pairs()]


def _headlines(names: Sequence[tuple[str, str]], rng: random.Random) -> list[str]:
    path = SAMPLES / "news_datasets/news_titles_2019-2023_arkim2.csv.gz"
    if path.exists():
        return _column(path, "key_title")
    return [f"{rng.choice(names)[0]}, 3분기 영업이익 {rng.randrange(1000)}억원…작년보다 늘어" for _ in range(5_000)]


def _prose(headlines: Sequence[str]) -> list[str]:
    found = [SAMPLES / "naver" / name for name in ("stock_mainnews_2026-10-09.json", "stock_focus_401_2026-10-08.json")]
    if all(path.exists() for path in found):
        return [row["subcontent"] for path in found for row in json.loads(path.read_text("utf-8"))["articles"]]
    filler = (
        "회사는 이번 결정이 중장기 성장에 도움이 될 것으로 내다봤고 시장에서는 수요 회복을 기다리는 목소리가 나온다"
    )
    return [f"{headline}. {filler}" for headline in headlines[:50]]


def _texts(headlines: Sequence[str], sentences: Sequence[str], rng: random.Random, distinct: int) -> list[Text]:
    """Texts of a headline and a body in which `distinct` sentences go round, as an article keeps to its few names."""
    texts = []
    for _ in range(TEXTS):
        title = rng.choice(headlines)
        passage = f"{title}. {' '.join(rng.choices(sentences, k=distinct))} "
        body = passage * (LENGTH // len(passage) + 1)
        texts.append((title, body[: LENGTH - len(title)]))
    return texts


def _seconds(works: Mapping[str, tuple[Callable[[Text], object], Sequence[Text]]]) -> dict[str, float]:
    """Seconds a text of each method: the best of a few rounds in which they take turns."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(ROUNDS):
        for name, (work, texts) in works.items():
            start = time.process_time()
            for text in texts:
                work(text)
            best[name] = min(best[name], (time.process_time() - start) / len(texts))
    return best


def _compare(label: str, texts: Sequence[Text], patterns: Sequence[str], matcher: Matcher, bare: AhoCorasick) -> None:
    def loop(text: Text) -> list[str]:
        whole = f"{text[0]}\n{text[1]}"
        return [pattern for pattern in patterns if pattern in whole]

    seconds = _seconds(
        {
            "in loop": (loop, texts[:NAIVE_TEXTS]),
            "bare automaton": (lambda text: bare.find_matches_as_indexes(f"{text[0]}\n{text[1]}"), texts),
            "matcher": (lambda text: matcher.match(*text), texts),
        }
    )
    print(f"\n{label}: {len(texts):,} texts of {LENGTH:,} characters, {len(patterns):,} patterns")
    for name, each in seconds.items():
        ratio = seconds["in loop"] / each
        print(f"  {name:<16}{each * 1e6:>9.1f} us  {1 / each:>8,.0f} articles/s  {ratio:>6.1f} times the in loop")
    print(f"  the matcher takes {seconds['matcher'] / seconds['bare automaton']:.2f} times the bare automaton")


def main() -> None:
    """Print articles a second and the ratios to the `in` loop (timed on a subset) and to the bare automaton."""
    rng = random.Random(20261120)
    names = _names()
    patterns = list(dict.fromkeys([*(name for name, _ in names), *(code for _, code in names)]))
    start = time.perf_counter()
    matcher = Matcher(names)
    print(f"matcher built in {(time.perf_counter() - start) * 1000:.0f} ms")
    bare = AhoCorasick(patterns, matchkind=MatchKind.LeftmostLongest, implementation=Implementation.DFA)
    headlines = _headlines(names, rng)
    _compare("article", _texts(headlines, _prose(headlines), rng, 2), patterns, matcher, bare)
    _compare("headlines", _texts(headlines, headlines, rng, 40), patterns, matcher, bare)


if __name__ == "__main__":
    main()
