"""SQL of disclosures. What is read is read as of a moment; every write may be repeated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db import copy_upsert
from core.disclosures.corrections import Tie, newest_correction, original_of
from core.disclosures.filing import Corp, Disclosure, Division, Filing, Weight
from core.disclosures.kinds import RULES_VERSION, judged
from core.disclosures.models import CorpCodeRow
from core.disclosures.naming import parse_name

_COLUMNS: Final = (
    "d.id, d.receipt, d.company, d.code, d.name, d.filer, d.remarks, d.filed_on, d.filed_at, d.first_seen_at, d.kind, "
    "d.weight, d.correction"
)
_KNOWN: Final = "d.first_seen_at <= :as_of"
_OF_STOCKS: Final = "d.code = ANY(:codes) AND d.linked_at <= :as_of"
_NEWEST_FIRST: Final = "d.filed_on DESC, coalesce(d.filed_at, d.first_seen_at) DESC, d.receipt DESC"
_BOARDS: Final = {Division.KOSPI: "KOSPI", Division.KOSDAQ: "KOSDAQ", Division.KONEX: "KONEX"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ties:
    """What a filing is tied to: the one it corrects, and the newest one that corrects it."""

    corrects: Tie | None = None
    corrected_by: Disclosure | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """How far the list of a board was read whole."""

    day: date
    at: datetime


def issuer_codes(code: str) -> list[str]:
    """The stocks whose company files for this one: its own, and the common share of a preferred one."""
    return list(dict.fromkeys((code, f"{code[:5]}0")))


_STORE: Final = text(
    """
    INSERT INTO disclosure AS d (receipt, corp_code, company, code, linked_at, division, name, subject, correction,
        filer, remarks, filed_on, filed_at, first_seen_at, kind, weight, rules)
    SELECT receipt, corp_code, company, code, CASE WHEN code IS NOT NULL THEN CAST(:at AS timestamptz) END, division,
        name, subject, correction, filer, remarks, filed_on, filed_at, CAST(:at AS timestamptz), kind, weight, :rules
    FROM unnest(CAST(:receipts AS text[]), CAST(:corp_codes AS text[]), CAST(:companies AS text[]),
        CAST(:codes AS text[]), CAST(:divisions AS text[]), CAST(:names AS text[]), CAST(:subjects AS text[]),
        CAST(:corrections AS boolean[]), CAST(:filers AS text[]), CAST(:remarks AS text[]), CAST(:filed_ons AS date[]),
        CAST(:filed_ats AS timestamptz[]), CAST(:kinds AS text[]), CAST(:weights AS text[]))
        AS i(receipt, corp_code, company, code, division, name, subject, correction, filer, remarks, filed_on, filed_at,
            kind, weight)
    ORDER BY receipt
    ON CONFLICT (receipt) DO UPDATE SET
        corp_code = coalesce(excluded.corp_code, d.corp_code),
        code = coalesce(excluded.code, d.code),
        linked_at = coalesce(d.linked_at, excluded.linked_at),
        division = coalesce(excluded.division, d.division),
        filer = CASE WHEN excluded.filer = '' THEN d.filer ELSE excluded.filer END,
        remarks = CASE WHEN excluded.remarks = '' THEN d.remarks ELSE excluded.remarks END,
        filed_on = CASE WHEN excluded.corp_code IS NULL THEN d.filed_on ELSE excluded.filed_on END,
        filed_at = coalesce(d.filed_at, excluded.filed_at)
    WHERE (d.corp_code IS NULL AND excluded.corp_code IS NOT NULL) OR (d.code IS NULL AND excluded.code IS NOT NULL)
        OR (d.filed_at IS NULL AND excluded.filed_at IS NOT NULL)
        OR (excluded.remarks <> '' AND excluded.remarks <> d.remarks) OR (d.filer = '' AND excluded.filer <> '')
    RETURNING (xmax = 0) AS new
    """
)


async def store_filings(conn: AsyncConnection, filings: Sequence[Filing], *, at: datetime) -> int:
    """Write filings seen at `at`; returns how many were new. What is known already is completed, never contradicted."""
    linked = list({filing.receipt: filing for filing in await link(conn, filings)}.values())
    if not linked:
        return 0
    names = [parse_name(filing.name) for filing in linked]
    judgements = [judged(filing.name) for filing in linked]
    values: dict[str, Any] = {
        "receipts": [filing.receipt for filing in linked],
        "corp_codes": [filing.corp_code for filing in linked],
        "companies": [filing.company for filing in linked],
        "codes": [filing.code for filing in linked],
        "divisions": [filing.division for filing in linked],
        "names": [filing.name for filing in linked],
        "subjects": [name.subject for name in names],
        "corrections": [name.correction for name in names],
        "filers": [filing.filer for filing in linked],
        "remarks": [filing.remarks for filing in linked],
        "filed_ons": [filing.filed_on for filing in linked],
        "filed_ats": [filing.filed_at for filing in linked],
        "kinds": [judgement.kind for judgement in judgements],
        "weights": [judgement.weight for judgement in judgements],
    }
    rows = await conn.execute(_STORE, values | {"at": at, "rules": RULES_VERSION})
    return sum(row.new for row in rows)


async def link(conn: AsyncConnection, filings: Iterable[Filing]) -> list[Filing]:
    """The filings with the stock of their company, found by its number or, on its board, by its name alone."""
    given = list(filings)
    open_ones = [filing for filing in given if filing.code is None and filing.division in _BOARDS]
    if not open_ones:
        return given
    by_number = await conn.execute(
        text(
            "SELECT c.corp_code, c.code FROM corp_code c JOIN stock s ON s.code = c.code "
            "WHERE s.active AND c.corp_code = ANY(:numbers)"
        ),
        {"numbers": [filing.corp_code for filing in open_ones if filing.corp_code]},
    )
    numbers = {row.corp_code: row.code for row in by_number}
    by_name = await conn.execute(
        text(
            "SELECT n.name, s.code, s.market FROM stock s JOIN ("
            "SELECT code, name FROM stock UNION SELECT code, name FROM corp_code "
            "UNION SELECT code, alias FROM stock_alias WHERE kind <> 'nickname') n ON n.code = s.code "
            "WHERE s.active AND n.name = ANY(:names)"
        ),
        {"names": [filing.company for filing in open_ones]},
    )
    names: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for row in by_name:
        names[row.name, row.market].add(row.code)

    def linked(filing: Filing) -> Filing:
        if filing.code is not None or filing.division not in _BOARDS:
            return filing
        found = names.get((filing.company, _BOARDS[filing.division]), set())
        code = numbers.get(filing.corp_code or "") or (next(iter(found)) if len(found) == 1 else None)
        return replace(filing, code=code)

    return [linked(filing) for filing in given]


async def store_corps(conn: AsyncConnection, corps: Iterable[Corp]) -> int:
    """Write the numbers of companies; returns how many were new or changed."""
    columns = ("corp_code", "name", "english_name", "code", "modified_on")
    rows = [[getattr(corp, column) for column in columns] for corp in corps]
    return await copy_upsert(conn, CorpCodeRow, columns, rows, key=("corp_code",))


async def judge_again(conn: AsyncConnection, *, limit: int = 2_000) -> int:
    """Judge filings anew that an older table of kinds judged; returns how many."""
    query = text("SELECT id, name FROM disclosure WHERE rules <> :rules ORDER BY id DESC LIMIT :limit")
    rows = (await conn.execute(query, {"rules": RULES_VERSION, "limit": limit})).all()
    judgements = [judged(row.name) for row in rows]
    if rows:
        await conn.execute(
            text(
                "UPDATE disclosure d SET kind = i.kind, weight = i.weight, subject = i.subject, "
                "correction = i.correction, rules = :rules FROM unnest(CAST(:ids AS bigint[]), CAST(:kinds AS text[]), "
                "CAST(:weights AS text[]), CAST(:subjects AS text[]), CAST(:corrections AS boolean[])) "
                "AS i(id, kind, weight, subject, correction) WHERE d.id = i.id"
            ),
            {
                "rules": RULES_VERSION,
                "ids": [row.id for row in rows],
                "kinds": [each.kind for each in judgements],
                "weights": [each.weight for each in judgements],
                "subjects": [parse_name(row.name).subject for row in rows],
                "corrections": [parse_name(row.name).correction for row in rows],
            },
        )
    return len(rows)


async def sweeps(conn: AsyncConnection) -> dict[str, Sweep]:
    """How far each board was read whole."""
    rows = await conn.execute(text("SELECT division, day, at FROM disclosure_sweep"))
    return {row.division: Sweep(day=row.day, at=row.at) for row in rows}


async def note_sweep(conn: AsyncConnection, division: Division, sweep: Sweep) -> None:
    """Note that a board was read whole. Never goes back."""
    query = text(
        "INSERT INTO disclosure_sweep AS s (division, day, at) VALUES (:division, :day, :at) ON CONFLICT (division) "
        "DO UPDATE SET day = greatest(s.day, excluded.day), at = greatest(s.at, excluded.at)"
    )
    await conn.execute(query, {"division": division, "day": sweep.day, "at": sweep.at})


async def numbered_on(conn: AsyncConnection, day: date) -> int:
    """How many filings of a day are known with the number of their company, as the list gives them."""
    query = text("SELECT count(*) FROM disclosure WHERE filed_on = :day AND corp_code IS NOT NULL")
    return int((await conn.execute(query, {"day": day})).scalar_one())


async def without_minute(conn: AsyncConnection, *, since: date, limit: int) -> list[str]:
    """Numbers of followed companies with filings since a day whose minute is not known."""
    query = text(
        "SELECT d.corp_code FROM disclosure d JOIN stock s ON s.code = d.code "
        "WHERE d.filed_on >= :since AND d.filed_at IS NULL AND d.corp_code IS NOT NULL "
        "AND (s.priority > 0 OR EXISTS (SELECT FROM watch_item w WHERE w.code = d.code)) "
        "GROUP BY d.corp_code ORDER BY max(d.first_seen_at) DESC, d.corp_code LIMIT :limit"
    )
    return list((await conn.execute(query, {"since": since, "limit": limit})).scalars())


async def get_disclosure(conn: AsyncConnection, number: int, *, as_of: datetime) -> Disclosure | None:
    """The filing of that number of ours, if it was known at `as_of`."""
    query = text(f"SELECT {_COLUMNS} FROM disclosure d WHERE d.id = :id AND {_KNOWN}")
    row = (await conn.execute(query, {"id": number, "as_of": as_of})).one_or_none()
    return _disclosure(row) if row else None


async def latest_disclosures(
    conn: AsyncConnection,
    *,
    codes: Collection[str],
    as_of: datetime,
    limit: int,
    offset: int = 0,
    weight: Weight | None = None,
    since: date | None = None,
) -> list[Disclosure]:
    """The filings of companies known at `as_of`, the newest first: all, or those of a weight, or since a day."""
    weighing = "AND d.weight = :weight" if weight else ""
    newer = "AND d.filed_on >= :since" if since else ""
    query = text(
        f"SELECT {_COLUMNS} FROM disclosure d WHERE {_OF_STOCKS} AND {_KNOWN} {weighing} {newer} "
        f"ORDER BY {_NEWEST_FIRST} LIMIT :limit OFFSET :offset"
    )
    optional = {"weight": weight} if weight else {}
    optional |= {"since": since} if since else {}  # type: ignore[dict-item]
    values = {"codes": list(codes), "as_of": as_of, "limit": limit, "offset": offset}
    return [_disclosure(row) for row in await conn.execute(query, values | optional)]


async def market_disclosures(
    conn: AsyncConnection, *, as_of: datetime, since: date, limit: int, offset: int = 0
) -> list[Disclosure]:
    """The filings of listed companies since a day, known at `as_of`: the material ones first, then the newest."""
    query = text(
        f"SELECT {_COLUMNS} FROM disclosure d WHERE d.code IS NOT NULL AND d.linked_at <= :as_of AND {_KNOWN} "
        f"AND d.filed_on >= :since ORDER BY (d.weight = 'material') DESC, {_NEWEST_FIRST} LIMIT :limit OFFSET :offset"
    )
    values = {"as_of": as_of, "since": since, "limit": limit, "offset": offset}
    return [_disclosure(row) for row in await conn.execute(query, values)]


async def known_within(conn: AsyncConnection, span: timedelta, *, as_of: datetime) -> bool:
    """Whether any filing of anybody was first seen in that span before `as_of`: whether anybody was looking."""
    query = text(
        "SELECT EXISTS (SELECT FROM disclosure d WHERE d.first_seen_at > :since AND d.first_seen_at <= :as_of)"
    )
    return bool((await conn.execute(query, {"since": as_of - span, "as_of": as_of})).scalar_one())


async def ties_of(conn: AsyncConnection, filings: Sequence[Disclosure], *, as_of: datetime) -> Mapping[int, Ties]:
    """What each filing is tied to, by its number, as far as was known at `as_of`."""
    subjects = {parse_name(each.name).subject for each in filings if each.correction or each.corrected}
    if not subjects:
        return {each.id: Ties() for each in filings}
    query = text(
        f"SELECT {_COLUMNS} FROM disclosure d "
        f"WHERE d.subject = ANY(:subjects) AND d.company = ANY(:companies) AND {_KNOWN}"
    )
    companies = list({each.company for each in filings})
    rows = await conn.execute(query, {"subjects": list(subjects), "companies": companies, "as_of": as_of})
    groups: defaultdict[tuple[str, str], list[Disclosure]] = defaultdict(list)
    for found in map(_disclosure, rows):
        groups[found.company, parse_name(found.name).subject].append(found)
    found_ties = {}
    for each in filings:
        group = groups.get((each.company, parse_name(each.name).subject), [])
        found_ties[each.id] = Ties(
            corrects=original_of(each, group),
            corrected_by=newest_correction(each, group) if each.corrected else None,
        )
    return found_ties


def _disclosure(row: Row[Any]) -> Disclosure:
    values = dict(row._mapping)
    return Disclosure(**values | {"weight": Weight(row.weight)})
