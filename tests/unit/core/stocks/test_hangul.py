"""Korean text as people type it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.stocks.hangul import has_hangul, initials, is_initials, normalise, read_aloud, strokes

SYLLABLES = st.text(st.characters(min_codepoint=ord("가"), max_codepoint=ord("힣")), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("S-Oil", "soil"),
        ("KT&G", "kt&g"),
        ("㈜카카오", "카카오"),
        ("CJ4우(전환)", "cj4우전환"),
        ("ＳＫ하이닉스", "sk하이닉스"),
        (" 삼성 전자\t🚀", "삼성전자"),
        ("ㅅㅅㅈㅈ", "ㅅㅅㅈㅈ"),
        ("🚀 --- &", ""),
        ("", ""),
    ],
)
def test_case_spaces_width_and_punctuation_do_not_tell_names_apart(text: str, key: str) -> None:
    assert normalise(text) == key


def test_a_name_decomposed_by_another_system_is_the_same_name() -> None:
    assert normalise(unicodedata.normalize("NFD", "삼성전자")) == "삼성전자"


@given(SYLLABLES)
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_initials_keep_latin_letters_and_digits() -> None:
    assert initials("SK하이닉스") == "skㅎㅇㄴㅅ"
    assert initials("쌍용C&E 3우") == "ㅆㅇc&e3ㅇ"


def test_consonants_the_keyboard_joined_come_apart() -> None:
    assert initials("ㅄ") == "ㅂㅅ"
    assert is_initials("ㅄ")


@pytest.mark.parametrize("text", ["ㅅㅅㅈㅈ", "SKㅎㅇㄴㅅ", "ㄱ"])
def test_consonants_alone_or_with_latin_are_initials(text: str) -> None:
    assert is_initials(text)


@pytest.mark.parametrize("text", ["", "sk", "005930", "삼ㅅ", "ㅏㅣ", "삼성"])
def test_syllables_vowels_and_plain_latin_are_not_initials(text: str) -> None:
    assert not is_initials(text)


def test_the_first_and_last_syllable_of_a_consonant_have_it() -> None:
    assert initials("가깋까낗나닣하힣") == "ㄱㄱㄲㄲㄴㄴㅎㅎ"


@given(SYLLABLES)
def test_initials_of_syllables_are_initials_one_a_syllable(text: str) -> None:
    assert is_initials(initials(text))
    assert len(initials(text)) == len(text)


def test_strokes_are_the_keys_pressed() -> None:
    assert strokes("삼성전자") == "tkatjdwjswk"
    assert strokes("값 위") == "rkqtdnl"
    assert strokes("까") == strokes("가"), "shift is ignored"


def test_text_typed_in_the_wrong_language_has_the_strokes_of_what_was_meant() -> None:
    assert strokes("ㅜㅁㅍㄷㄱ") == strokes("naver")
    assert strokes("tkatjdwjswk") == strokes("삼성전자")


@given(SYLLABLES)
def test_strokes_of_syllables_are_keys_of_the_keyboard(text: str) -> None:
    pressed = strokes(text)
    assert pressed.isascii()
    assert pressed.isalpha()
    assert 2 * len(text) <= len(pressed) <= 5 * len(text)


def test_latin_letters_are_read_aloud() -> None:
    assert read_aloud("LG화학") == "엘지화학"
    assert read_aloud("KT&G") == "케이티앤지"


def test_hangul_is_seen_in_syllables_and_letters() -> None:
    assert has_hangul("SK하이닉스")
    assert has_hangul("ㅅ")
    assert not has_hangul("NAVER 035420")


@given(st.text(max_size=40))
def test_no_text_breaks_any_of_it(text: str) -> None:
    for read in (normalise, initials, strokes, read_aloud):
        assert isinstance(read(text), str)
    is_initials(text)
