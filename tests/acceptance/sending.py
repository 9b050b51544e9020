"""A job that sends the outbox, for tests that kill it."""

from __future__ import annotations

from datetime import timedelta

from bot.hooks import open_hooks
from core.delivery.sender import drain
from core.runs.run import Run
from core.services import Services
from jobs.spec import CatchUp, JobSpec

TOKEN = "1000000001:token-of-the-simulated-telegram-aaaaaaa"


async def send(services: Services, _run: Run) -> None:
    """Send all there is."""
    async with open_hooks(services, token=TOKEN) as hooks:
        await drain(services, hooks=hooks)


SEND = JobSpec(
    name="send",
    summary="발송",
    schedule="*/10 * * * *",
    run=send,
    timeout=timedelta(seconds=60),
    catch_up=CatchUp.LATEST,
)
