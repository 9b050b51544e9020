"""The second signals: what the words around a name say about whether the issue is meant.

All text here is folded to lower case; `before` and `after` are what stands around the name on its line. These run for
every doubtful name of every article, so the cheap tests come first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from core.news.ambiguity import Trust

_TAGS = re.compile(r"(?:\s*(?:\[[^\]]*\]|【[^】]*】|<[^>]*>|\([^)]{1,8}\)|[^,:…]{2,24}: ))*[\s'\"‘“’”]*")
_SPOTLIGHT = re.compile(r"\s*(?:\[[^\]]*특징주[^\]]*\]|특징주[:,]?)\s*")
_OPENING_QUOTES = tuple("'\"‘“「『")
_CLOSING_QUOTES = tuple("'\"’”」』")
_SPEECH = re.compile(r"\s?[\"“]")
_HEADS_CLAUSE = re.compile(r",|\s['\"‘“]|\s등(?!\w)|\s(?:자회사|계열사|관계사)\s")
_ROLES = (
    *(
        "기업 ",
        "업체 ",
        "회사 ",
        "계열사 ",
        "자회사 ",
        "모회사 ",
        "대장주 ",
        "지주사 ",
        "운영사 ",
        "제조사 ",
        "개발사 ",
    ),
    "상장 앞둔 ",
)
_CUE = re.compile(
    "주가|목표가|목표주가|실적|영업익|영업이익|영업손실|매출|순이익|순익|[1-4]분기|[1-4]q|상반기|하반기|공시|강세|약세|급등|급락|상한가|하한가"
    "|신고가|신저가|상승|하락|반등|폭등|폭락|흑자|적자|배당|자사주|유상증자|무상증자|공모가|상장|따상|시총|시가총액|지분|합병|분할|수주|공급계약"
    "|임상|투자의견|주식|주주|株|어닝|컨센서스|순매수|순매도|우선주|[0-9]%|[↑↓]"
)
_SHARE_WORD_NEXT = re.compile(
    r"(?:[은는이가의와과]|우선주)?\s(?:(?:작년|올해|지난해|내년)\s)?"
    r"(?:[1-4]분기|[1-4]q|주가|주식|지분|목표가|목표주가|실적|영업익|영업이익|순이익|배당|합병|분할|공시|시총|매수|매도)"
)
_OPINION = re.compile(
    r"(?:은|는)?\s?[^.,'\"‘“…\n]{0,24}?(?:연구원|연구위원|애널리스트|리서치|센터장|파트장|이코노미스트|전략가|스트래티지스트|투자전략)"
)
_SETS_TARGET = re.compile(
    r"(?:[은는이가도]|에서)\s[^.\n]{0,60}(?:목표주가|목표가|투자의견|보고서|리포트)"
    r"|에 따르면|,\s[^\s,]+\s(?:투자의견|목표주가|목표가)"
)
_SIGNATURE_MARKS = tuple("-–—[(")
_SIGNATURE = re.compile(r"\s?(?:증권|證|證券|투자증권|투자證|투자|금융투자|금투)?\s*[])]?\s*")
_SIGNATURE_LENGTH = 10
_SIGNED = re.compile(r"[-–—]\s?\w{2,10}$")
_SECOND_OF_ITS_KIND = "제2의 "
_GROUP_NEXT = tuple(f"{space}{word}" for space in ("", " ") for word in ("그룹", "계열사", "家"))


def vetoed(text: str, start: int, end: int, title_end: int) -> bool:
    """Whether a name at [start, end) of the text is surely not meant, however plain it is.

    It is a group after all, is only compared to ('제2의 …'), or signs the headline ('…목표가↑-한화', '… [키움증권]').
    """
    if text.startswith(_GROUP_NEXT, end) or _SECOND_OF_ITS_KIND in text[max(0, start - 5) : start]:
        return True
    if not 0 <= title_end - end <= _SIGNATURE_LENGTH or _SIGNATURE.fullmatch(text, end, title_end) is None:
        return False
    return text[:start].rstrip().endswith(_SIGNATURE_MARKS)


class Surroundings(NamedTuple):
    """The line around one hit."""

    before: str
    after: str
    in_title: bool

    @property
    def opens(self) -> bool:
        """Only tags and quotes stand before the name in the headline."""
        return self.in_title and _TAGS.fullmatch(self.before) is not None

    @property
    def apart(self) -> bool:
        """Nothing before, or punctuation: no word before it that could take it as its object."""
        bare = self.before.rstrip()
        return not bare or not bare[-1].isalnum()

    def _heads_clause(self, apart: bool) -> bool:
        """In the headline: at the head of a clause ('…급등, 대상, 3분기') or put in the spotlight ('[특징주] 대상')."""
        if not self.in_title:
            return False
        return bool(apart and _HEADS_CLAUSE.match(self.after)) or _SPOTLIGHT.fullmatch(self.before) is not None

    def settles_short(self) -> bool:
        """A short name is meant: introduced by its role, heading a clause, quoted, or with a cue about a share near."""
        introduced = self.before.endswith(_ROLES)
        if introduced or self._heads_clause(self.apart):
            return True
        if self.before.endswith(_OPENING_QUOTES) and self.after.startswith(_CLOSING_QUOTES):
            return True
        return _CUE.search(self.after, 0, 20) is not None

    def settles_word(self) -> bool:
        """An ordinary word is meant as a name: it heads a clause, or stands apart with a cue near."""
        introduced, apart = self.before.endswith(_ROLES), self.apart
        if self._heads_clause(apart or introduced):
            return True
        if apart and not self.before.endswith((",", ", ")) and _CUE.search(self.after, 0, 16):
            return True
        return self.opens and self.after.startswith("·")

    def settles_group(self) -> bool:
        """The group's holding company is meant: a word about its share follows, or the headline is about one."""
        if _SHARE_WORD_NEXT.match(self.after) and self.apart:
            return True
        if not self.in_title:
            return False
        if _SPOTLIGHT.fullmatch(self.before):
            return True
        heads = _HEADS_CLAUSE.match(self.after) and (self.opens or self.before.endswith(_OPENING_QUOTES))
        return bool(heads and (_CUE.search(self.after) or _SIGNED.search(self.after)))

    def settles_broker(self) -> bool:
        """A securities house is meant and not its opinion: no quotation, analyst or target price follows."""
        if _SPEECH.match(self.after) or _OPINION.match(self.after) or _SETS_TARGET.match(self.after):
            return False
        return not self.in_title or bool(self.after.strip()) or not self.before.rstrip().endswith(("…", "..", "··"))

    def settles_coded(self) -> bool:
        """No words settle a name with a better-known bearer."""
        return False


RULES: Mapping[Trust, Callable[[Surroundings], bool]] = MappingProxyType(
    {
        Trust.BROKER: Surroundings.settles_broker,
        Trust.SHORT: Surroundings.settles_short,
        Trust.WORD: Surroundings.settles_word,
        Trust.GROUP: Surroundings.settles_group,
        Trust.CODED: Surroundings.settles_coded,
    }
)
"""What settles a doubtful name by the words around it."""
