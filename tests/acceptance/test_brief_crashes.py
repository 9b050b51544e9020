"""`kill -9` in the middle of the briefs, then a start: everybody is told what they would have been, nobody twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from sqlalchemy import text

from core.db import Database
from core.embedded import Addresses
from core.settings import Settings
from jobs.briefs import BATCH
from jobs.registry import JOBS
from tests.acceptance.crash import crasher, spread
from tests.acceptance.world import difference, held, staged
from tests.conftest import NOW

PEOPLE: Final = 2 * BATCH + 1
SPREAD: Final = 3
RUN: Any = {"slot": NOW, "at": NOW}
QUERIES = (
    "SELECT key, chat_id, state, md5(facts::text) FROM outbox ORDER BY chat_id, id",
    "SELECT slot, state, done, failed, total, checkpoint::text, error FROM job_run WHERE job = 'send_briefs'",
    "SELECT job FROM job_lease",
)


@pytest.mark.timeout(120)
async def test_killed_briefs_end_as_undisturbed_ones(
    servers: Addresses, database_url: str, test_settings: Callable[..., Settings]
) -> None:
    async with staged(servers, database_url, test_settings) as stage, crasher() as crashes:
        await _many_watch(database_url)
        async with stage.fresh() as settings:
            whole = await crashes.run(JOBS["send_briefs"], settings=settings, **RUN)
            undisturbed = await held(settings, *QUERIES)
        assert whole.outcome == "succeeded"
        assert len(undisturbed[0]) == PEOPLE + 1  # and the member of the stage
        written = whole.after("INSERT INTO outbox")
        killed = 0
        for kill in {*range(written, written + 3), *spread(whole.moments, SPREAD)}:
            async with stage.fresh() as settings:
                killed += await crashes.run_through(JOBS["send_briefs"], settings=settings, kills=[kill], **RUN)
                wrong = difference(await held(settings, *QUERIES), undisturbed)
            assert not wrong, f"killed at {kill} of {whole.moments}:\n{wrong}"
        assert killed >= SPREAD


async def _many_watch(url: str) -> None:
    """Let so many people watch a stock that their letters are written in several transactions."""
    database = Database(url, pool_size=1)
    async with database.begin() as conn:
        await conn.execute(
            text(
                "INSERT INTO \"user\" (id, name, role, joined_at, seen_at) SELECT n, 'n', 'member', now(), now() "
                "FROM generate_series(1001, 1000 + :people) AS n"
            ),
            {"people": PEOPLE},
        )
        await conn.execute(
            text(
                "INSERT INTO watch_item (user_id, code, added_at) "
                "SELECT id, '005930', now() FROM \"user\" WHERE id > 1000"
            )
        )
        await conn.execute(
            text(
                "INSERT INTO quote (code, price, change, change_percent, volume, value, source, at) "
                "VALUES ('005930', 71200, 1200, 1.71, 1, 1, 'KIS', :at)"
            ),
            {"at": NOW},
        )
    await database.close()
