"""`kill -9` while people are told, then a start: everything an undisturbed run tells, to nobody twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from core.alerts.condition import COOLDOWN, ConditionKind
from core.clock import ManualClock, kst
from core.embedded import Addresses, clone_database, drop_database
from core.services import Services, open_services
from core.settings import Settings
from jobs.registry import JOBS
from tests.acceptance.crash import crasher, spread
from tests.acceptance.world import difference, held
from tests.integration.alert_facts import (
    FRIDAY,
    HYNIX,
    SAMSUNG,
    TEN,
    add_people,
    add_stocks,
    article,
    filing,
    flow_days,
    price,
    report,
    run_sql,
    watch,
)

DISPATCH = JOBS["dispatch_alerts"]
AT = kst(FRIDAY, time(15, 40))
RUN: Any = {"slot": AT, "at": AT}
QUERIES = (
    "SELECT key, part, kind, facts, hook, chat_id, state, silent, not_before, expires_at, error FROM outbox"
    " ORDER BY chat_id, key",
    "SELECT * FROM alert_event ORDER BY key",
    "SELECT user_id, last_fired_at FROM alert_rule ORDER BY id",
    "SELECT job, slot, state, failed, error FROM job_run WHERE job = 'dispatch_alerts'",
    "SELECT job FROM job_lease",
)
KILLS = 4


async def happen(services: Services) -> None:
    """Something of every kind, about stocks that twenty people watch."""
    await add_stocks(services)
    await add_people(services, range(100, 120))
    for code in (SAMSUNG, HYNIX):
        await watch(services, code, range(100, 120), at=TEN)
    await run_sql(
        services,
        "INSERT INTO alert_rule (user_id, code, kind, threshold, cooldown_seconds, created_at)"
        " SELECT id, :code, :kind, 1000, :rest, :at FROM generate_series(100, 104) AS given (id)",
        code=SAMSUNG,
        kind=ConditionKind.PRICE_ABOVE,
        rest=int(COOLDOWN / timedelta(seconds=1)),
        at=TEN,
    )
    for code in (SAMSUNG, HYNIX):
        await price(services, code, 106_000, at=kst(FRIDAY, time(15, 30)))
        await report(services, code, at=AT - timedelta(minutes=5))
    for number in range(1, 4):
        await article(services, number, SAMSUNG, at=AT - timedelta(minutes=8))
    await filing(services, "20260220800001", "유상증자결정", at=AT - timedelta(minutes=3))
    await flow_days(services, SAMSUNG, [-1, 5, 5, 5, 5, 5], at=AT - timedelta(minutes=1))


@pytest.mark.timeout(300)
async def test_a_killed_telling_ends_as_an_undisturbed_one(
    servers: Addresses, database_url: str, test_settings: Callable[..., Settings]
) -> None:
    async with open_services(test_settings(), clock=ManualClock(AT)) as services:
        await happen(services)

    @asynccontextmanager
    async def fresh() -> AsyncIterator[Settings]:
        """Settings for a copy of that database."""
        name = f"copy_{uuid4().hex[:12]}"
        template = make_url(database_url).database
        assert template is not None
        url = await clone_database(servers.database_url, template, name)
        try:
            yield test_settings(database={"url": url})
        finally:
            await drop_database(servers.database_url, name)

    async with crasher() as crashes:
        async with fresh() as settings:
            whole = await crashes.run(DISPATCH, settings=settings, **RUN)
            assert whole.outcome == "succeeded"
            undisturbed = await held(settings, *QUERIES)
        kinds = {row[2] for row in undisturbed[0]}
        assert kinds == {"price_moved", "report_made", "story", "filing", "flow_unusual", "condition_met"}
        assert len(undisturbed[0]) > 100
        told = whole.after("INSERT INTO outbox")
        killed = 0
        for kill in {told, told + 1, *spread(whole.moments, KILLS)}:
            async with fresh() as settings:
                killed += await crashes.run_through(DISPATCH, settings=settings, kills=[kill], **RUN)
                wrong = difference(await held(settings, *QUERIES), undisturbed)
            assert not wrong, f"killed at {kill} of {whole.moments}:\n{wrong}"
        assert killed >= KILLS
