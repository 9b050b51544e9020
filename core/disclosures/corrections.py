"""Which filing a correction corrects. DART does not say: company, name, period and filer tell; several may fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from core.disclosures.filing import Disclosure
from core.disclosures.naming import parse_name

REACH: Final = 3 * 366
"""Days after which nothing of the same name is taken for the original: a report on a period is corrected for years."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tie:
    """The filing that another corrects. Not `sure` where several could be it: then it is the likeliest."""

    original: Disclosure
    sure: bool


def original_of(correction: Disclosure, candidates: Iterable[Disclosure]) -> Tie | None:
    """The original of a correction among `candidates`; None where none fits or it corrects nothing.

    It fits when the company, the name, the period and the filer are the same, it came before, and it is no correction
    itself. Of several, those with the same free text go first, then those that DART marks as corrected, then the
    newest.
    """
    if not correction.correction:
        return None
    name = parse_name(correction.name)
    fits = [each for each in candidates if _fits(each, correction)]
    if not fits:
        return None
    alike = [each for each in fits if name.remark and parse_name(each.name).remark == name.remark]
    marked = [each for each in alike or fits if each.corrected]
    chosen = max(marked or alike or fits, key=_order)
    return Tie(original=chosen, sure=len(fits) == 1 or len(alike) == 1 or (not alike and len(marked) == 1))


def newest_correction(original: Disclosure, others: Sequence[Disclosure]) -> Disclosure | None:
    """The newest correction of a filing among `others`, where it is surely one of it."""
    if original.correction:
        return None
    pool = [each for each in others if not each.correction] or [original]
    ties = ((each, original_of(each, pool)) for each in others)
    found = [each for each, tie in ties if tie is not None and tie.sure and tie.original.id == original.id]
    return max(found, key=_order, default=None)


def _fits(original: Disclosure, correction: Disclosure) -> bool:
    return (
        not original.correction
        and original.id != correction.id
        and (original.company, original.filer) == (correction.company, correction.filer)
        and parse_name(original.name).subject == parse_name(correction.name).subject
        and 0 <= (correction.filed_on - original.filed_on).days <= REACH
        and _order(original) < _order(correction)
    )


def _order(filing: Disclosure) -> tuple[date, datetime, str]:
    return filing.filed_on, filing.moment, filing.receipt
