"""Two sources that tell the same: where they differ."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.sources.compare import EXACT, Compared, Tolerance, Value, compare

BAR: dict[str, Value] = {"close": 70_500, "volume": 1_000_000}
TOLERANCES = {"close": EXACT, "volume": Tolerance(share=0.01)}

VALUES = st.one_of(st.none(), st.integers(-(10**15), 10**15), st.floats(), st.text(max_size=5))
ROWS = st.dictionaries(
    st.one_of(st.text(max_size=6), st.tuples(st.text(max_size=6), st.integers())),
    st.dictionaries(st.sampled_from(["close", "volume", "source"]), VALUES, max_size=3),
    max_size=8,
)


def test_what_is_near_enough_is_the_same_and_what_is_not_says_where() -> None:
    second = {"005930": BAR | {"volume": 1_009_000}, "000660": BAR | {"close": 70_600}, "035720": BAR}
    found = compare({"005930": BAR, "000660": BAR, "005380": BAR}, second, tolerances=TOLERANCES)
    assert (found.compared, found.only_first, found.only_second, found.differing) == (2, 1, 1, 1)
    assert [(each.key, each.field, each.first, each.second) for each in found.differences] == [
        ("000660", "close", 70_500, 70_600),
        ("005380", "", "✓", None),
        ("035720", "", None, "✓"),
    ]
    assert not found.same


def test_a_field_one_of_them_does_not_have_is_not_compared() -> None:
    assert compare({"a": BAR}, {"a": {"close": 70_500}}, tolerances=TOLERANCES).same


def test_an_absolute_tolerance_ends_where_it_ends() -> None:
    for other, same in ((101, True), (102, False)):
        assert compare({"a": {"x": 100}}, {"a": {"x": other}}, tolerances={"x": Tolerance(by=1)}).same is same


@given(ROWS)
def test_any_rows_are_the_same_as_themselves(rows: dict[object, dict[str, Value]]) -> None:
    assert compare(rows, rows, tolerances=TOLERANCES).same


@given(ROWS, ROWS)
def test_it_does_not_matter_which_is_named_first(
    one: dict[object, dict[str, Value]], other: dict[object, dict[str, Value]]
) -> None:
    def counts(found: Compared) -> tuple[int, int, int]:
        return found.compared, found.differing, len(found.differences)

    there = compare(one, other, tolerances=TOLERANCES)
    back = compare(other, one, tolerances=TOLERANCES)
    assert counts(there) == counts(back)
    assert (there.only_first, there.only_second) == (back.only_second, back.only_first)
    assert there.compared + there.only_first == len(one)
    assert there.compared + there.only_second == len(other)
