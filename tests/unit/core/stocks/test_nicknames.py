"""The table of nicknames."""

from __future__ import annotations

import csv
import gzip
from collections import Counter

from core.stocks.nicknames import default_nicknames, nickname_pairs
from core.stocks.stock import CODE
from tests.samples import sample


def test_well_known_nicknames_stand_for_their_stock() -> None:
    nicknames = default_nicknames()
    assert nicknames["삼전"] == "005930"
    assert nicknames["LG엔솔"] == "373220"
    assert nicknames["카뱅"] == "323410"


def test_name_of_a_pair_is_in_no_single_mapping() -> None:
    assert "삼전닉스" not in default_nicknames()
    assert {code for name, code in nickname_pairs() if name == "삼전닉스"} == {"005930", "000660"}


def test_rows_are_distinct_and_codes_are_codes() -> None:
    pairs = Counter((name.lower(), code) for name, code in nickname_pairs())
    assert max(pairs.values()) == 1
    assert all(CODE.fullmatch(code) and name == name.strip() for name, code in nickname_pairs())


def test_no_nickname_is_the_listed_name_of_another_stock() -> None:
    path = sample("krx/fdr_krx_listing_daily/krx_2026-03-20.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8-sig") as file:
        listed = {row["Name"].lower(): row["Code"] for row in csv.DictReader(file)}
    assert {code for _, code in nickname_pairs()} <= set(listed.values())
    assert not [name for name, code in nickname_pairs() if listed.get(name.lower(), code) != code]
