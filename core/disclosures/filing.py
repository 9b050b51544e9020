"""A filing: what DART says of it, how it is kept, and the values its lists are read into."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

RECEIPT: Final = re.compile(r"20[0-9]{12}")
"""A receipt number: the identity of a filing. It tells neither the day nor the order."""

VIEWER: Final = "https://dart.fss.or.kr/dsaf001/main.do?rcpNo="
"""Where readers are sent. Programs are asked not to fetch it, and none here does."""


class Weight(StrEnum):
    """How much a filing means for the holder of a share."""

    MATERIAL = "material"
    NOTABLE = "notable"
    ROUTINE = "routine"


class Division(StrEnum):
    """The board of the company, as DART files it."""

    KOSPI = "Y"
    KOSDAQ = "K"
    KONEX = "N"
    OTHER = "E"


@dataclass(frozen=True, kw_only=True, slots=True)
class Filing:
    """What a list says of one filing. Texts are plain, capped and from outside.

    `filed_on` is the day in Seoul it is listed under, `filed_at` the aware UTC minute where the list tells it.
    `code` is the stock of the company, None for one that is not listed or where the list does not say.
    `remarks` are DART's letters: a later correction exists (정), withdrawn (철), whose business it is (유, 코…).
    """

    receipt: str
    company: str
    name: str
    filer: str
    filed_on: date
    corp_code: str | None = None
    code: str | None = None
    division: Division | None = None
    remarks: str = ""
    filed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """A row that is not what it should be; `raw` is its beginning, for a person to read."""

    reason: str
    raw: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A page of a list: its usable filings in its own order, and the other rows. `pages` there are in all."""

    filings: tuple[Filing, ...]
    rejected: tuple[Rejected, ...] = ()
    total: int = 0
    pages: int = 0


def together(lists: Sequence[Listed]) -> Listed:
    """Several lists as one."""
    filings = tuple(filing for each in lists for filing in each.filings)
    rejected = tuple(row for each in lists for row in each.rejected)
    return Listed(filings=filings, rejected=rejected, total=len(filings), pages=len(lists))


@dataclass(frozen=True, kw_only=True, slots=True)
class Corp:
    """A company as DART knows it, with the stock code it has or had."""

    corp_code: str
    name: str
    english_name: str
    code: str
    modified_on: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Company:
    """The card of a company. `code` is None for one that is not listed; what DART leaves empty is empty."""

    corp_code: str
    name: str
    english_name: str
    stock_name: str
    code: str | None
    division: Division | None
    chief: str
    founded_on: date | None
    closing_month: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Disclosure:
    """A filing as it is kept: with a number of ours, its kind and weight, and when it was first seen (aware UTC)."""

    id: int
    receipt: str
    company: str
    code: str | None
    name: str
    filer: str
    remarks: str
    filed_on: date
    filed_at: datetime | None
    first_seen_at: datetime
    kind: str
    weight: Weight
    correction: bool

    @property
    def url(self) -> str:
        """The official page."""
        return VIEWER + self.receipt

    @property
    def moment(self) -> datetime:
        """When it was filed as far as is known: the minute, else when it was first seen."""
        return self.filed_at or self.first_seen_at

    @property
    def corrected(self) -> bool:
        """Whether DART says that a later correction exists."""
        return "정" in self.remarks

    @property
    def withdrawn(self) -> bool:
        """Whether DART says that it was withdrawn."""
        return "철" in self.remarks
