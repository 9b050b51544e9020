"""The automaton over character classes finds what a plain search finds."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from core.news.automaton import Hit, NameAutomaton, begins_word, fold

SYLLABLES = [chr(code) for code in range(0xAC00, 0xAC00 + 1200)]
RNG = random.Random(7)
NAMES = list(dict.fromkeys("".join(RNG.choices(SYLLABLES, k=RNG.choice((2, 2, 3, 4, 6)))) for _ in range(3_000)))
NAMES += ["SK하이닉스", "JYP Ent.", "KT&G", "하이", "하이닉스 반도체"]
AUTOMATON = NameAutomaton(NAMES)
LOWERED = [name.lower() for name in NAMES]
NUMBERS = {name: number for number, name in enumerate(LOWERED)}
LONGEST = max(map(len, NAMES))


def spelled(text: str) -> list[Hit]:
    """What the automaton and its spelling checks make of `text`: names at the beginnings of words."""
    hits: list[Hit] = []
    for hit in AUTOMATON.find(text, folded=True) or []:
        if not AUTOMATON.is_spelled(text, hit):
            hits += AUTOMATON.respelled(text, hit[1], hit[2])
        elif begins_word(text, hit[1]):
            hits.append(hit)
    return hits


def plain_search(text: str) -> list[Hit]:
    """The longest name at each beginning of a word, by trying every length."""
    hits: list[Hit] = []
    place = 1
    while place < len(text):
        lengths = [length for length in range(1, LONGEST + 1) if text[place : place + length].lower() in NUMBERS]
        if lengths and begins_word(text, place):
            end = place + max(lengths)
            hits.append((NUMBERS[text[place:end].lower()], place, end))
            place = end
        else:
            place += 1
    return hits


@given(st.lists(st.one_of(st.sampled_from(NAMES), st.sampled_from(SYLLABLES), st.sampled_from(" ,·(")), max_size=30))
def test_words_that_begin_with_a_name_are_found_like_by_plain_search(pieces: list[str]) -> None:
    # Every piece a word of its own: inside a word the automaton may stop at a name that does not begin it.
    text = "\n" + " ".join(pieces) + "\n"
    assert spelled(text) == plain_search(text)


def test_chance_hits_neither_count_nor_hide_a_name() -> None:
    texts = ["\n" + " ".join("".join(RNG.choices(SYLLABLES, k=4)) for _ in range(200)) + "\n" for _ in range(60)]
    suspicions = [(text, hit) for text in texts for hit in AUTOMATON.find(text) or []]
    assert any(not AUTOMATON.is_spelled(text, hit) for text, hit in suspicions)
    for text in texts:
        assert spelled(text) == plain_search(text)


def test_names_that_share_every_class_are_told_apart() -> None:
    names = [f"가{syllable}나" for syllable in SYLLABLES]
    automaton = NameAutomaton(names)
    for number, name in enumerate(names):
        (hit,) = automaton.find(f"\n{name}\n") or []
        if not automaton.is_spelled(f"\n{name}\n", hit):
            (hit,) = automaton.respelled(f"\n{name}\n", hit[1], hit[2])
        assert hit == (number, 1, 4)


def test_letters_match_in_any_case() -> None:
    assert [NAMES[name] for name, _, _ in spelled("\nsk하이닉스, Jyp ENT. kt&G\n")] == [
        "SK하이닉스",
        "JYP Ent.",
        "KT&G",
    ]


def test_text_to_fold_is_handed_back() -> None:
    for text in ("\nＫＴ＆Ｇ\n", "\n😀 KT&G\n", "\n\u1112\u1161\u110b\u1175\n"):
        assert AUTOMATON.find(text) is None
        assert AUTOMATON.find(fold(text), folded=True) is not None
    assert spelled(fold("\n😀 ＫＴ＆Ｇ\n")) == [(NAMES.index("KT&G"), 3, 7)]


@given(st.text())
def test_any_text_is_searched(text: str) -> None:
    folded = fold(f"\n{text}\n")
    for name, start, end in spelled(folded):
        assert folded[start:end].lower() == LOWERED[name]
