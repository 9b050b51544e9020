"""Filings on the fact sheet: the material ones of the last month that were known at its instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from core.clock import kst_date
from core.disclosures.filing import Disclosure, Weight
from core.disclosures.queries import issuer_codes, known_within, latest_disclosures
from core.figures import count
from core.prediction.fact import Evidence, Fact
from core.services import Services

SOURCE = "DART"
DAYS = 30
SHOWN = 5
"""Filings that are named; the others are counted."""
_COUNTED = 50
LOOKED = timedelta(days=7)
"""Where nothing of anybody was seen for so long, nobody was looking."""


async def material_filings(services: Services, code: str, *, as_of: datetime) -> list[Disclosure] | None:
    """The material filings of a company known at `as_of`, newest first; None if nobody was looking."""
    since = kst_date(as_of) - timedelta(days=DAYS)
    async with services.db.read() as conn:
        if not await known_within(conn, LOOKED, as_of=as_of):
            return None
        return await latest_disclosures(
            conn, codes=issuer_codes(code), as_of=as_of, limit=_COUNTED, weight=Weight.MATERIAL, since=since
        )


def filing_facts(filings: Sequence[Disclosure] | None, *, as_of: datetime) -> Iterator[Fact]:
    """How many there were, where anybody was looking."""
    if filings is not None:
        number = len(filings)
        yield Fact(
            id="",
            name="material_filings_30d",
            label="최근 30일 중요 공시",
            text=count(number),
            value=number,
            source=SOURCE,
            at=as_of,
        )


def filing_evidence(filings: Sequence[Disclosure] | None) -> Iterator[Evidence]:
    """The newest as evidence."""
    for filing in (filings or ())[:SHOWN]:
        yield Evidence(
            id=f"d{filing.id}",
            article_id=None,
            title=" ".join(filing.name.split()),
            url=filing.url,
            press=SOURCE,
            published_at=filing.moment,
            disclosure=True,
        )
