"""The check of a model's sentences: no number, date, company or link that is not on the fact sheet, and no advice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from decimal import Decimal

from core.errors import Malformed
from core.prediction.fact import FactSheet
from core.prediction.forecast import HORIZONS, Statement
from core.reports.amounts import Amount, amounts_in, spelled_in
from core.reports.filling import REFERENCES, filled, ids_in
from core.reports.report import Link, Sentence

CompaniesIn = Callable[[str], Collection[str]]
"""The codes of the stocks a text names."""

MAX_CHARS = 500
MOST_LINKS = 3

_ALIKE = str.maketrans("ㆍ・∙•‧∼〜−", "·····~~-")
"""Signs typed in several ways, put to one before anything else."""
_PLAIN = frozenset(" !\"#$%&'()*+,-./:;=?_~·“”‘’「」『』《》—–±×σ")
_INVISIBLE = re.compile(r"[ᅟᅠㅤ]")

_WORD = re.compile(r"[A-Za-z]{2,}")
_TERMS = frozenset(
    {"ai", "it", "etf", "kospi", "kosdaq", "krx", "ipo", "esg", "gdp"}
    | {"per", "pbr", "eps", "bps", "roe", "rsi", "macd", "obv", "atr", "sma", "ema"}
)
"""Words of the trade that name no company."""
_ABROAD = re.compile(
    "엔비디아|테슬라|애플|마이크로소프트|마이크론|구글|알파벳|아마존|메타플랫폼|넷플릭스|인텔|퀄컴|브로드컴|화웨이|샤오미|오픈AI|비야디|도요타|소니"
)
"""Companies of other countries that Korean reports often name; those at home are in the stock master."""
_TERM = re.compile(r"[^\s()]+\(\d[\d·σ]*\)|\d{4}-\d\d(?:-\d\d)?")
"""RSI(14), a date or a month: figures that are part of a name and stand or fall as a whole."""

_OF_DAYS = re.compile(
    r"\s?(?:선|이동|이평|평균|동안|간(?=[\s의])|내(?=[\s에의])|이내|최고|최저|고점|저점|신고|신저|범위|변동|수익|기울|지지|저항|추세|기사)"
)
"""What follows 20일 or 52주 when they are a span and neither a date nor a number of shares."""
_IN_A_ROW = re.compile(r"\s?(?:째|연속|만에|내내)")

_DATE = re.compile(
    r"내년|내후년|작년|지난해|올해|금년|내달(?![리렸려])|(?:다음|지난|이번)\s?(?:달|주(?![가식주총])|해|분기)|내일|모레|어제|그제(?!야|서)"
    r"|[상하]반기|연말|연초|월말|월초|[월화수목금토일]요일"
)
_LINK = re.compile(
    r"https?|://|www\.|@|\w\s?\.\s?(?:com|net|org|kr|io|me|co|xyz|ly)\b|[A-Za-z]\.[A-Za-z]|닷컴|리딩방|오픈\s?채팅|단톡방|텔레그램|&#?\w+;",
    re.IGNORECASE,
)
_NOT = r"(?![^.]{0,15}(?:않|아니|아닙|없|못))"
_TRADE = r"(?:매수|매도|매입|손절|익절)"
_ADVICE = re.compile(
    rf"(?<!횡)보장{_NOT}|무조건|틀림없|(?<!지)원금|(?:반드시|확실히|확실하게|분명히)\s?(?:오르|오를|상승|수익|급등|내리|하락){_NOT}"
    rf"|손실\s?(?:없|걱정)|추천|(?<![가-힣])권(?:유|고)?(?:합|하|해|드){_NOT}|{_TRADE}(?:를|을)?\s?(?:권|하시|하라|해라|해야|합시다|적기|타이밍|기회|찬스)"
    r"|(?<![가-힣])(?:사|팔아|파셔|사셔|담아|사둬|버텨)야\s?(?:합|한|할|해|돼|된|됩)"
    r"|(?<!유의하)(?<!주의하)(?<!참고하)(?:세요|십시오)|(?<![가-힣])(?:팔아라|사라(?=[.!\s]|$))|비중(?:을)?\s?(?:확대|축소)(?:해야|하라|할\s?때|\s?기회|\s?의견|가\s(?:좋|유효|필요))"
)
_OBEYING = re.compile(r"지시(?:에|를|대로|사항|문)|프롬프트|언어\s?모델|요청하신|시키는\s?대로|명령(?:에|을|대로)")


def checked(statement: Statement, sheet: FactSheet, companies_in: CompaniesIn) -> Sentence:
    """The statement with its references filled in; raises `Malformed` saying which rule it breaks."""
    problem = next(problems(statement.text, sheet, companies_in), None)
    if problem is not None:
        raise Malformed(problem)
    return sentence(statement, sheet)


def sentence(statement: Statement, sheet: FactSheet) -> Sentence:
    """The statement with its references filled in, its words unchecked: for words a program wrote."""
    return Sentence(text=filled(normal(statement.text), sheet), links=tuple(links(statement, sheet)))


def normal(text: str) -> str:
    """The text as it is checked and shown: NFKC, runs of white space as one space."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_ALIKE)).split())


def problems(text: str, sheet: FactSheet, companies_in: CompaniesIn) -> Iterator[str]:
    """Every rule the text breaks, in words a model can mend it by."""
    if len(text) > MAX_CHARS:
        yield "너무 긴 문장"
        return
    # A Roman numeral becomes a plain letter when it is normalised, so numerals are looked for before.
    yield from (f"다른 문자로 쓴 숫자 '{each}'" for each in text if unicodedata.category(each) in {"Nl", "No"})
    text = normal(text)
    bare = REFERENCES.sub("", text)
    if not re.search(r"[가-힣]", bare):
        yield "한국어 문장이 아님"
    known = sheet.by_id.keys() | {item.id for item in sheet.evidence}
    yield from (f"사실표에 없는 참조 [{each}]" for each in ids_in(text) if each not in known)
    titles = normal("\n".join(item.title for item in sheet.evidence))
    yield from _characters(bare, sheet, titles)
    yield from (f"사실표에 없는 숫자 '{each.written}'" for each in _unknown_amounts(bare, sheet))
    yield from (f"숫자를 풀어 쓴 '{each}'" for each in spelled_in(bare))
    yield from (f"사실표에 없는 날짜 '{each[0]}'" for each in _DATE.finditer(bare) if each[0] not in titles)
    yield from (f"링크 '{each[0]}'" for each in _LINK.finditer(bare))
    yield from (f"권유나 보장 '{each[0]}'" for each in _ADVICE.finditer(bare))
    yield from (f"자료에 든 지시를 따른 '{each[0]}'" for each in _OBEYING.finditer(bare))
    yield from _names(bare, sheet, titles, companies_in)


def links(statement: Statement, sheet: FactSheet) -> Iterator[Link]:
    """The articles a statement rests on, each once, in the order named; at most three."""
    evidence = {item.id: item for item in sheet.evidence}
    named = dict.fromkeys((*statement.evidence, *ids_in(normal(statement.text))))
    for item in [evidence[each] for each in named if each in evidence][:MOST_LINKS]:
        yield Link(title=item.title, url=item.url, press=item.press, at=item.published_at)


def _characters(bare: str, sheet: FactSheet, titles: str) -> Iterator[str]:
    """Characters that no Korean sentence about this sheet needs: invisible ones, marks, other scripts' digits."""
    given = {char for char in sheet.stock.name + titles if "一" <= char <= "鿿"}
    for char in dict.fromkeys(bare):
        usual = char in _PLAIN or "가" <= char <= "힣" or (char.isascii() and char.isalnum())
        if not usual and (char not in given or unicodedata.numeric(char, None) is not None):
            yield f"쓸 수 없는 글자 U+{ord(char):04X}"


def _unknown_amounts(bare: str, sheet: FactSheet) -> Iterator[Amount]:
    labels = [normal(fact.label) for fact in sheet.facts]
    texts = [normal(fact.text) for fact in sheet.facts]
    terms = {term for each in (*labels, *texts) for term in _TERM.findall(each)}
    rest = _without(bare, {*terms, normal(sheet.stock.name), sheet.stock.code})
    values = {(each.value, each.unit) for text in texts for each in amounts_in(_TERM.sub("", text))}
    spans = {(each.value, each.unit) for label in labels for each in amounts_in(_TERM.sub("", label))}
    spans |= {(Decimal(sessions), "거래일") for sessions in HORIZONS}
    for amount in amounts_in(rest):
        if (amount.value, amount.unit) in values or (not amount.signed and (-amount.value, amount.unit) in values):
            continue
        if (amount.value, amount.unit) not in spans or not _is_span(amount, rest):
            yield amount


def _is_span(amount: Amount, text: str) -> bool:
    if amount.unit in ("일", "주"):
        return _OF_DAYS.match(text, amount.end) is not None
    return _IN_A_ROW.match(text, amount.end) is None


def _without(text: str, wholes: Collection[str]) -> str:
    """The text without the given wholes where no letter or digit touches them."""
    listed = "|".join(re.escape(each) for each in sorted(wholes, key=len, reverse=True))
    return re.sub(rf"(?<![0-9A-Za-z])(?<!\d[.,])(?:{listed})(?![0-9A-Za-z]|[.,]\d)", " ", text)


def _names(bare: str, sheet: FactSheet, titles: str, companies_in: CompaniesIn) -> Iterator[str]:
    """Names the sheet does not hold; another share of the same issuer has the same first five characters."""
    own = sheet.stock.code[:5]
    others = {code for code in companies_in(bare) if code[:5] != own}
    if others and others - set(companies_in(titles)):
        yield f"사실표에 없는 다른 회사 {', '.join(sorted(others))}"
    yield from (f"사실표에 없는 다른 회사 '{each[0]}'" for each in _ABROAD.finditer(bare) if each[0] not in titles)
    said = " ".join(
        (sheet.stock.name, sheet.stock.code, titles, *(f"{fact.label} {fact.text}" for fact in sheet.facts))
    )
    words = {each.casefold() for each in _WORD.findall(said)} | _TERMS
    yield from (f"사실표에 없는 낱말 '{each[0]}'" for each in _WORD.finditer(bare) if each[0].casefold() not in words)
