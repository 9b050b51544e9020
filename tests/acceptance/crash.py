"""Kill a real process (or freeze it) at a chosen moment of a job, then start again and compare the end states.

A moment is a statement or a commit that the process is about to send to PostgreSQL; between any two of them lies
everything else it does, so killing at each one covers every state a crash can leave behind there.

`python -m tests.acceptance.crash` is the other side: it imports once, then forks a process for every request.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import psutil
from sqlalchemy import event, text

from core.clock import Calendar, ManualClock
from core.db import Database
from core.errors import Conflict
from core.services import open_services
from core.settings import Settings
from jobs.run import run_job
from jobs.spec import JobSpec

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One process: the job it runs for a slot by a clock that stands at `at`, and what it does to itself when.

    `kill_at` is the number of a moment, or seconds after the start of the job if it is a float.
    """

    job: JobSpec
    slot: datetime
    at: datetime
    settings: Settings
    kill_at: float | None
    signal: signal.Signals


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How a process ended: by the kill or by itself, and how its run ended.

    `trail` names the moments it lived through, each by the first words of the statement or `COMMIT`; it is empty
    for one that was killed.
    """

    killed: bool
    trail: tuple[str, ...]
    outcome: str

    @property
    def moments(self) -> int:
        """How many moments there were."""
        return len(self.trail)

    def after(self, statement: str) -> int:
        """The number of the moment that follows the first one that begins with `statement`."""
        return 2 + next(place for place, name in enumerate(self.trail) if name.startswith(statement))


class Crasher:
    """Starts processes that may be killed. The job must be a module-level value whose function is importable."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def run(
        self,
        job: JobSpec,
        *,
        settings: Settings,
        slot: datetime,
        at: datetime,
        kill_at: float | None = None,
        by: signal.Signals = signal.SIGKILL,
    ) -> Ending:
        """Run the job in a process of its own and wait for its end. `settings` must name a running database.

        It dies at the moment of the number `kill_at`, or that many seconds into the job if it is a float. With
        `by=SIGSTOP` it freezes at its moment and ends only after it was resumed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        attempt = Attempt(job=job, slot=slot, at=at, settings=settings, kill_at=kill_at, signal=by)
        self._process.stdin.write(pickle.dumps(attempt))
        await self._process.stdin.drain()
        said = json.loads(await self._process.stdout.readline())
        assert "broken" not in said, said["broken"]
        return Ending(killed=said["killed"], trail=tuple(said["trail"]), outcome=said["outcome"])

    async def frozen(self) -> psutil.Process:
        """The process started last, once it has frozen itself."""
        parent = psutil.Process(self._process.pid)
        while True:
            for child in parent.children():
                if child.status() == psutil.STATUS_STOPPED:
                    return child
            await asyncio.sleep(0.02)

    async def run_through(
        self, job: JobSpec, *, settings: Settings, slot: datetime, at: datetime, kills: Iterable[float]
    ) -> int:
        """Run the job to its end over a series of processes, the first ones killed at these moments of their lives.

        Returns how many were killed. After each kill the dead process's lease is let run out.
        """
        killed = 0
        for kill_at in kills:
            ending = await self.run(job, settings=settings, slot=slot, at=at, kill_at=kill_at)
            if not ending.killed:
                return killed
            killed += 1
            await expire_leases(settings)
        ending = await self.run(job, settings=settings, slot=slot, at=at)
        assert ending.outcome in {"succeeded", "Conflict"}, ending
        return killed


@asynccontextmanager
async def crasher() -> AsyncIterator[Crasher]:
    """A parent of processes to kill; it is cheap to start another one from."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", __name__),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Crasher(process)
    finally:
        assert process.stdin is not None
        for child in psutil.Process(process.pid).children():
            child.kill()
        process.stdin.close()
        await process.wait()


async def expire_leases(settings: Settings) -> None:
    """Let the leases of dead processes run out, as time would."""
    assert settings.database.url is not None
    db = Database(settings.database.url.get_secret_value(), pool_size=1)
    async with db.begin() as conn:
        await conn.execute(text("UPDATE job_lease SET lease_until = now() - INTERVAL '1s'"))
    await db.close()


def spread(moments: int, count: int) -> list[int]:
    """`count` moments of 1 to `moments`, evenly spread, both ends included; all of them if there are fewer."""
    if moments <= count:
        return list(range(1, moments + 1))
    return [1 + round(number * (moments - 1) / (count - 1)) for number in range(count)]


def serve(requests: BinaryIO, answer: Callable[[str], None]) -> None:
    """Fork a process for every request and answer how it ended, until there are no more."""
    while True:
        try:
            attempt: Attempt = pickle.load(requests)
        except EOFError:
            return
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(2, 1)
            os.write(writing, _live(attempt).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as lines:
            said = lines.read()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            said = json.dumps({"killed": True, "trail": [], "outcome": ""})
        answer(said or json.dumps({"broken": "the process died without a word"}))


def _live(attempt: Attempt) -> str:
    try:
        trail, outcome = asyncio.run(_run(attempt))
    except Exception as error:  # noqa: BLE001 - whatever it is, the test must hear of it
        return json.dumps({"broken": repr(error)})
    return json.dumps({"killed": False, "trail": trail, "outcome": outcome})


async def _run(attempt: Attempt) -> tuple[list[str], str]:
    async with open_services(attempt.settings, clock=ManualClock(attempt.at)) as services:
        trail = _die_at(services.db, attempt.kill_at, attempt.signal)
        try:
            outcome = str(await run_job(services, attempt.job, attempt.slot, owner=f"process {os.getpid()}"))
        except Conflict:
            outcome = "Conflict"
        return trail, outcome


def _die_at(db: Database, kill_at: float | None, by: signal.Signals) -> list[str]:
    """See to the kill; returns the list that the moments are noted in."""
    trail: list[str] = []
    if isinstance(kill_at, float):
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), by))
        signal.setitimer(signal.ITIMER_REAL, kill_at)

    def moment(name: str) -> None:
        trail.append(name)
        if len(trail) == kill_at:
            os.kill(os.getpid(), by)

    def statement(_conn: Any, _cursor: Any, text: str, *_: Any) -> None:
        moment(" ".join(text.split()[:3]))

    event.listen(db._engine.sync_engine, "before_cursor_execute", statement)
    event.listen(db._engine.sync_engine, "commit", lambda _: moment("COMMIT"))
    return trail


def _warm() -> None:
    """Import and read once what every process would otherwise read for itself, which takes seconds."""
    for name in ("alembic.command", "openai", "talib", "ahocorasick_rs", "lxml.etree", "bs4"):
        import_module(name)
    Calendar().is_session(date(2026, 2, 20))


def _answer(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _warm()
    serve(sys.stdin.buffer, _answer)
