from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.disclosures.corrections import REACH, newest_correction, original_of
from core.disclosures.filing import Disclosure
from tests.unit.core.disclosures.wire import filing

DAY = date(2026, 11, 2)
NAMES = (
    "단일판매ㆍ공급계약체결",
    "[기재정정]단일판매ㆍ공급계약체결",
    "[첨부정정]단일판매ㆍ공급계약체결  (부품)",
    "단일판매ㆍ공급계약체결  (부품)",
    "사업보고서 (2025.12)",
    "[기재정정]사업보고서 (2025.12)",
)


@st.composite
def filings(draw: st.DrawFn) -> list[Disclosure]:
    return [
        filing(
            number,
            draw(st.sampled_from(NAMES)),
            DAY + timedelta(days=draw(st.integers(0, 20))),
            company=draw(st.sampled_from(("삼성전자", "카카오"))),
            filer=draw(st.sampled_from(("삼성전자", "김경륜"))),
            remarks=draw(st.sampled_from(("", "유", "유정"))),
        )
        for number in range(1, draw(st.integers(1, 9)) + 1)
    ]


@given(filings())
def test_a_tie_leads_to_an_earlier_original_of_the_same_company_name_and_filer(given_: list[Disclosure]) -> None:
    for each in given_:
        tie = original_of(each, given_)
        if tie is None:
            continue
        assert each.correction
        assert not tie.original.correction
        assert (tie.original.company, tie.original.filer) == (each.company, each.filer)
        assert tie.original.filed_on <= each.filed_on
        assert tie.original.id != each.id


@given(filings())
def test_the_tie_does_not_depend_on_the_order_and_later_filings_change_nothing(given_: list[Disclosure]) -> None:
    for each in given_:
        tie = original_of(each, given_)
        assert original_of(each, given_[::-1]) == tie
        later = filing(99, NAMES[0], DAY + timedelta(days=60), company=each.company, filer=each.filer)
        assert original_of(each, [*given_, later]) == tie


@given(filings())
def test_both_ends_of_a_sure_tie_agree(given_: list[Disclosure]) -> None:
    for each in given_:
        newest = newest_correction(each, given_)
        if newest is not None:
            tie = original_of(newest, given_)
            assert tie is not None
            assert tie.original == each
            assert tie.sure


def test_of_several_that_fit_the_one_dart_marks_is_taken() -> None:
    first, second = filing(1, NAMES[0], DAY, remarks="유정"), filing(2, NAMES[0], DAY + timedelta(days=1), remarks="유")
    correction = filing(3, NAMES[1], DAY + timedelta(days=2))
    tie = original_of(correction, [first, second, correction])
    assert tie is not None
    assert (tie.original.id, tie.sure) == (1, True)


def test_of_several_that_nothing_tells_apart_the_newest_is_likely_but_not_sure() -> None:
    first, second = filing(1, NAMES[0], DAY), filing(2, NAMES[0], DAY + timedelta(days=1))
    tie = original_of(filing(3, NAMES[1], DAY + timedelta(days=2)), [first, second])
    assert tie is not None
    assert (tie.original.id, tie.sure) == (2, False)
    assert newest_correction(second, [first, filing(3, NAMES[1], DAY + timedelta(days=2))]) is None


def test_the_same_free_text_tells_contracts_apart() -> None:
    chips, parts = filing(1, NAMES[3], DAY), filing(2, "단일판매ㆍ공급계약체결  (반도체)", DAY)
    tie = original_of(filing(3, NAMES[2], DAY + timedelta(days=2)), [chips, parts])
    assert tie is not None
    assert (tie.original.id, tie.sure) == (1, True)


def test_nothing_is_tied_over_more_than_three_years() -> None:
    old = filing(1, NAMES[0], DAY - timedelta(days=REACH + 1))
    assert original_of(filing(3, NAMES[1], DAY), [old]) is None
