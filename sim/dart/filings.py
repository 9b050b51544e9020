"""The filing desk: what the companies of the market file, the same for the same seed, each at its own minute."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final

from core.clock import KST, kst, kst_date
from core.stocks.stock import Kind, Market
from sim.market import SimIssue, SimMarket

DIVISIONS: Final = {Market.KOSPI: "Y", Market.KOSDAQ: "K", Market.KONEX: "N"}
LEGAL_NAMES: Final = {
    "005380": "현대자동차",
    "015760": "한국전력공사",
    "033780": "케이티앤지",
    "017670": "에스케이텔레콤",
    "030200": "케이티",
    "011200": "에이치엠엠",
}
"""Companies that DART calls otherwise than the exchange."""
KNOWN_NUMBERS: Final = {"005930": "00126380", "035420": "00266961"}
PEOPLE: Final = ("김경륜", "조미선", "안성준", "정훈", "이서연", "박도윤")
REACH: Final = 400
"""Days back there are filings of."""

# Weight, name, who files (company, person, exchange), the board letter in the remarks or none.
TEMPLATES: Final = (
    (22, "임원ㆍ주요주주특정증권등소유상황보고서", "person", ""),
    (7, "주식등의대량보유상황보고서(일반)", "person", ""),
    (4, "주식등의대량보유상황보고서(약식)", "person", ""),
    (6, "기업설명회(IR)개최(안내공시)", "company", "board"),
    (5, "단일판매ㆍ공급계약체결", "company", "board"),
    (2, "단일판매ㆍ공급계약체결(자율공시)", "company", "board"),
    (4, "최대주주등소유주식변동신고서", "company", "board"),
    (4, "연결재무제표기준영업(잠정)실적(공정공시)", "company", "board"),
    (3, "타인에대한채무보증결정", "company", "board"),
    (3, "주주총회소집결의              (임시주주총회)", "company", "board"),
    (2, "지속가능경영보고서등관련사항(자율공시)", "company", "board"),
    (2, "현금ㆍ현물배당결정", "company", "board"),
    (2, "주식소각결정", "company", "board"),
    (2, "투자판단관련주요경영사항", "company", "board"),
    (2, "주요사항보고서(자기주식취득결정)", "company", ""),
    (1, "주요사항보고서(유상증자결정)", "company", ""),
    (1, "주요사항보고서(전환사채권발행결정)", "company", ""),
    (1, "주요사항보고서(회사합병결정)", "company", ""),
    (1, "신규시설투자등", "company", "board"),
    (1, "유상증자결정(종속회사의주요경영사항)", "company", "board"),
    (1, "단일판매ㆍ공급계약해지", "company", "board"),
    (1, "조회공시요구(풍문또는보도)", "exchange", "board"),
    (1, "풍문또는보도에대한해명(미확정)", "company", "board"),
    (1, "소송등의제기ㆍ신청(일정금액이상의청구)", "company", "board"),
    (2, "특수관계인과의내부거래", "company", "공"),
    (1, "증권발행실적보고서", "company", ""),
)
_BOARD: Final = {Market.KOSPI: ("유", "유가증권시장본부", 8), Market.KOSDAQ: ("코", "코스닥시장본부", 9)} | {
    Market.KONEX: ("넥", "코넥스시장본부", 6)
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SimFiling:
    """One filing. `at` is its aware UTC minute, `day` the day in Seoul it is listed under."""

    receipt: str
    issue: SimIssue
    name: str
    filer: str
    at: datetime
    remarks: str = ""
    corrects: str | None = None

    @property
    def day(self) -> date:
        """The day in Seoul."""
        return kst_date(self.at)

    @property
    def company(self) -> str:
        """What DART calls the company."""
        return company_name(self.issue)

    @property
    def corp_code(self) -> str:
        """DART's number of the company."""
        return corp_number(self.issue.code)

    @property
    def division(self) -> str:
        """The letter of the board."""
        return DIVISIONS[self.issue.market]


def company_name(issue: SimIssue) -> str:
    """What DART calls a company."""
    return LEGAL_NAMES.get(issue.code, issue.name)


def corp_number(code: str) -> str:
    """DART's number of the company of a stock."""
    return KNOWN_NUMBERS.get(code) or f"{zlib.crc32(code.encode()) % 1_000_000 + 1_000_000:08d}"


class FilingDesk:
    """Filings by day, made when first asked for, and those planted by hand."""

    def __init__(self, market: SimMarket, *, seed: int = 7) -> None:
        self.market = market
        self._seed = seed
        self._made: dict[date, list[SimFiling]] = {}
        self._planted: list[SimFiling] = []

    @property
    def companies(self) -> list[SimIssue]:
        """The issues whose company files: no funds, and one a company."""
        kinds = (Kind.COMMON, Kind.REIT, Kind.SPAC)
        return [issue for issue in self.market.issues.values() if issue.kind in kinds]

    def plant(
        self,
        code: str,
        name: str,
        at: datetime,
        *,
        filer: str | None = None,
        remarks: str = "",
        corrects: str | None = None,
    ) -> SimFiling:
        """Add a filing of one's own."""
        issue = self.market.issues[code]
        filing = SimFiling(
            receipt=f"{at.astimezone(KST):%Y%m%d}7{len(self._planted):05d}",
            issue=issue,
            name=name,
            filer=filer or company_name(issue),
            at=at.replace(second=0, microsecond=0),
            remarks=remarks,
            corrects=corrects,
        )
        self._planted.append(filing)
        return filing

    def silence(self) -> None:
        """Nobody files anything but what is planted."""
        self._seed = -1
        self._made.clear()

    def filings(self, start: date, end: date, *, until: datetime) -> list[SimFiling]:
        """What is listed under the days [start, end] and was filed by `until`, the newest day first.

        Inside a day the order is by receipt number, which is not quite that of time.
        """
        first = max(start, kst_date(until) - timedelta(days=REACH))
        days = [end - timedelta(days=offset) for offset in range((end - first).days + 1)]
        made = [each for day in days for each in self._of(day)]
        shown = [each for each in (*made, *self._planted) if each.at <= until and start <= each.day <= end]
        corrected = self._corrected(first, until)
        marked = [replace(each, remarks=each.remarks + "정") if each.receipt in corrected else each for each in shown]
        return sorted(marked, key=lambda each: (each.day, each.receipt), reverse=True)

    def find(self, receipt: str, *, until: datetime) -> SimFiling | None:
        """The filing of that number, if it was filed by `until`."""
        day = date(int(receipt[:4]), int(receipt[4:6]), int(receipt[6:8]))
        near = self.filings(day, day + timedelta(days=5), until=until)
        return next((each for each in near if each.receipt == receipt), None)

    def _corrected(self, first: date, until: datetime) -> set[str]:
        days = [first + timedelta(days=offset) for offset in range((kst_date(until) - first).days + 1)]
        corrections = [each for day in days for each in self._of(day)] + self._planted
        return {each.corrects for each in corrections if each.corrects and each.at <= until}

    def _of(self, day: date) -> list[SimFiling]:
        if self._seed < 0 or not self.market.calendar.is_session(day):
            return []
        if day not in self._made:
            self._made[day] = [*self._originals(day), *self._corrections(day)]
        return self._made[day]

    def _originals(self, day: date) -> list[SimFiling]:
        chance = Random(f"filings {self._seed} {day}")
        companies = self.companies
        weights = [weight for weight, *_ in TEMPLATES]
        found = []
        for number in range(chance.randrange(28, 44)):
            _, name, who, letter = chance.choices(TEMPLATES, weights)[0]
            found.append(self._filing(day, number, chance.choice(companies), name, who, letter, chance))
        return found

    def _corrections(self, day: date) -> Iterator[SimFiling]:
        """Some of what was filed in the ten sessions before, put right."""
        chance = Random(f"corrections {self._seed} {day}")
        for number in range(chance.randrange(2, 6)):
            earlier = day
            for _ in range(chance.randrange(1, 11)):
                earlier = self.market.calendar.previous_session(earlier)
            original = chance.choice(self._originals(earlier))
            moment = _moment(day, chance)
            prefix = "[첨부정정]" if chance.random() < 0.1 else "[기재정정]"
            yield replace(
                original,
                receipt=_receipt(day, int(original.receipt[8]), 80_000 + number),
                name=prefix + original.name,
                at=moment,
                corrects=original.receipt,
            )

    def _filing(
        self, day: date, number: int, issue: SimIssue, name: str, who: str, letter: str, chance: Random
    ) -> SimFiling:
        board, office, digit = _BOARD[issue.market]
        at = _moment(day, chance)
        early = at.astimezone(KST).time() == time(7, 30)
        numbered_on = self.market.calendar.previous_session(day) if early else day
        # Numbers are given out in the order of the day but for a few, as the real ones are.
        order = (at - kst(day)).seconds // 60 * 40 + number + chance.choice((0, 0, 0, 0, -900))
        return SimFiling(
            receipt=_receipt(numbered_on, digit if letter == "board" else 0, max(order, 0) % 80_000),
            issue=issue,
            name=name,
            filer={"person": chance.choice(PEOPLE), "exchange": office}.get(who, company_name(issue)),
            at=at,
            remarks=board if letter == "board" else letter,
        )


def _moment(day: date, chance: Random) -> datetime:
    """A minute of the filing day: a batch at half past seven, many after the close."""
    lot = chance.random()
    if lot < 0.08:
        return kst(day, time(7, 30))
    first, last = (8 * 60, 15 * 60 + 30) if lot < 0.55 else (15 * 60 + 31, 18 * 60 + 58)
    return kst(day) + timedelta(minutes=chance.randint(first, last))


def _receipt(day: date, digit: int, number: int) -> str:
    return f"{day:%Y%m%d}{digit}{number:05d}"


def by_time(filings: Sequence[SimFiling]) -> list[SimFiling]:
    """The newest first."""
    return sorted(filings, key=lambda each: (each.at, each.receipt), reverse=True)
