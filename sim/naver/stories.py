"""The stories of the simulated newsroom: what can be written about an issue, a market or something else.

They hold the traps of real feeds: nicknames, codes in parentheses, Hanja, mixed quotes, promotional first
lines, group names alone, ordinary words that are also stock names, and news that is no finance at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from sim.market import SimQuote
from sim.naver.korean import with_particle, won

MARKET, COMPANY, OVERSEAS, BONDS, MEMO, CURRENCY = "401", "402", "403", "404", "406", "429"
"""Section numbers of the topic lists."""

NICKNAMES = {
    "005930": "삼전",
    "000660": "하이닉스",
    "373220": "LG엔솔",
    "207940": "삼바",
    "323410": "카뱅",
    "015760": "한전",
    "036930": "주성엔지",
    "003670": "포퓨엠",
}

PROMOTIONS = (
    "이 기사는 프리미엄 투자 플랫폼 '한눈에 증시'에 먼저 실린 기사입니다.",
    "※ 이 기사는 구독자 전용 뉴스레터 “모닝 시그널”에 먼저 표출됐습니다.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A story before it is printed. `codes` is what it is truly about."""

    title: str
    body: tuple[str, ...]
    codes: tuple[str, ...] = ()
    section: str = COMPANY


def on_price(quote: SimQuote, random: Random) -> Draft:
    """The move of the day of one issue."""
    name, up = quote.issue.name, quote.change >= 0
    percent, price = f"{abs(quote.percent):.2f}", won(quote.bar.close)
    called = NICKNAMES.get(quote.issue.code, name) if random.random() < 0.35 else name
    strong = abs(quote.percent) >= 5
    verb = ("급등" if strong else "강세") if up else ("급락" if strong else "약세")
    title = random.choice(
        (
            f"[특징주] {called}, {percent}% {verb}…{'외국인 매수세 유입' if up else '차익 매물 출회'}",
            f"{called}, 장중 {percent}% {'올라' if up else '내려'}…“{'수급이 살아났다' if up else '단기 조정 국면'}”",
            f"[특징주] {with_particle(called, '이')} {verb}{'한' if strong else '를 보인'} 까닭은?",
            f"\"{called} 지금 사도 되나요\"…{percent}% {verb}에 개미들 '{'환호' if up else '한숨'}'",
        )
    )
    moved = "오른" if up else "내린"
    body = (
        f"{with_particle(name, '은')} 이날 {with_particle(verb, '을')} 보이고 있다.",
        f"한국거래소에 따르면 {name}({quote.issue.code}) 주가는 전 거래일보다 {won(abs(quote.change))}({percent}%) "
        f"{moved} {price}에 거래되고 있다. 장중 고가는 {won(quote.bar.high)}, 저가는 {won(quote.bar.low)}이다.",
        f"거래량은 {quote.bar.volume:,}주, 거래대금은 {won(max(quote.bar.value, 100_000_000))}으로 집계됐다.",
        f"증권업계 관계자는 “{'기관과 외국인이 함께 사들이며' if up else '외국인 매물이 나오며'} "
        f"{'투자심리가 나아졌다' if up else '투자심리가 식었다'}”고 말했다.",
    )
    return Draft(title=title, body=body, codes=(quote.issue.code,), section=MARKET)


def on_earnings(quote: SimQuote, random: Random) -> Draft:
    """Quarterly results of one issue."""
    name, good = quote.issue.name, quote.percent + random.gauss(0, 2) >= 0
    profit, percent = max(quote.market_cap // random.randint(40, 90), 100_000_000), random.randint(3, 48)
    quarter = random.randint(1, 4)
    title = random.choice(
        (
            f"{name}, {quarter}분기 영업익 {won(profit)}…전년比 {percent}% {'증가' if good else '감소'}",
            f"{name} {quarter}분기 '어닝 {'서프라이즈' if good else '쇼크'}'…시장 기대치 {'상회' if good else '하회'}",
            f"[컨콜] {name} “하반기 {'수요 회복 뚜렷' if good else '불확실성 크다'}”",
        )
    )
    body = (
        f"{with_particle(name, '이')} {quarter}분기 연결 기준 영업이익이 {won(profit)}으로 "
        f"지난해 같은 기간보다 {percent}% {'늘었다' if good else '줄었다'}고 공시했다.",
        f"매출은 {won(profit * random.randint(5, 14))}으로 집계됐다. 증권사 평균 전망치를 "
        f"{'웃도는' if good else '밑도는'} 수준이다.",
        f"회사 측은 '{'판매 호조와 환율 효과' if good else '원재료 가격 상승과 수요 둔화'}'를 배경으로 꼽았다.",
        f"{name}({quote.issue.code}) 주가는 {won(quote.bar.close)}에 거래되고 있다.",
    )
    return Draft(title=title, body=body, codes=(quote.issue.code,))


def on_contract(quote: SimQuote, random: Random) -> Draft:
    """A supply contract or an order won by one issue."""
    name, size = quote.issue.name, max(quote.market_cap // random.randint(30, 300), 1_000_000_000)
    country = random.choice(("美", "中", "日", "獨", "폴란드", "사우디"))
    title = random.choice(
        (
            f"{name}, {country} 고객사와 {won(size)} 규모 공급계약",
            f"[단독] {with_particle(name, '이')} {country}서 {won(size)} 수주…창사 이래 '최대'",
            f"{name} 단일판매ㆍ공급계약 체결…최근 매출액의 {random.randint(5, 40)}%",
        )
    )
    body = (
        f"{with_particle(name, '은')} {country} 소재 고객사와 {won(size)} 규모의 공급계약을 맺었다고 공시했다.",
        f"계약 기간은 {random.randint(1, 5)}년이다. 계약 상대방은 영업비밀 보호를 이유로 밝히지 않았다.",
        f"시장에서는 {name}({quote.issue.code})의 수주 잔고가 늘면서 실적 가시성이 높아졌다는 평가가 나온다.",
        "다만 원자재 가격과 환율에 따라 수익성이 달라질 수 있다는 지적도 있다. 납품은 내년부터 차례로 이뤄진다.",
    )
    return Draft(title=title, body=body, codes=(quote.issue.code,))


def on_opinion(quote: SimQuote, random: Random) -> Draft:
    """A broker's view of one issue."""
    name, up = quote.issue.name, quote.percent + random.gauss(0, 1.5) >= 0
    house = random.choice(("가람증권", "누리증권", "다온투자증권", "마루증권"))
    target = round(quote.bar.close * (random.uniform(1.08, 1.4) if up else random.uniform(0.85, 1.05)), -2)
    title = random.choice(
        (
            f"{house} “{name}, 목표가 {won(int(target))}으로 {'상향' if up else '하향'}”",
            f"“{name}, {'실적 눈높이 높여야' if up else '눈높이 낮춰야'}”-{house}",
        )
    )
    body = (
        *((random.choice(PROMOTIONS),) if random.random() < 0.4 else ()),
        f"{with_particle(house, '은')} {name}에 대해 투자의견을 {'유지하고 목표주가를 올렸다' if up else '낮췄다'}.",
        f"{house} 연구원은 ‘{'이익 개선 속도가 빠르다' if up else '업황 회복이 늦어지고 있다'}’며 이같이 밝혔다. "
        f"목표주가는 {won(int(target))}이다.",
        "이어 “다음 분기 실적 발표가 주가의 방향을 가를 것”이라며 수급 변화도 함께 살펴야 한다고 덧붙였다.",
        f"전 거래일 {name}({quote.issue.code}) 종가는 {won(quote.base)}이었다.",
    )
    return Draft(title=title, body=body, codes=(quote.issue.code,))


def on_capital(quote: SimQuote, random: Random) -> Draft:
    """Shareholder returns, or new shares."""
    name, size = quote.issue.name, max(quote.market_cap // random.randint(60, 400), 1_000_000_000)
    kind, text = random.choice(
        (
            ("자사주 매입", "주주가치를 높이기 위해 자기주식을 사들이기로 했다"),
            ("분기배당 결정", "분기배당을 하기로 이사회에서 결의했다"),
            ("유상증자 결정", "시설자금을 마련하기 위해 유상증자를 하기로 했다"),
            ("자사주 소각", "보유한 자기주식을 없애기로 했다"),
        )
    )
    body = (
        f"{with_particle(name, '은')} {text}고 공시했다. 규모는 {won(size)}이다.",
        f"{name}({quote.issue.code}) 최대주주 측은 “시장과의 소통을 이어 가겠다”고 했다.",
        "증권가에서는 수급에 미치는 영향을 두고 의견이 갈린다.",
        "회사는 시장 상황을 살피며 구체적인 일정을 정하겠다고 덧붙였다. 공시 원문은 전자공시시스템에서 볼 수 있다.",
    )
    return Draft(title=f"{name}, {won(size)} 규모 {kind}", body=body, codes=(quote.issue.code,), section=MEMO)


def on_market(quotes: Sequence[SimQuote], random: Random) -> Draft:
    """A market wrap over the large issues; it names several."""
    ups = [quote for quote in quotes if quote.change > 0]
    up = len(ups) * 2 >= len(quotes)
    named = sorted(quotes, key=lambda quote: -quote.market_cap)[:4]
    title = random.choice(
        (
            f"코스피, 외국인 {'순매수에 강세' if up else '매도에 약세'}…시총 상위株 {'상승' if up else '하락'} 우위",
            f"(장중시황) 코스피 {'상승' if up else '하락'}…반도체·자동차 {'동반 강세' if up else '부진'}",
            f"美 기술株 {'훈풍' if up else '조정'}에 韓 증시도 {'웃었다' if up else '울상'}",
        )
    )
    lines = [
        f"{with_particle(each.issue.name, '은')} {abs(each.percent):.2f}% {'올랐고' if each.change >= 0 else '내렸고'}"
        for each in named
    ]
    body = (
        f"국내 증시가 {'상승세' if up else '하락세'}를 보이고 있다. 시가총액 상위 종목의 움직임이 엇갈렸다.",
        ", ".join(lines).removesuffix("고") + "다. 나머지 종목은 혼조세였다.",
        "원·달러 환율과 미국 국채 금리의 움직임이 투자심리에 영향을 줬다는 분석이 나온다.",
        "전문가들은 '당분간 실적이 뒷받침되는 종목 중심의 장세가 이어질 것'으로 내다봤다.",
    )
    return Draft(title=title, body=body, codes=tuple(quote.issue.code for quote in named), section=MARKET)


OUTSIDE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (OVERSEAS, "美 연준 위원 “인플레 둔화 확인해야”…금리 경로 신중론", ("뉴욕증시는 보합권에서 움직였다.",)),
    (OVERSEAS, "中 수출 규제에 日·美 공급망 '비상'…韓 기업도 촉각", ("관련 부처는 대책 회의를 열었다.",)),
    (CURRENCY, "원·달러 환율, 장 초반 하락…수출업체 네고 물량 유입", ("외환시장에서는 관망세가 짙다.",)),
    (BONDS, "국고채 금리 일제히 하락…장기물 강세", ("입찰 결과가 예상보다 좋았다.",)),
    (MARKET, "새콤달콤 감귤이 벌써…과일값 내려 장바구니 부담 던다", ("노지 감귤이 진열대에 올랐다.",)),
    (MARKET, "가을 단풍 절정…이번 주말 고속도로 정체 예상", ("나들이 차량이 몰릴 것으로 보인다.",)),
    (COMPANY, "李 前 장관 “규제 개혁은 속도보다 방향”", ("행사에는 학계와 업계 인사가 참석했다.",)),
    (COMPANY, "삼성·SK·LG 총수 한자리에…“청년 일자리 늘리겠다”", ("그룹별 채용 계획은 추후 발표한다.",)),
    (COMPANY, "전 국민을 대상으로 한 소비쿠폰…동서 지역 격차 줄일까", ("지원 대상은 내달 확정된다.",)),
    (COMPANY, "아이들 기아 문제 해결에 나선 구호단체…모금액 두 배로", ("후원자가 크게 늘었다.",)),
)
"""Section, title and a closing line of stories about no issue; several hold words that are also stock names."""


def on_something_else(random: Random) -> Draft:
    """A story about no listed issue."""
    section, title, closing = random.choice(OUTSIDE)
    opening = title.replace("…", ". ").strip("“”'")
    body = (
        f"{opening}.",
        "현장에서는 기대와 우려가 함께 나왔다. 관계자들은 구체적인 계획을 조만간 내놓겠다고 밝혔다.",
        "전문가들은 단기적인 변화보다 긴 흐름을 보아야 한다고 조언했다. 시민들의 반응도 다양했다. "
        "관련 논의는 다음 주에도 이어질 전망이다.",
        *closing,
    )
    return Draft(title=title, body=body, section=section)


ABOUT_ISSUES: tuple[tuple[Callable[[SimQuote, Random], Draft], int], ...] = (
    (on_price, 34),
    (on_earnings, 12),
    (on_contract, 12),
    (on_opinion, 10),
    (on_capital, 6),
)
"""How to write about one issue, and how often."""
