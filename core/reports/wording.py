"""Turning a model's sentences into checked text: references become figures, everything else must be on the sheet.

A sentence may hold no number, date, link or company that the fact sheet does not hold, and no promise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from core.errors import Malformed
from core.prediction.fact import FactSheet
from core.prediction.forecast import Statement
from core.reports.report import Link, Sentence

CompaniesIn = Callable[[str], Collection[str]]
"""The codes of the stocks a text names."""

MAX_CHARS = 500

_REFERENCE = re.compile(r"\[([fa]\d+)\]")
_UNIT = r"(?:%|퍼센트|원|억|조|만|배|주(?!가)|거래일|개월|년|월|일|시|분|건|개|위|p|포인트)?"
_FIGURE = re.compile(rf"(?P<number>\d[\d,]*(?:\.\d+)?)\s*(?P<unit>{_UNIT})")
_SPELLED = re.compile(
    r"[일이삼사오육칠팔구십백천만억조]{2,}\s*(?:원|퍼센트|%|배|주(?!가))|(?:두|세|네|다섯|여섯|열)\s?배(?![가-힣])"
)
_LINK = re.compile(r"https?:|www\.|t\.me/|@\w{3,}|\b[\w-]+\.(?:com|net|org|kr|io|me)\b", re.IGNORECASE)
_PROMISE = re.compile(r"보장|무조건|반드시 (?:오르|상승|수익)|(?:매수|매도|사|파)(?:하)?(?:세요|십시오|시오|라$)|<|>")


def checked(statement: Statement, sheet: FactSheet, companies_in: CompaniesIn) -> Sentence:
    """The statement with its references filled in; raises `Malformed` saying which rule it breaks."""
    problem = next(problems(statement.text, sheet, companies_in), None)
    if problem is not None:
        raise Malformed(problem)
    return Sentence(text=filled(statement.text, sheet), links=tuple(links(statement, sheet)))


def problems(text: str, sheet: FactSheet, companies_in: CompaniesIn) -> Iterator[str]:
    """Every rule the text breaks, in words a model can mend it by."""
    bare = _REFERENCE.sub("", text)
    if not bare.strip():
        yield "빈 문장"
    if len(text) > MAX_CHARS:
        yield "너무 긴 문장"
    known = sheet.by_id.keys() | {item.id for item in sheet.evidence}
    yield from (f"사실표에 없는 참조 [{each}]" for each in _REFERENCE.findall(text) if each not in known)
    allowed = figures_in(part for fact in sheet.facts for part in (fact.label, fact.text)) | figures_in(
        (sheet.stock.name,)
    )
    written = [(match, _normal(match)) for match in _FIGURE.finditer(bare)]
    yield from (f"사실표에 없는 숫자 '{match[0]}'" for match, figure in written if figure not in allowed)
    yield from (f"숫자를 풀어 쓴 '{match[0]}'" for match in _SPELLED.finditer(bare))
    yield from (f"링크 '{match[0]}'" for match in _LINK.finditer(bare))
    yield from (f"권유나 보장 '{match[0]}'" for match in _PROMISE.finditer(bare))
    others = set(companies_in(bare)) - {sheet.stock.code}
    if others - set(companies_in("\n".join(item.title for item in sheet.evidence))):
        yield "사실표에 없는 다른 회사"


def figures_in(texts: Iterable[str]) -> set[tuple[str, str]]:
    """Every figure with its unit in the texts."""
    return {_normal(match) for text in texts for match in _FIGURE.finditer(text)}


def filled(text: str, sheet: FactSheet) -> str:
    """The text with fact references as their figures and article references taken out."""

    def figure(match: re.Match[str]) -> str:
        fact = sheet.by_id.get(match[1])
        if fact is None or not fact.text:
            return ""
        attached = match.start() > 0 and not match.string[match.start() - 1].isspace()
        return f"({fact.text})" if attached else fact.text

    return re.sub(r"\s{2,}", " ", _REFERENCE.sub(figure, text)).strip()


def links(statement: Statement, sheet: FactSheet) -> Iterator[Link]:
    """The articles a statement rests on, each once, in the order named; at most three."""
    evidence = {item.id: item for item in sheet.evidence}
    named = dict.fromkeys((*statement.evidence, *_REFERENCE.findall(statement.text)))
    for item in [evidence[each] for each in named if each in evidence][:3]:
        yield Link(title=item.title, url=item.url, press=item.press, at=item.published_at)


def _normal(match: re.Match[str]) -> tuple[str, str]:
    number = match["number"].replace(",", "")
    return (number.rstrip("0").rstrip(".") if "." in number else number, match["unit"])
