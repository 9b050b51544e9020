"""What kind of news a filing is, and how much it means for a holder: one table of rules, each with its reason.

Bump `RULES_VERSION` with every change here: what is stored is then judged again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from core.disclosures.filing import Weight
from core.disclosures.naming import ReportName, compact, parse_name

RULES_VERSION: Final = 1

_M, _N, _R = Weight.MATERIAL, Weight.NOTABLE, Weight.ROUTINE
_LIGHTER: Final = {Weight.MATERIAL: Weight.NOTABLE, Weight.NOTABLE: Weight.ROUTINE, Weight.ROUTINE: Weight.ROUTINE}
_OF_SUBSIDIARY: Final = re.compile(r"\((?:자|종속)회사의주요경영사항\)")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of filing. `pattern` is looked for in the event of a report name, `about` in its free text as well.

    `why` is the reason of the weight, for whoever changes it.
    """

    key: str
    pattern: re.Pattern[str]
    weight: Weight
    why: str
    about: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a filing is and how much it means."""

    kind: str
    weight: Weight


OTHER: Final = "other"
"""The kind of what no rule knows."""


def _kind(key: str, pattern: str, weight: Weight, why: str, *, about: str | None = None) -> Kind:
    return Kind(key, re.compile(pattern), weight, why, re.compile(about) if about else None)


_KINDS = (
    # Reports of people about their holdings, and group-status filings: by far the most, nearly never news.
    _kind("insider_plan", "특정증권등거래계획", _N, "an insider says beforehand that and how much they will trade"),
    _kind("insider_holding", "특정증권등소유상황", _R, "a fifth of all filings, most of them small or technical"),
    _kind("control_change", r"소유주식변동신고서\(최대주주변경시\)", _M, "who rules the company is another"),
    _kind("owner_holding", "최대주주등소유주식변동", _R, "a few shares among relatives, most of the time"),
    _kind("stake_active", r"대량보유상황보고서\(일반\)", _N, "someone with 5 % who may want a say"),
    _kind("stake_passive", "대량보유상황보고서", _R, "a passive fund moved across a threshold"),
    _kind("stock_option", "주식매수선택권", _R, "future dilution, as a rule far below one percent"),
    _kind(
        "group_status",
        "대규모기업집단|특수관계인|동일인등|계열금융회사|계열회사|지급수단별|하도급|국외계열|상품·용역거래",
        _R,
        "owed to the fair-trade commission by calendar, not by event",
    ),
    # What takes something back goes before what it takes back.
    _kind("contract_ended", "공급계약.{0,4}해지|거래처와의거래중단", _M, "sales that were counted on are gone"),
    _kind(
        "treasury_trust_ended",
        "자기주식취득신탁계약해지|신탁계약해지결과",
        _N,
        "the buying ends; shares may come back to the company",
    ),
    _kind(
        "plan_dropped",
        "(?:결정|계획|체결|증자|합병|분할|배당|취득|처분|양수도?|양도|신고서|발행).{0,12}(?:철회|취소|중단)|철회신고",
        _M,
        "the opposite of what prices had taken in",
    ),
    # Whether and how the share can be traded at all.
    _kind("resumed", "거래정지.{0,3}해제", _M, "holders can trade again"),
    _kind("halted", "거래정지", _M, "holders cannot trade"),
    _kind(
        "listing_at_risk",
        "상장폐지|상장적격성|정리매매|관리종목|개선기간|개선계획|기업심사위원회",
        _M,
        "the listing itself is in question",
    ),
    _kind("penalised", "불성실공시", _N, "the exchange faults how the company informs; points can end in a halt"),
    _kind(
        "exchange_warning",
        "투자유의|투자주의|투자경고|투자위험|단기과열|공매도과열|기타시장안내",
        _N,
        "the exchange warns of how the share trades",
    ),
    _kind("ex_date", "배당락|권리락|분배락", _N, "the price steps down by what buyers no longer get"),
    _kind(
        "inquiry_answer", "조회공시.*답변|풍문또는보도에대한해명", _N, "says what of a rumour is true; often nothing"
    ),
    _kind("inquiry", "조회공시", _N, "the exchange asks the company about a rumour or a price move"),
    # Survival, law, accidents.
    _kind(
        "insolvency",
        "부도|회생절차|파산|해산|자본잠식|은행거래정지|채권은행|관리절차|워크아웃|영업정지",
        _M,
        "the company's survival is in question",
    ),
    _kind("bad_audit", "의견거절|부적정|비적정|감사의견|감사범위제한", _M, "a bad opinion can end the listing"),
    _kind("fraud", "횡령|배임|분식|기소|가장납입|회계처리기준위반", _M, "money missing or law broken at the top"),
    _kind("control_dispute", "경영권분쟁", _M, "who rules the company is in dispute"),
    _kind("litigation", "소송|가처분|중재|제재금", _N, "an amount at risk; the outcome is years away"),
    _kind("accident", "재해발생|생산중단|생산재개|화재|폭발", _M, "production or licences may stop"),
    _kind("fine", "벌금|과징금|과태료|추징금|행정처분|제재", _N, "a cost known at once, usually small"),
    # Shares: more, fewer, other ones.
    _kind("issue_result", "발행결과|증권발행실적", _R, "the end of what was decided and priced long before"),
    _kind("rights_and_bonus", "유무상증자", _M, "more shares, paid and free"),
    _kind("rights_issue", "유상증자", _M, "more shares: each is worth a smaller part"),
    _kind("bonus_issue", "무상증자", _M, "more shares for nothing; the price steps down"),
    _kind("capital_reduced", "감자완료", _N, "the end of what was decided before"),
    _kind("capital_reduction", "감자|자본감소", _M, "fewer shares, often to cover losses"),
    _kind("own_bond_bought", "만기전(?:사채)?취득", _N, "dilution that can no longer come"),
    _kind(
        "convertible",
        "(?:전환사채|신주인수권부사채|교환사채)권?발행",
        _M,
        "debt that may become shares: dilution by another door",
    ),
    _kind("hybrid_debt", "조건부자본증권|자본으로인정되는채무증권", _N, "bank capital without new shares"),
    _kind("price_reset", "(?:전환|행사|교환)가액.{0,20}조정", _N, "the lower it goes, the more shares may come"),
    _kind("conversion", "(?:전환청구권|신주인수권|교환청구권)행사", _N, "new shares come to the market"),
    _kind("cancellation", "주식소각|이익소각", _M, "fewer shares for ever: each is worth a larger part"),
    _kind(
        "treasury_result",
        "자기주식(?:취득|처분)결과|신탁계약에의한취득상황|자기주식매매신청",
        _R,
        "reports how a known decision was carried out",
    ),
    _kind("buyback", "자기주식취득", _M, "the company buys its own shares"),
    _kind("treasury_sale", "자기주식처분", _M, "shares the company held come back to the market"),
    _kind("share_split", "주식병합|주식분할|액면(?:분할|병합)", _M, "count and price change, the value does not"),
    # Companies: joined, parted, bought, ruled.
    _kind("merger_done", "합병등종료보고|합병종료", _R, "the end of what was decided before"),
    _kind("merger", "합병결정|회사합병|주식교환|주식이전|포괄적교환", _M, "shares become shares of something else"),
    _kind("spin_off", "분할결정|회사분할|분할합병|물적분할|인적분할", _M, "a business leaves the company"),
    _kind("tender_offer", "공개매수", _M, "someone offers a price for the shares"),
    _kind("control_change", "최대주주변경|경영권양수도|경영권변경", _M, "who rules the company is another, or may be"),
    _kind("business_deal", "영업양수|영업양도|자산양수도", _M, "a business changes hands"),
    _kind(
        "large_deal",
        "주요사항보고서.*(?:양수|양도)결정",
        _M,
        "a tenth of the assets or more: the law asks for its own report",
    ),
    _kind("stake_deal", "출자증권(?:취득|처분|양수|양도)|지분취득|지분매각", _N, "a share in another company"),
    _kind("asset_deal", "(?:유형|무형)자산.{0,4}(?:취득|처분|양수|양도)", _N, "land, plant or rights"),
    _kind("put_option", "풋백옵션|풋옵션|콜옵션", _N, "an obligation that may cost later"),
    _kind("holding_company", "지주회사|자회사(?:편입|탈퇴|추가)", _N, "the shape of the group changes"),
    # Business.
    _kind("earnings", r"영업\(잠정\)실적|매출액또는손익구조|영업실적\(공정공시\)", _M, "the figures themselves"),
    _kind("outlook", "실적등?에대한전망|실적전망", _M, "the company's own figures for what comes"),
    _kind("results_date", "결산실적공시예고", _R, "only the day"),
    _kind("derivative_loss", "파생상품.*손실|손상차손|대손", _M, "a loss that the accounts must show"),
    _kind("contract_small", r"공급계약.*\(자율공시\)", _N, "below what must be told"),
    _kind("contract", "공급계약|수주", _M, "a tenth of a year's sales or more (5 % on KOSPI for large ones)"),
    _kind("facility", "신규시설투자|시설외투자|시설증설", _M, "a tenth of equity or more goes into capacity"),
    _kind(
        "trial",
        "투자판단관련주요경영사항|자율공시",
        _M,
        "decides what a drug company is worth",
        about="임상|품목허가|시판허가|기술이전|기술수출|신약|라이선스",
    ),
    _kind("key_matter", "투자판단관련주요경영사항|주요경영사항", _M, "the company itself calls it important"),
    _kind("guarantee", "채무보증|담보제공|채무인수|채무면제", _N, "a risk taken over for somebody else"),
    _kind("lending", "금전대여|자금대여|금전가지급|가지급금|선급금", _N, "money leaves for somebody close, often"),
    _kind("borrowing", "차입금증가|단기차입|사채발행|사채권발행|신용등급", _N, "more debt"),
    # What belongs to holding a share.
    _kind("record_date", "배당을?위한.{0,10}(?:주주명부폐쇄|기준일)", _N, "who must hold when to be paid"),
    _kind("dividend", "배당결정|금전배당|분기배당|중간배당|주식배당|현물배당", _M, "what is paid for a share"),
    _kind("value_plan", "기업가치제고|밸류업", _N, "promises on dividends, buybacks and returns"),
    _kind("meeting_result", "주주총회.{0,6}결과", _N, "what was voted"),
    _kind("meeting", "주주총회", _N, "what will be voted, and when"),
    _kind("proxy", "의결권대리행사|위임장", _N, "somebody collects votes; a contest if two do"),
    _kind("registry", "주주명부폐쇄|기준일설정", _R, "a date of the registry"),
    _kind("chief", "대표이사", _N, "who leads"),
    _kind("directors", "(?:사외|독립)이사|감사위원|감사의?선임|이사의?선임|임원의?변동", _R, "changes on the board"),
    _kind("formality", "상호변경|본점소재지|소속부변경|명의개서|결산기변경|액면변경|정관", _R, "names and addresses"),
    # Papers.
    _kind("audit_report", "감사보고서", _N, "the auditor's opinion; news only when it is bad or late"),
    _kind("periodic", "(?:사업|반기|분기)보고서", _N, "the full accounts, after the figures are known"),
    _kind("correction_ordered", "정정신고서제출요구|정정명령", _N, "the supervisor is not content with a prospectus"),
    _kind(
        "debt_paper",
        r"일괄신고|투자설명서|증권신고서\((?:채무|파생|기타)|예비투자설명서|소액공모|효력발생",
        _R,
        "papers of securities that are issued every day",
    ),
    _kind("prospectus", "증권신고서|발행신고", _N, "the terms of an issue or a merger in full"),
    _kind("governance", "기업지배구조|지속가능경영|공급망|온실가스", _R, "yearly papers"),
    _kind("fair_disclosure", r"공정공시", _N, "told to all what was about to be told to some"),
    _kind("briefing", "기업설명회|IR개최", _R, "a meeting; what is said there counts, not that it is held"),
    _kind("voluntary", "기타경영사항|기타안내|자율공시|기타주요", _N, "told because the company wanted to"),
    _kind(
        "fund_paper", "영업보고서|집합투자|자산유동화|유동화|신탁업자|투자회사보고", _R, "papers of funds and issuers"
    ),
)

KINDS: Final = _KINDS
"""Every rule, in the order they are tried: the first that fits tells the kind."""

KEYS: Final = tuple(dict.fromkeys((*(kind.key for kind in _KINDS), OTHER)))
"""Every kind there is."""

REASONS: Final[Mapping[str, str]] = MappingProxyType({kind.key: kind.why for kind in _KINDS})
"""Why a kind weighs what it weighs."""


@lru_cache(maxsize=4_096)
def judged(written: str) -> Judgement:
    """The kind and weight of a filing by its report name.

    An event of a subsidiary, a correction and a mere supplement weigh a step less than the event itself.
    """
    name = parse_name(written)
    kind = kind_of(name)
    weight = kind.weight if kind else _R
    if name.prefixes or name.subsidiary:
        weight = _LIGHTER[weight]
    return Judgement(kind.key if kind else OTHER, weight)


def kind_of(name: ReportName) -> Kind | None:
    """The first rule that fits a name, None where none does."""
    event = _OF_SUBSIDIARY.sub("", name.event)
    said = f"{event} {compact(name.remark or '')}"
    for kind in _KINDS:
        if kind.pattern.search(event) and (kind.about is None or kind.about.search(said)):
            return kind
    return None
