from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.clock import Phase
from tests.sheets import make_bars, make_sheet


def test_the_input_hash_is_of_the_content_and_not_of_the_moment() -> None:
    sheet = make_sheet()
    later = replace(sheet, as_of=sheet.as_of + timedelta(minutes=5))
    assert later.input_hash == sheet.input_hash


def test_whatever_a_forecaster_may_read_changes_the_input_hash() -> None:
    sheet = make_sheet()
    others = [
        replace(sheet, phase=Phase.PRE_OPEN),
        replace(sheet, facts=sheet.facts[1:]),
        replace(sheet, facts=(replace(sheet.facts[0], text="1원"), *sheet.facts[1:])),
        replace(sheet, missing=("PER",)),
        replace(sheet, bars=sheet.bars[1:]),
        make_sheet(make_bars(150, seed=2)),
    ]
    assert len({sheet.input_hash, *(other.input_hash for other in others)}) == len(others) + 1


def test_the_band_grows_with_the_root_of_the_horizon() -> None:
    sheet = make_sheet(band=0.01)
    assert (sheet.band_over(1), sheet.band_over(25)) == (0.01, 0.05)
