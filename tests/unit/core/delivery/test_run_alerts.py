"""A failed run and its alert are one fact: both are written or neither is."""

from __future__ import annotations

from datetime import timedelta

from core.delivery.run_alerts import AdminAlerts
from core.errors import Unavailable
from core.runs.run import Run
from core.services import Services
from jobs.run import run_job
from tests.conftest import NOW, OpenServices
from tests.unit.core.delivery.outbox import rows
from tests.unit.jobs.specs import make_spec

FIRST = {"job": "tidy", "slot": NOW.isoformat(), "state": "failed", "error": "Unavailable: down"}
RECOVERED = {"job": "tidy", "slot": (NOW + timedelta(minutes=20)).isoformat(), "failures": 2}


async def fail(_services: Services, _run: Run) -> None:
    """Fail."""
    raise Unavailable("down")


async def test_the_first_failure_and_the_recovery_are_told_to_every_admin(open_test_services: OpenServices) -> None:
    async with open_test_services(telegram={"admin_ids": (7, 8)}) as services:
        alerts = AdminAlerts(services)
        for minutes, work in ((0, {"run": fail}), (10, {"run": fail}), (20, {}), (30, {})):
            slot = NOW + timedelta(minutes=minutes)
            await run_job(services, make_spec(**work), slot, owner="a", alerts=alerts)
        told = await rows(services.db, "hook, chat_id, kind, facts")
    assert told == [
        ("log", None, "job_failed", FIRST),
        ("telegram", 7, "job_failed", FIRST),
        ("telegram", 8, "job_failed", FIRST),
        ("log", None, "job_recovered", RECOVERED),
        ("telegram", 7, "job_recovered", RECOVERED),
        ("telegram", 8, "job_recovered", RECOVERED),
    ]
