"""Jobs over reports."""

from __future__ import annotations

from datetime import time
from typing import Final

from core.reports.report import UpdateReason
from core.reports.service import make_report, newest_report
from core.runs.run import Run
from core.services import Services
from core.stocks.stock import Stock
from jobs.stocks import each_followed

TIMES: Final = (time(10), time(13), time(15, 45))
"""When reports are due on a session: after the opening, at midday, after the close."""


async def generate_reports(services: Services, run: Run) -> None:
    """A new report of every followed stock."""

    async def report(stock: Stock) -> None:
        newest = await newest_report(services, stock.code)
        made = newest is not None and newest.reason is UpdateReason.SCHEDULED and newest.made_at >= run.slot
        if not made:
            await make_report(services, stock, reason=UpdateReason.SCHEDULED, begin=run.begin)

    await each_followed(services, run, report)
