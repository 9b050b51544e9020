"""The list of a day on DART's own site: every filing with its time of day. Read only where the operator says so."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any, Final

from lxml import etree

from core.disclosures.filing import Division, Filing, Listed, Rejected
from core.disclosures.parsers.text import corp_code, day, decoded, line, minute, receipt, spaced
from core.errors import Malformed

VERSION: Final = 1

_BOARDS: Final = {
    "tagCom_kospi": Division.KOSPI,
    "tagCom_kosdaq": Division.KOSDAQ,
    "tagCom_konex": Division.KONEX,
    "tagCom_etc": Division.OTHER,
}
_CORP: Final = re.compile(r"openCorpInfoNew\('([0-9]{8})'")
_RECEIPT: Final = re.compile(r"rcpNo=([0-9]{14})(?![0-9])")
_PAGES: Final = re.compile(r"\[\s*[0-9]{1,5}\s*/\s*([0-9]{1,5})\s*\]")
_HEADING: Final = re.compile(r"\(\s*(20[0-9]{2})년\s*([0-9]{2})월\s*([0-9]{2})일\s*\)")
_MOST_TAGS: Final = 100_000
_LONGEST_RAW: Final = 1_000


def parse_day(body: bytes, *, at: datetime) -> Listed:
    """A page of the list of a day fetched at `at`; the page that says there is nothing is empty.

    Raises `Malformed` if it is no such page or no row can be used.
    """
    text = decoded(body).replace("\x00", "")
    if not 0 < text.count("<") <= _MOST_TAGS:
        raise Malformed("not a page, or one far too long")
    try:
        parser = etree.HTMLParser(encoding="utf-8", no_network=True, recover=True)
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.LxmlError, ValueError):
        raise Malformed("not HTML") from None
    total = root.xpath("string(//input[@id='totalCnt']/@value)").strip() if root is not None else ""
    if not (total.isascii() and total.isdigit() and len(total) <= 6):
        raise Malformed("a page without its total")
    heading = _HEADING.search(root.xpath("string(//h4)"))
    if heading is None:
        raise Malformed("a page without its day")
    listed_on = day("".join(heading.groups()), at=at)
    filings: dict[str, Filing] = {}
    rejected: list[Rejected] = []
    for row in root.xpath("//table[contains(@class, 'tbList')]//tbody/tr[td[2]]"):
        try:
            filing = _filing(row, listed_on, at=at)
        except Malformed as error:
            raw = etree.tostring(row, encoding="unicode", with_tail=False)[:_LONGEST_RAW]
            rejected.append(Rejected(reason=str(error), raw=raw))
        else:
            filings.setdefault(filing.receipt, filing)
    if not filings and (rejected or not root.xpath("//td[contains(@class, 'no_data')]")):
        raise Malformed(f"no usable row: {rejected[0].reason}" if rejected else "a page without rows")
    pages = _PAGES.search(root.xpath("string(//*[@class='pageInfo'])"))
    return Listed(
        filings=tuple(filings.values()),
        rejected=tuple(rejected),
        total=int(total),
        pages=int(pages[1]) if pages else int(bool(filings)),
    )


def _filing(row: Any, listed_on: date, *, at: datetime) -> Filing:
    """One row. The time is of the day of the page; the date in the row may be that of what it puts right."""
    cells = row.xpath("./td")
    if len(cells) < 6:
        raise Malformed(f"a row of {len(cells)} cells")
    company = next(iter(cells[1].xpath(".//a[contains(@href, 'openCorpInfoNew')]")), None)
    report = next(iter(cells[2].xpath(".//a[contains(@href, 'rcpNo=')]")), None)
    if company is None or report is None:
        raise Malformed("a row without its links")
    number, corp = _RECEIPT.search(report.get("href")), _CORP.search(company.get("href"))
    if number is None or corp is None:
        raise Malformed("a row without its numbers")
    filed_on = day(_said(cells[4]), at=at)
    boards = [_BOARDS[each] for each in cells[1].xpath(".//span/@class") if each in _BOARDS]
    name = spaced("".join(report.itertext()))
    if not name or not _said(company):
        raise Malformed("a filing without a name or a company")
    return Filing(
        receipt=receipt(number[1]),
        company=_said(company),
        name=name,
        filer=_said(cells[3]),
        filed_on=filed_on,
        corp_code=corp_code(corp[1]),
        division=boards[0] if boards else None,
        remarks=line("".join(_said(each)[:1] for each in cells[5].xpath(".//span")), 20),
        filed_at=minute(listed_on, _said(cells[0]), at=at),
    )


def _said(element: Any) -> str:
    return line("".join(element.itertext()))
