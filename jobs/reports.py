"""Jobs over reports."""

from __future__ import annotations

from core.reports.report import UpdateReason
from core.reports.service import make_report
from core.runs.run import Run
from core.services import Services
from core.stocks.stock import Stock
from jobs.stocks import Begin, each_followed


async def generate_reports(services: Services, run: Run) -> None:
    """A new report of every followed stock."""

    async def report(stock: Stock, begin: Begin) -> None:
        await make_report(services, stock, reason=UpdateReason.SCHEDULED, begin=begin)

    await each_followed(services, run, report)
