"""OpenDART's JSON: a status in every reply, the list of filings, the card of a company."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from core.disclosures.filing import Company, Filing, Listed, Rejected
from core.disclosures.parsers.text import corp_code, day, decoded, division, line, receipt, spaced, stock_code
from core.errors import Malformed

VERSION: Final = 1

OK, NO_DATA = "000", "013"
_MOST_ROWS: Final = 1_000
_LONGEST_RAW: Final = 1_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: HTTP says 200 whatever happened, the status tells."""

    status: str
    message: str
    body: Mapping[str, Any]


def parse_reply(body: bytes) -> Reply:
    """The status and the object of a reply; raises `Malformed` if it is none."""
    text = decoded(body)
    if text.lstrip()[:1] == "<":
        raise Malformed("a web page in place of an answer")
    try:
        found = orjson.loads(text.strip())
    except (orjson.JSONDecodeError, ValueError):
        raise Malformed("not JSON") from None
    status = found.get("status") if isinstance(found, dict) else None
    if not isinstance(status, str) or len(status) != 3 or not status.isascii() or not status.isdigit():
        raise Malformed("an answer without a status")
    return Reply(status, line(found.get("message"), 200), found)


def parse_list(reply: Reply, *, at: datetime) -> Listed:
    """A page of list.json fetched at `at`. No data is an empty page.

    A row that cannot be used is rejected with its reason; raises `Malformed` if none can.
    """
    if reply.status == NO_DATA:
        return Listed(filings=())
    rows = reply.body.get("list")
    if isinstance(rows, dict):  # a single row comes without its list now and then
        rows = [rows]
    if not isinstance(rows, list):
        raise Malformed("a list without rows")
    filings: dict[str, Filing] = {}
    rejected: list[Rejected] = []
    for row in rows[:_MOST_ROWS]:
        try:
            filing = _filing(row, at=at)
        except Malformed as error:
            rejected.append(Rejected(reason=str(error), raw=_raw(row)))
        else:
            filings.setdefault(filing.receipt, filing)
    if rejected and not filings:
        raise Malformed(f"no usable row of {len(rows)}: {rejected[0].reason}")
    return Listed(
        filings=tuple(filings.values()),
        rejected=tuple(rejected),
        total=_count(reply.body.get("total_count")),
        pages=_count(reply.body.get("total_page")),
    )


def parse_company(reply: Reply, *, at: datetime) -> Company:
    """The card of company.json fetched at `at`; raises `Malformed`."""
    body = reply.body
    name = line(body.get("corp_name"))
    if not name:
        raise Malformed("a company without a name")
    founded = body.get("est_dt")
    month = line(body.get("acc_mt"))
    return Company(
        corp_code=corp_code(body.get("corp_code")),
        name=name,
        english_name=line(body.get("corp_name_eng")),
        stock_name=line(body.get("stock_name")),
        code=stock_code(body.get("stock_code")),
        division=division(body.get("corp_cls")),
        chief=line(body.get("ceo_nm")),
        # Companies older than this century are many, and the day rule is for filings.
        founded_on=_founded(founded, at=at),
        closing_month=int(month) if month.isascii() and month.isdigit() and 1 <= int(month) <= 12 else None,
    )


def _filing(row: object, *, at: datetime) -> Filing:
    if not isinstance(row, dict):
        raise Malformed("a row that is no object")
    name, company = spaced(row.get("report_nm")), line(row.get("corp_name"))
    if not name or not company:
        raise Malformed("a filing without a name or a company")
    return Filing(
        receipt=receipt(row.get("rcept_no")),
        company=company,
        name=name,
        filer=line(row.get("flr_nm")),
        filed_on=day(row.get("rcept_dt"), at=at),
        corp_code=corp_code(row.get("corp_code")),
        code=stock_code(row.get("stock_code")),
        division=division(row.get("corp_cls")),
        remarks=line(row.get("rm"), 20),
    )


def _raw(row: object) -> str:
    """The beginning of a row, for a person to read."""
    try:
        return orjson.dumps(row)[:_LONGEST_RAW].decode(errors="replace")
    except orjson.JSONEncodeError:  # nested deeper than it writes, though it has read it
        return "a deeply nested row"


def _count(value: object) -> int:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value.strip()[:9])
    return value if isinstance(value, int) and 0 <= value < 1_000_000_000 else 0


def _founded(value: object, *, at: datetime) -> Any:
    text = value.strip() if isinstance(value, str) else ""
    if len(text) != 8 or not text.isascii() or not text.isdigit():
        return None
    try:
        founded = datetime(int(text[:4]), int(text[4:6]), int(text[6:]), tzinfo=at.tzinfo).date()
    except ValueError:
        return None
    return founded if founded <= at.date() else None
