"""Korean text as people type it: one spelling for comparing, initial consonants, key strokes, letters read aloud."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

INITIALS: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS: Final = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS: Final = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_FIRST, _LAST = ord("가"), ord("힣")

# Korean keyboards join two consonants typed in a row: ㅂ and ㅅ arrive as ㅄ.
_CLUSTERS: Final = {
    **{"ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ"},
    **{"ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ"},
}

# Two vowels pressed one after the other make the compound ones.
_VOWEL_KEYS: Final = (
    *("k", "o", "i", "o", "j", "p", "u", "p", "h", "hk", "ho"),
    *("hl", "y", "n", "nj", "np", "nl", "b", "m", "ml", "l"),
)
# The two-set keyboard; a shifted key is the same key, so ㄲ and ㄱ are both r.
_KEYS: Final = {
    **dict(zip(INITIALS, "rrseefaqqttdwwczxvg", strict=True)),
    **dict(zip(_VOWELS, _VOWEL_KEYS, strict=True)),
}

_READ_ALOUD: Final = str.maketrans(
    {
        **{"a": "에이", "b": "비", "c": "씨", "d": "디", "e": "이", "f": "에프", "g": "지", "h": "에이치", "i": "아이"},
        **{"j": "제이", "k": "케이", "l": "엘", "m": "엠", "n": "엔", "o": "오", "p": "피", "q": "큐", "r": "알"},
        **{
            "&": "앤",
            "s": "에스",
            "t": "티",
            "u": "유",
            "v": "브이",
            "w": "더블유",
            "x": "엑스",
            "y": "와이",
            "z": "제트",
        },
    }
)

# NFKC turns ㅅ into the leading part of a syllable; what found no vowel becomes the plain letter again.
_PLAIN: Final = {
    **{0x11A7 + place: letter for place, letter in enumerate(_FINALS) if letter},
    **{ord(unicodedata.normalize("NFKC", letter)): letter for letter in map(chr, range(ord("ㄱ"), ord("ㅣ") + 1))},
}


def normalise(text: str) -> str:
    """The spelling two names are compared by: NFKC, no case, no spaces, no `(주)`, no punctuation but &.

    `S-Oil` is `soil`, `㈜카카오` is `카카오`; `L&F` and `LF` are two companies. Emoji and symbols leave nothing.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace("(주)", "")
    kept = "".join(letter for letter in folded if letter.isalnum() or letter == "&").strip("&")
    return unicodedata.normalize("NFKC", kept).translate(_PLAIN)


def initials(text: str) -> str:
    """The initial consonants: `SK하이닉스` → `skㅎㅇㄴㅅ`. Anything but a syllable stays, clusters come apart."""
    return "".join(map(_initial, normalise(text)))


def is_initials(text: str) -> bool:
    """Whether the text is initial consonants alone, or among Latin letters and digits (`skㅎㅇㄴㅅ`)."""
    letters = initials(text)
    return letters == _apart(normalise(text)) and any(letter in INITIALS for letter in letters)


def strokes(text: str) -> str:
    """The keys pressed to type the text on a two-set keyboard, shift ignored: `삼성` → `tkatjd`.

    One character a key, so an edit distance over strokes counts slips of the finger, and text typed with
    the keyboard in the wrong language has the strokes of what was meant: `tkatjd`, and `ㅜㅁㅍㄷㄱ` for naver.
    """
    return "".join(map(_strokes, normalise(text)))


def read_aloud(text: str) -> str:
    """The text with Latin letters and & written as Koreans read them: `KT&G` → `케이티앤지`."""
    return normalise(text).translate(_READ_ALOUD)


def has_hangul(text: str) -> bool:
    """Whether a syllable or a single Korean letter is in the text."""
    return any("가" <= letter <= "힣" or "ㄱ" <= letter <= "ㅣ" for letter in text)


def _apart(text: str) -> str:
    return "".join(_CLUSTERS.get(letter, letter) for letter in text)


@lru_cache(maxsize=20_000)
def _initial(letter: str) -> str:
    if not _FIRST <= ord(letter) <= _LAST:
        return _apart(letter)
    return INITIALS[(ord(letter) - _FIRST) // 588]


@lru_cache(maxsize=20_000)
def _strokes(letter: str) -> str:
    if not _FIRST <= ord(letter) <= _LAST:
        return "".join(_KEYS.get(part, part) for part in _apart(letter))
    block, final = divmod(ord(letter) - _FIRST, 28)
    parts = INITIALS[block // 21] + _VOWELS[block % 21] + _apart(_FINALS[final])
    return "".join(_KEYS[part] for part in parts)
