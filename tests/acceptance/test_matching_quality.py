"""News-to-stock matching against labels made by hand.

A label holds every listed issue a Korean investor would say the text speaks of, by today's code of the company named:

- named by its listed, former, short or English name, as the subject, a counterpart, or one of a list;
- not a group by itself (삼성, 현대차그룹), an unlisted or delisted company, a product or a team;
- not a securities house that only signs or gives an opinion ("목표가↑-한화", "키움증권 연구원").

The files hold the recording, the row and the codes. `matching_tune` was used to make the rules; `matching_holdout` and
`matching_fresh` were labelled before they were first measured and looked at after, `matching_blind` was only measured.
"""

from __future__ import annotations

import csv
import gzip
import html
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from core.news.ambiguity import trust_in
from core.news.matching import Matcher
from core.stocks.nicknames import nickname_pairs
from tests.samples import sample

LABELS = Path(__file__).parent / "labels"
HALVES = ("matching_tune", "matching_holdout", "matching_fresh", "matching_blind")
PRECISION, RECALL = 0.985, 0.965

Text = tuple[str, str]
"""Title and body."""


def _rows(name: str) -> list[dict[str, str]]:
    path = sample(name)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def _titles(name: str, column: str) -> list[Text]:
    return [(row[column], "") for row in _rows(name)]


def _naver(name: str) -> list[Text]:
    return [(row["title"], row["subcontent"]) for row in json.loads(sample(name).read_text("utf-8"))["articles"]]


def _plain(text: str) -> str:
    return html.unescape(text.replace("<b>", "").replace("</b>", ""))


def _openapi(name: str) -> list[Text]:
    items = json.loads(sample(name).read_text("utf-8"))["items"]
    return [(_plain(item["title"]), _plain(item["description"])) for item in items]


READERS: dict[str, Callable[[], list[Text]]] = {
    "train": lambda: _titles("news_datasets/news_train_labeling_arkim2.csv", "kor_sentence"),
    "titles": lambda: _titles("news_datasets/news_titles_2019-2023_arkim2.csv.gz", "key_title"),
    "mainnews": lambda: _naver("naver/stock_mainnews_2026-10-09.json"),
    "focus_401": lambda: _naver("naver/stock_focus_401_2026-10-08.json"),
    "openapi_hyundai": lambda: _openapi("naver/openapi_search_news_hyundai_2026-02-07.json"),
}


@cache
def listing() -> dict[str, str]:
    """Name → code on 2026-03-20."""
    return {row["Name"]: row["Code"] for row in _rows("krx/fdr_krx_listing_daily/krx_2026-03-20.csv.gz")}


@cache
def matcher() -> Matcher:
    return Matcher([*listing().items(), *nickname_pairs()])


@dataclass(slots=True)
class Outcome:
    """Counts of codes over one file of labels; `errors` are (class, place) pairs."""

    items: int = 0
    right: int = 0
    wrong: int = 0
    missed: int = 0
    errors: tuple[tuple[str, str], ...] = ()

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed)


@cache
def texts(dataset: str) -> list[Text]:
    return READERS[dataset]()


def measure(half: str) -> Outcome:
    outcome, names = Outcome(), {code: name for name, code in listing().items()}
    with (LABELS / f"{half}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        title, body = texts(row["dataset"])[int(row["row_id"])]
        expected = set(row["codes"].split(";")) - {""}
        found = {match.code for match in matcher().match(title, body)}
        outcome.items += 1
        outcome.right += len(found & expected)
        outcome.wrong += len(found - expected)
        outcome.missed += len(expected - found)
        place = f"{row['dataset']}:{row['row_id']} {title}"
        for kind, codes in (("wrong", found - expected), ("missed", expected - found)):
            outcome.errors += tuple((f"{kind}, {_trust(names, code)}", f"{names[code]} in {place}") for code in codes)
    return outcome


def _trust(names: dict[str, str], code: str) -> str:
    """The class of an error: how far the issue's listed name may be trusted by itself."""
    return f"{trust_in(names[code]).name.lower()} name"


def report(half: str, outcome: Outcome) -> str:
    lines = [
        f"{half}: {outcome.items} items, {outcome.right + outcome.missed} labelled codes, "
        f"P {outcome.precision:.4f}, R {outcome.recall:.4f}"
    ]
    for kind, count in Counter(kind for kind, _ in outcome.errors).most_common():
        lines.append(f"  {kind}: {count}")
        lines += [f"    {error}" for found, error in outcome.errors if found == kind]
    return "\n".join(lines)


@pytest.mark.parametrize("half", HALVES)
def test_matching_reaches_its_goal_on_hand_labels(half: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = measure(half)
    with capsys.disabled():
        sys.stdout.write(f"\n{report(half, outcome)}\n")
    assert outcome.precision >= PRECISION
    assert outcome.recall >= RECALL
