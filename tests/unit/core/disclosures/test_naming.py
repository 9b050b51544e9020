from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.disclosures.filing import Weight
from core.disclosures.kinds import KEYS, KINDS, OTHER, REASONS, judged, kind_of
from core.disclosures.naming import CORRECTING, ReportName, parse_name
from tests.samples import sample

WORDS = st.text(st.sampled_from("가나다결정보고서자기주식취득·ㆍ%1/"), min_size=1, max_size=20)
PREFIXES = st.lists(st.sampled_from(("기재정정", "첨부정정", "첨부추가", "발행조건확정", "정정제출요구")), max_size=3)
QUALIFIERS = st.lists(st.sampled_from(("자율공시", "공정공시", "자회사의 주요경영사항", "연1회(동일인용)")), max_size=2)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("사업보고서 (2025.12)", ReportName(title="사업보고서", period="2025.12")),
        (
            "[기재정정]사업보고서 (2024.12)",
            ReportName(title="사업보고서", prefixes=("기재정정",), period="2024.12"),
        ),
        (
            "[정정제출요구][기재정정]증권신고서(지분증권)",
            ReportName(title="증권신고서", prefixes=("정정제출요구", "기재정정"), qualifiers=("지분증권",)),
        ),
        (
            "[기재정정]주주총회소집결의              (임시주주총회)",
            ReportName(title="주주총회소집결의", prefixes=("기재정정",), remark="임시주주총회"),
        ),
        ("기업설명회(IR)개최(안내공시)", ReportName(title="기업설명회(IR)개최", qualifiers=("안내공시",))),
        (
            "효력발생안내( 2026.7.13. 제출 증권신고서(합병) )",
            ReportName(title="효력발생안내", qualifiers=("2026.7.13. 제출 증권신고서(합병)",)),
        ),
        (
            "대규모기업집단현황공시[연1회(동일인용)]",
            ReportName(title="대규모기업집단현황공시[연1회(동일인용)]"),
        ),
        (
            "매출액또는손익구조30%(대규모법인은15%)이상변경",
            ReportName(title="매출액또는손익구조30%(대규모법인은15%)이상변경"),
        ),
        ("(임시)", ReportName(title="(임시)")),
        ("", ReportName(title="")),
    ],
)
def test_a_name_is_taken_apart(written: str, expected: ReportName) -> None:
    assert parse_name(written) == expected


def test_an_added_attachment_and_final_terms_correct_nothing() -> None:
    assert not parse_name("[첨부추가]반기보고서 (2026.06)").correction
    assert not parse_name("[발행조건확정]증권신고서(채무증권)").correction
    assert parse_name("[정정제출요구]증권신고서(합병)").correction


def test_a_correction_shares_its_subject_with_the_original_however_it_is_typed() -> None:
    original = parse_name("단일판매ㆍ공급계약체결(자회사의 주요경영사항)")
    assert parse_name("[기재정정]단일판매・공급계약체결(자회사의주요경영사항)  (부품)").subject == original.subject
    assert parse_name("사업보고서 (2025.12)").subject != parse_name("사업보고서 (2024.12)").subject


@given(prefixes=PREFIXES, title=WORDS, qualifiers=QUALIFIERS, period=st.none() | st.just("2026.06"))
def test_what_is_put_together_is_taken_apart_again(
    prefixes: list[str], title: str, qualifiers: list[str], period: str | None
) -> None:
    written = "".join((*(f"[{each}]" for each in prefixes), title, *(f"({each})" for each in qualifiers)))
    name = parse_name(written + (f" ({period})" if period else "") + "     (자유 기재)")
    assert name.prefixes == tuple(prefixes)
    assert name.qualifiers == tuple(qualifiers)
    assert (name.period, name.remark) == (period, "자유 기재")
    assert name.correction == any(each in CORRECTING for each in prefixes)
    assert name.subsidiary == ("자회사의 주요경영사항" in qualifiers)


@given(st.text(max_size=200))
def test_any_text_has_a_name_a_kind_and_a_weight(written: str) -> None:
    assert parse_name(written).subject == parse_name(f"[기재정정]{written}").subject or not written.strip()
    judgement = judged(written)
    assert judgement.kind in KEYS
    assert judgement.weight in set(Weight)


@given(st.sampled_from([kind.key for kind in KINDS]))
def test_every_rule_has_a_reason(key: str) -> None:
    assert REASONS[key]


def real_names() -> Iterator[tuple[int, str]]:
    for line in sample("dart/report_nm_frequency_2026-08-29.tsv").read_text().splitlines():
        count, name = line.split("\t")
        yield int(count), name


def test_real_names_are_nearly_all_of_a_known_kind_and_few_are_material() -> None:
    counted = list(real_names())
    total = sum(count for count, _ in counted)
    known = sum(count for count, name in counted if judged(name).kind != OTHER)
    material = sum(count for count, name in counted if judged(name).weight is Weight.MATERIAL)
    assert known >= 0.95 * total
    assert 0.05 * total <= material <= 0.2 * total


@pytest.mark.parametrize(
    ("written", "kind", "weight"),
    [
        ("주요사항보고서(유상증자결정)", "rights_issue", Weight.MATERIAL),
        ("유상증자결정", "rights_issue", Weight.MATERIAL),
        ("유상증자결정(종속회사의주요경영사항)", "rights_issue", Weight.NOTABLE),
        ("유상증자결정(자회사의 주요경영사항)", "rights_issue", Weight.NOTABLE),
        ("[기재정정]주요사항보고서(유상증자결정)", "rights_issue", Weight.NOTABLE),
        ("유상증자결정철회", "plan_dropped", Weight.MATERIAL),
        ("단일판매ㆍ공급계약체결", "contract", Weight.MATERIAL),
        ("단일판매·공급계약체결(자율공시)", "contract_small", Weight.NOTABLE),
        ("단일판매ㆍ공급계약해지", "contract_ended", Weight.MATERIAL),
        ("임원ㆍ주요주주특정증권등소유상황보고서", "insider_holding", Weight.ROUTINE),
        ("임원ㆍ주요주주특정증권등거래계획철회보고서", "insider_plan", Weight.NOTABLE),
        ("자기주식취득신탁계약체결결정", "buyback", Weight.MATERIAL),
        ("주요사항보고서(자기주식취득신탁계약해지결정)", "treasury_trust_ended", Weight.NOTABLE),
        ("주권매매거래정지해제              (감자 주권 변경상장)", "resumed", Weight.MATERIAL),
        ("현금ㆍ현물배당결정(자회사의 주요경영사항)", "dividend", Weight.NOTABLE),
        ("최대주주등소유주식변동신고서(최대주주변경시)", "control_change", Weight.MATERIAL),
        ("투자판단관련주요경영사항(임상시험결과)", "trial", Weight.MATERIAL),
        ("조회공시요구(풍문또는보도)에대한답변(미확정)", "inquiry_answer", Weight.NOTABLE),
        ("조회공시요구(풍문또는보도)", "inquiry", Weight.NOTABLE),
        ("파생상품거래손실발생", "derivative_loss", Weight.MATERIAL),
        ("오늘의 날씨", OTHER, Weight.ROUTINE),
    ],
)
def test_a_filing_is_judged(written: str, kind: str, weight: Weight) -> None:
    assert (judged(written).kind, judged(written).weight) == (kind, weight)


def test_free_text_of_the_filer_decides_no_kind_but_that_of_trials() -> None:
    plain = kind_of(parse_name("투자판단관련주요경영사항              (유상증자 철회 상장폐지)"))
    assert plain is not None
    assert plain.key == "key_matter"
