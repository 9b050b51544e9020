"""Jobs for tests."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from core.runs.alerts import RunFailed, RunRecovered
from core.runs.run import Run
from core.services import Services
from jobs.spec import CatchUp, JobSpec


async def nothing(_services: Services, _run: Run) -> None:
    """A job that has nothing to do."""


async def forever(_services: Services, _run: Run) -> None:
    """A job that never ends by itself."""
    await asyncio.Event().wait()


def make_spec(**values: Any) -> JobSpec:
    """A job every ten minutes that does nothing; any field may be given."""
    defaults: dict[str, Any] = {
        "name": "tidy",
        "summary": "정리",
        "schedule": "*/10 * * * *",
        "run": nothing,
        "timeout": timedelta(seconds=20),
        "catch_up": CatchUp.LATEST,
    }
    return JobSpec(**defaults | values)


class Told:
    """A hook that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[RunFailed | RunRecovered] = []

    async def failed(self, _conn: AsyncConnection, event: RunFailed) -> None:
        """Keep it."""
        self.events.append(event)

    async def recovered(self, _conn: AsyncConnection, event: RunRecovered) -> None:
        """Keep it."""
        self.events.append(event)
