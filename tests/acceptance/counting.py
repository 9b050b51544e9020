"""A job whose every step would show if it were done twice or not at all."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from core.runs.run import Run
from core.services import Services
from jobs.spec import CatchUp, JobSpec

STEPS = 6


async def count(services: Services, run: Run) -> None:
    """Add one row and one to a sum for each step, in one transaction with the checkpoint."""
    for step in range(run.checkpoint.get("step", 0) + 1, STEPS + 1):
        async with run.begin(checkpoint={"step": step}, done=1) as conn:
            await conn.execute(
                text(
                    "INSERT INTO quarantine (source, reason, raw, seen_at)"
                    " SELECT 'count', CAST(:step AS text), CAST(count(*) AS text), now() FROM quarantine"
                ),
                {"step": str(step)},
            )
            await conn.execute(text("UPDATE chat SET id = id + :step"), {"step": step})


COUNT = JobSpec(
    name="count",
    summary="세기",
    schedule="*/10 * * * *",
    run=count,
    timeout=timedelta(minutes=1),
    catch_up=CatchUp.LATEST,
)
