"""The issues of the generated market: real names and codes, with prices of early 2026 to start from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.stocks.stock import Kind, Market

TABLE = """
005930 KOSPI common 190100 5919637922 1975-06-11 반도체 삼성전자
005935 KOSPI preferred 135100 815974664 1989-09-25 반도체 삼성전자우
000660 KOSPI common 949000 728002365 1996-12-26 반도체 SK하이닉스
042700 KOSPI common 200500 95312200 2005-07-22 반도체 한미반도체
036930 KOSDAQ common 55800 47268321 1999-12-24 반도체 주성엔지니어링
005380 KOSPI common 509000 204757766 1974-06-28 자동차 현대차
005385 KOSPI preferred 279000 23340960 1989-05-23 자동차 현대차우
000270 KOSPI common 171800 390412998 1973-07-21 자동차 기아
012330 KOSPI common 443000 90732583 1989-09-05 자동차 현대모비스
035720 KOSPI common 57900 442605669 2017-07-10 인터넷 카카오
035420 KOSPI common 254500 156852638 2008-11-28 인터넷 NAVER
323410 KOSPI common 28700 477011437 2021-08-06 금융 카카오뱅크
377300 KOSPI common 67400 135151270 2021-11-03 금융 카카오페이
105560 KOSPI common 168800 372850455 2008-10-10 금융 KB금융
055550 KOSPI common 102000 485494934 2001-09-10 금융 신한지주
086790 KOSPI common 131300 278325814 2005-12-12 금융 하나금융지주
316140 KOSPI common 40800 734076320 2019-02-13 금융 우리금융지주
088350 KOSPI common 6600 868530000 2010-03-17 금융 한화생명
032830 KOSPI common 219000 200000000 2010-05-12 금융 삼성생명
000880 KOSPI common 126800 74958735 1976-06-24 지주 한화
003550 KOSPI common 98500 154221585 1970-02-13 지주 LG
034730 KOSPI common 381500 72502703 2009-11-11 지주 SK
000150 KOSPI common 1047000 16193835 1973-06-29 지주 두산
028260 KOSPI common 331000 169976544 2014-12-18 지주 삼성물산
005490 KOSPI common 394000 80932952 1988-06-10 지주 POSCO홀딩스
012450 KOSPI common 1242000 51563401 1987-05-27 방산 한화에어로스페이스
272210 KOSPI common 116500 188919389 2019-11-13 방산 한화시스템
042660 KOSPI common 149900 306413394 2001-02-02 조선 한화오션
329180 KOSPI common 602000 104961225 2021-09-17 조선 HD현대중공업
009830 KOSPI common 53000 171892536 1974-06-19 에너지 한화솔루션
096770 KOSPI common 127600 169052788 2007-07-25 에너지 SK이노베이션
034020 KOSPI common 103500 640561146 2000-10-25 에너지 두산에너빌리티
015760 KOSPI common 63000 641964077 1989-08-10 에너지 한국전력
004170 KOSPI common 351500 9645181 1985-08-19 유통 신세계
031430 KOSPI common 12260 35343000 2011-07-14 유통 신세계인터내셔날
051900 KOSPI common 273000 15302459 2001-04-25 유통 LG생활건강
066570 KOSPI common 123600 162886387 2002-04-22 전자 LG전자
034220 KOSPI common 13310 500000000 2004-07-23 전자 LG디스플레이
011070 KOSPI common 256000 23667107 2008-07-24 전자 LG이노텍
009150 KOSPI common 377000 74693696 1979-02-27 전자 삼성전기
051910 KOSPI common 337000 70592343 2001-04-25 이차전지 LG화학
373220 KOSPI common 401500 234000000 2022-01-27 이차전지 LG에너지솔루션
006400 KOSPI common 402000 80585530 1979-02-27 이차전지 삼성SDI
003670 KOSPI common 233000 88946220 2019-05-29 이차전지 포스코퓨처엠
086520 KOSDAQ common 171300 135776152 2007-07-20 이차전지 에코프로
247540 KOSDAQ common 214000 97825586 2019-03-05 이차전지 에코프로비엠
017670 KOSPI common 80800 214790053 1989-11-07 통신 SK텔레콤
030200 KOSPI common 68900 252021685 1998-12-23 통신 KT
207940 KOSPI common 1736000 46290951 2016-11-10 바이오 삼성바이오로직스
0126Z0 KOSPI common 613000 24883049 2025-11-24 바이오 삼성에피스홀딩스
068270 KOSPI common 242000 231048261 2018-02-09 바이오 셀트리온
196170 KOSDAQ common 402000 53505788 2014-12-12 바이오 알테오젠
028300 KOSDAQ common 53500 133117504 1996-07-27 바이오 HLB
141080 KOSDAQ common 173200 36610338 2013-05-10 바이오 리가켐바이오
228670 KOSDAQ common 5740 15602050 2019-08-08 바이오 레이
140610 KONEX common 15200 13527624 2018-09-10 바이오 엔솔바이오사이언스
033780 KOSPI common 177100 117976645 1999-10-08 소비재 KT&G
001680 KOSPI common 23400 34648025 1970-04-01 소비재 대상
026960 KOSPI common 29200 99700000 2016-07-15 소비재 동서
003490 KOSPI common 25150 368220661 1966-03-18 운송 대한항공
011200 KOSPI common 23150 943237970 1995-10-05 운송 HMM
259960 KOSPI common 260500 47403831 2021-08-10 콘텐츠 크래프톤
352820 KOSPI common 398500 43039485 2020-10-15 콘텐츠 하이브
263750 KOSDAQ common 52600 64247855 2017-09-14 콘텐츠 펄어비스
277810 KOSDAQ common 712000 19399858 2021-02-03 로봇 레인보우로보틱스
001570 KOSPI common 9900 63967196 1976-12-17 화학 금양
260870 KONEX common 11160 21674747 2017-08-30 충전기 SK시그넷
330590 KOSPI reit 4580 288968884 2019-10-30 리츠 롯데리츠
452980 KOSDAQ spac 2105 18905000 2023-10-04 스팩 신한제11호스팩
000040 KOSPI common 1151 19675000 1976-05-25 운송 KR모터스
069500 KOSPI etf 84500 210000000 2002-10-14 지수 KODEX 200
"""
"""Code, market, kind, typical price in won, listed shares, listing day, sector, name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One row of the table."""

    code: str
    market: Market
    kind: Kind
    price: int
    shares: int
    listed_on: date
    sector: str
    name: str


def roster() -> list[Listing]:
    """Every issue of the generated market."""
    return [_listing(line) for line in TABLE.strip().splitlines()]


def _listing(line: str) -> Listing:
    code, market, kind, price, shares, listed_on, sector, name = line.split(" ", 7)
    return Listing(
        code=code,
        market=Market(market),
        kind=Kind(kind),
        price=int(price),
        shares=int(shares),
        listed_on=date.fromisoformat(listed_on),
        sector=sector,
        name=name,
    )


SPLITS = {"086520": (date(2024, 4, 25), 5)}
"""Code: the day a share became that many."""

HALTS = {"001570": date(2025, 3, 24)}
"""Code: the day trading stopped."""

ADMINISTRATIVE = frozenset({"001570", "000040"})
"""Issues under administration."""
