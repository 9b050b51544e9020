"""Reports: shown as they are, or made anew when the update policy says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import perf_counter
from uuid import uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Malformed, NotConfigured, StockPilotError, Unavailable, Unsupported
from core.market.service import get_quote
from core.news.service import stock_matcher
from core.prediction.fact import FactSheet
from core.prediction.facts import build_sheet
from core.prediction.forecast import Prediction
from core.prediction.service import predict
from core.reports import queries
from core.reports.compose import opinions, words_for
from core.reports.policy import Last, Standing, reason_to_update
from core.reports.queries import REPORT
from core.reports.report import Progress, Record, Report, SinceLast, Stage, UpdateReason, Verdict
from core.reports.verdict import confidence, lead, verdict
from core.reports.wording import CompaniesIn
from core.scoring import record as scoring
from core.services import Services
from core.stocks.stock import Stock

log = structlog.get_logger(__name__)

Begin = Callable[[], AbstractAsyncContextManager[AsyncConnection]]

_SHARED_FOR = timedelta(minutes=1)


async def newest_report(services: Services, code: str) -> Report | None:
    """The newest report about a stock, however old."""
    async with services.db.read() as conn:
        return await queries.newest(conn, code)


async def get_report(
    services: Services,
    stock: Stock,
    *,
    user_id: int | None = None,
    refresh: bool = False,
    progress: Progress | None = None,
) -> Report:
    """The newest report if the update policy is content with it, else a new one.

    `refresh` says that the user asked for a new one. Those who ask while a new one is made share it. When a new one
    cannot be made, the newest is shown with its age; raises what `make_report` raises when there is none.
    """
    last, standing = await _standing(services, stock, asked=refresh)
    reason = reason_to_update(_last(last), standing)
    if last is not None and reason is None:
        return last

    async def make() -> bytes:
        made = await make_report(
            services, stock, reason=reason or UpdateReason.FIRST, user_id=user_id, progress=progress
        )
        return REPORT.dump_json(made)

    replaced = last.id if last else 0
    try:
        made = await services.cache.shared(f"report:{stock.code}:after:{replaced}", _SHARED_FOR, make)
        return REPORT.validate_json(made)
    except StockPilotError as error:
        if last is None:
            raise
        log.warning("report_kept", code=stock.code, error=type(error).__name__)
        return last


async def make_report(
    services: Services,
    stock: Stock,
    *,
    reason: UpdateReason,
    user_id: int | None = None,
    progress: Progress | None = None,
    begin: Begin | None = None,
) -> Report:
    """Make, store and return a report as of now; the attempt is recorded whether it succeeds or not.

    Raises `Unavailable` when there is no price at all or no forecaster answered.
    """
    work = _Making(
        services=services,
        stock=stock,
        reason=reason,
        user_id=user_id,
        request_id=uuid4().hex,
        progress=progress or _silent,
        begin=begin or services.db.begin,
        began=perf_counter(),
    )
    try:
        return await work.make()
    except StockPilotError as error:
        await work.failed(error)
        raise


@dataclass(frozen=True, kw_only=True, slots=True)
class _Making:
    """One report being made."""

    services: Services
    stock: Stock
    reason: UpdateReason
    user_id: int | None
    request_id: str
    progress: Progress
    begin: Begin
    began: float

    async def make(self) -> Report:
        services = self.services
        await self.progress(Stage.PRICES)
        sheet = await build_sheet(services, self.stock, as_of=services.clock.now())
        await self.progress(Stage.MODELS)
        predictions = await predict(services, sheet, request_id=self.request_id, user_id=self.user_id, begin=self.begin)
        await self.progress(Stage.WRITING)
        matcher = await stock_matcher(services)

        def companies_in(text: str) -> list[str]:
            return [match.code for match in matcher.match(text)]

        report = await self._report(sheet, predictions, companies_in)
        async with self.begin() as conn:
            number = await queries.store(conn, report)
            await self._note(conn, report.phase, analysis_id=number, predictions=len(predictions))
        return replace(report, id=number)

    async def _report(self, sheet: FactSheet, predictions: list[Prediction], companies_in: CompaniesIn) -> Report:
        services, found = self.services, lead(predictions)
        if found is None:
            raise Unavailable("no forecaster answered")
        prediction, forecast = found
        words = await words_for(
            prediction,
            forecast,
            sheet,
            gateway=services.llm,
            companies_in=companies_in,
            request_id=self.request_id,
            user_id=self.user_id,
        )
        now = services.clock.now()
        async with services.db.begin() as conn:
            since_last = await _since_last(conn, sheet)
            here = await scoring.record_of(conn, prediction.model_key, code=self.stock.code)
            everywhere = await scoring.record_of(conn, prediction.model_key)
        return Report(
            id=None,
            stock=self.stock,
            made_at=now,
            as_of=sheet.as_of,
            phase=sheet.phase,
            reason=self.reason,
            verdict=Verdict(verdict(forecast)),
            confidence=confidence(forecast, sheet),
            lead_model=prediction.model_key,
            wording=words.wording,
            base_price=sheet.base_price,
            base_at=sheet.base_at,
            short_target=forecast.short_target,
            long_target=forecast.long_target,
            reasons=words.reasons,
            counter_case=words.counter_case,
            change_of_view=words.change_of_view,
            risks=words.risks,
            facts=sheet.facts,
            evidence=sheet.evidence,
            missing=sheet.missing,
            opinions=opinions(predictions, sheet, companies_in, refused=words.refused),
            since_last=since_last,
            record_here=_record(here),
            record_everywhere=_record(everywhere),
            input_hash=sheet.input_hash,
        )

    async def failed(self, error: StockPilotError) -> None:
        """Record an attempt that came to nothing."""
        phase = self.services.calendar.phase(self.services.clock.now())
        try:
            async with self.begin() as conn:
                await self._note(conn, phase, failure=f"{type(error).__name__}: {error}"[:300])
        except StockPilotError as second:
            log.warning("update_not_recorded", code=self.stock.code, error=type(second).__name__)

    async def _note(
        self,
        conn: AsyncConnection,
        phase: str,
        *,
        analysis_id: int | None = None,
        predictions: int = 0,
        failure: str | None = None,
    ) -> None:
        calls, cost = await queries.calls_of(conn, self.request_id)
        await queries.note_update(
            conn,
            code=self.stock.code,
            at=self.services.clock.now(),
            reason=self.reason,
            phase=phase,
            succeeded=failure is None,
            failure=failure,
            analysis_id=analysis_id,
            predictions=predictions,
            llm_calls=calls,
            cost_usd=cost,
            seconds=perf_counter() - self.began,
        )
        log.info(
            "[LLM_COST]",
            code=self.stock.code,
            phase=phase,
            reason=self.reason,
            predictions=predictions,
            calls=calls,
            cost_usd=float(cost),
        )


def _record(found: scoring.Record) -> Record:
    """The record as a report shows it: no rate before enough independent cases, no interval for a single stock."""
    judged = found.effective_n >= scoring.LEAST_EFFECTIVE_N
    low, high = found.interval or (None, None)
    return Record(
        calls=found.calls,
        hits=found.hits,
        days=found.days,
        hit_rate=found.hit_rate if judged else None,
        low=low,
        high=high,
    )


async def _since_last(conn: AsyncConnection, sheet: FactSheet) -> SinceLast | None:
    last = await queries.newest(conn, sheet.stock.code)
    if last is None:
        return None
    return SinceLast(
        made_at=last.made_at,
        verdict=last.verdict,
        confidence=last.confidence,
        base_price=last.base_price,
        price_change_percent=round((sheet.base_price / last.base_price - 1) * 100, 2),
        new_articles=await queries.new_articles(conn, sheet.stock.code, since=last.as_of, until=sheet.as_of),
    )


async def _standing(services: Services, stock: Stock, *, asked: bool) -> tuple[Report | None, Standing]:
    """The newest report, and what the update policy looks at."""
    now = services.clock.now()
    price, (last, since) = await asyncio.gather(_price(services, stock), _newest_and_since(services, stock.code, now))
    return last, Standing(
        now=now,
        phase=services.calendar.phase(now),
        price=price,
        new_articles=since.articles,
        new_predictions=since.predictions,
        new_disclosures=since.disclosures,
        asked=asked,
    )


async def _price(services: Services, stock: Stock) -> int | None:
    try:
        return (await get_quote(services, stock)).price
    except (NotConfigured, Unavailable, Malformed, Unsupported) as error:
        log.info("price_unknown", code=stock.code, error=type(error).__name__)
        return None


async def _newest_and_since(services: Services, code: str, now: datetime) -> tuple[Report | None, queries.Since]:
    async with services.db.read() as conn:
        return await queries.newest_and_since(conn, code, until=now) or (None, queries.Since())


def _last(report: Report | None) -> Last | None:
    return None if report is None else Last(made_at=report.made_at, base_price=report.base_price)


async def _silent(_stage: Stage) -> None:
    """Nobody watches."""
