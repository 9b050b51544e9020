"""Which articles tell the same story word for word or nearly so: sketches that find candidates, a rule that decides.

The beginning of an article is what copies share, so its first letters are compared: their MinHash (64 permutations in
16 bands) finds candidates through an index, and the true overlap of shingles decides. Figures must agree, since robots
write the same sentences around other numbers.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from core.news.identity import folded, headline_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAD, _SHORTEST_LEAD, _BODY = 80, 30, 600
"""Letters of a lead that are compared (what the shortest lists show), the fewest that say something, and of a body."""
_TITLE_BAND, _SHORTEST_TITLE, _SHORTEST_CUT = 12, 12, 20
_SAME_LEAD, _SAME_TITLE_LEAD, _SAME_BODY, _SAME_FIGURES = 0.7, 0.3, 0.5, 0.5
_PERMUTATIONS, _BANDS = 64, 16
_CUT: Final = re.compile(r"(?:\.{2,}|…)\s*$")
_PROMOTION: Final = re.compile(
    r"^[※\s]*(?:이 (?:기사|뉴스|콘텐츠)는|[^.]{0,40}프리미엄)[^.]{0,80}(?:입니다|됐습니다|했습니다)\.?\s*"
)
_DATELINE: Final = re.compile(
    r"^(?:[\[(【][^\])】]{2,30}[\])】]\s*)?(?:[가-힣]{2,4}(?:·[가-힣]{2,4})* 기자\s*)?[=＝]?\s*"
)
_FIGURES: Final = re.compile(r"[0-9]+(?:[.,][0-9]+)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Gist:
    """What of an article is compared, folded: its headline, whether that was cut, its first letters and what follows
    them, where its body is known."""

    title: str
    cut: bool
    lead: str
    rest: str

    @property
    def sketch(self) -> list[int]:
        """Numbers of which articles that are alike share some: for an index. Empty where nothing can be compared."""
        bands = _bands(self.lead) if len(self.lead) >= _SHORTEST_LEAD else []
        if len(self.title) >= _SHORTEST_TITLE:
            bands.append(_signed(zlib.crc32(self.title[:_TITLE_BAND].encode(errors="replace")) << 8 | 0xFF))
        return bands


def gist_of(title: str, summary: str, body: str | None) -> Gist:
    """The gist of an article."""
    text = (body or summary)[: 2 * _BODY]
    start = folded(_DATELINE.sub("", _PROMOTION.sub("", text), count=1))
    return Gist(
        title=headline_of(_CUT.sub("", title)),
        cut=bool(_CUT.search(title)),
        lead=start[:_LEAD],
        rest=start[_LEAD:_BODY] if body else "",
    )


def alike(one: Gist, other: Gist) -> bool:
    """Whether two articles near in time tell the same story.

    By their beginnings, or by an equal headline where a beginning is missing; under an equal headline (some come every
    day) the beginnings must still have something in common.
    """
    leads = min(len(one.lead), len(other.lead)) >= _SHORTEST_LEAD
    if leads and not _figures_agree(one.lead, other.lead):
        return False
    if _same_title(one, other):
        return not leads or _overlap(one.lead, other.lead) >= _SAME_TITLE_LEAD
    if not leads or _overlap(one.lead, other.lead) < _SAME_LEAD:
        return False
    known = min(len(one.rest), len(other.rest)) >= _SHORTEST_LEAD
    return not known or _overlap(one.rest, other.rest) >= _SAME_BODY


def same_figures(one: Gist, other: Gist) -> bool:
    """Whether the figures of two articles agree, in the headline and in the beginning."""
    return _figures_agree(one.title, other.title) and _figures_agree(one.lead, other.lead)


def _same_title(one: Gist, other: Gist) -> bool:
    if min(len(one.title), len(other.title)) < _SHORTEST_TITLE:
        return False
    if one.title == other.title:
        return True
    short, long = sorted((one, other), key=lambda gist: len(gist.title))
    return short.cut and len(short.title) >= _SHORTEST_CUT and long.title.startswith(short.title)


def _overlap(one: str, other: str) -> float:
    """The share of the shorter text's shingles that the other has too."""
    length = min(len(one), len(other))
    ours, theirs = _shingles(one[:length]), _shingles(other[:length])
    return len(ours & theirs) / max(min(len(ours), len(theirs)), 1)


@lru_cache(maxsize=1_024)
def _shingles(text: str) -> frozenset[str]:
    return frozenset(text[place : place + 3] for place in range(len(text) - 2))


def _figures_agree(one: str, other: str) -> bool:
    """Whether the figures of two texts are mostly the same, or one of them has none."""
    ours, theirs = set(_FIGURES.findall(one)), set(_FIGURES.findall(other))
    return len(ours & theirs) >= _SAME_FIGURES * min(len(ours), len(theirs))


def _bands(text: str) -> list[int]:
    """The MinHash of the text's shingles, four values a band hashed to one signed number."""
    import numpy as np

    first, second, mix = _tables()
    letters = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    shingles = (letters[:-2] * mix[0] + letters[1:-1] * mix[1] + letters[2:] * mix[2]) ^ mix[3]
    shingles ^= shingles >> np.uint64(29)
    least = (shingles[None, :] * first[:, None] + second[:, None]).min(axis=1)
    rows = least.reshape(_BANDS, -1)
    bands = np.arange(1, _BANDS + 1, dtype=np.uint64) * mix[0]
    for column in range(rows.shape[1]):
        bands = (bands ^ (rows[:, column] >> np.uint64(16))) * mix[1]
    found: list[int] = (bands >> np.uint64(8)).astype(np.int64).tolist()
    return [number << 8 >> 8 for number in found]


@cache
def _tables() -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
    """Odd multipliers, offsets and mixing constants; sketches that are stored depend on them, so they never change."""
    import numpy as np

    drawn: Any = np.random.Generator(np.random.PCG64(20261121)).integers(0, 2**63, 2 * _PERMUTATIONS + 4, np.uint64)
    odd = drawn | np.uint64(1)
    return odd[:_PERMUTATIONS], drawn[_PERMUTATIONS : 2 * _PERMUTATIONS], odd[2 * _PERMUTATIONS :]


def _signed(number: int) -> int:
    return number & (2**62 - 1)
