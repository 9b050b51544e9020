"""A server process that never outlives its owner, and is never started beside its own orphan.

A shell stands between owner and server and reads from the owner's pipe. The pipe closes when the owner stops the
server, and just as well when the owner is killed; then the shell asks the server to shut down. Stopping and
crashing are thus one path. The server inherits a lock on its log file: who gets that lock knows that no server
of an earlier run is left, which no pid file can tell.
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib.util
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import BadSettings

START_SECONDS = 120
"""How long a server may take to answer; recovery after a crash is part of it."""
STOP_SECONDS = 30
"""How long a server may take to shut down before it is killed."""
_POLL_SECONDS = 0.02

_GUARD = """
stop=$1; shift
exec 3<&0
"$@" 3<&- </dev/null & server=$!
{ read -r _ <&3; kill -s "$stop" "$server"; } 2>/dev/null & guard=$!
wait "$server"; code=$?
kill "$guard" 2>/dev/null
exit "$code"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """What to run, and how to ask it to stop."""

    name: str
    command: Sequence[str | Path]
    log: Path
    stop_signal: str
    user: int | None = None


@asynccontextmanager
async def running(program: Program, ready: Callable[[], Awaitable[bool]]) -> AsyncIterator[None]:
    """Run `program` from when `ready` says so until the exit of the context.

    Raises `BadSettings` with the program's own last words when it ends by itself or is not ready in time.
    """
    async with _guarded(program) as process:
        await _until_ready(program, process, ready)
        yield


async def run(program: Program) -> None:
    """Run `program` to its end; raises `BadSettings` with its last words when it fails."""
    async with _guarded(program) as process:
        if await asyncio.to_thread(process.wait):
            raise BadSettings(f"{program.name} did not start: {_last_words(program.log)}")


def wheel_file(package: str, *parts: str, setting: str) -> Path:
    """A file of an installed wheel; raises `BadSettings` naming the `setting` that makes it unneeded."""
    spec = importlib.util.find_spec(package)
    for location in (spec and spec.submodule_search_locations) or ():
        if (path := Path(location, *parts)).exists():
            return path
    raise BadSettings(f"{setting}: must be set, {package} has no server for this machine")


@asynccontextmanager
async def _guarded(program: Program) -> AsyncIterator[subprocess.Popen[bytes]]:
    with program.log.open("ab") as log:
        await _lock(log, program)
        log.truncate(0)
        process = _start(program, log)
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.to_thread(_end, process)


async def _lock(log: BinaryIO, program: Program) -> None:
    """Take the lock on the log, waiting for the orphan of a killed owner to be gone."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            while not _locked(log):  # noqa: ASYNC110 - another process has no event to wait for
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise BadSettings(f"{program.name} of an earlier run does not end; it writes to {program.log}") from None


def _locked(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(program: Program, log: BinaryIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own words
        ["/bin/sh", "-c", _GUARD, "sh", program.stop_signal, *program.command],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        start_new_session=True,  # an interrupt typed at the owner's terminal must not stop the server before it
        **_surroundings(program),
    )


def _surroundings(program: Program) -> dict[str, Any]:
    """A bare environment, since PGPORT and the like would change a server, and the user to run as."""
    user = {} if program.user is None else {"user": program.user, "group": program.user, "extra_groups": []}
    return {"env": {"LC_ALL": "C", "PATH": os.defpath}, "cwd": program.log.parent, **user}


async def _until_ready(
    program: Program, process: subprocess.Popen[bytes], ready: Callable[[], Awaitable[bool]]
) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await ready():
                if process.poll() is not None:
                    raise BadSettings(f"{program.name} did not start: {_last_words(program.log)}")
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise BadSettings(f"{program.name} did not answer within {START_SECONDS} s; see {program.log}") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _last_words(log: Path) -> str:
    """The last line that speaks of an error, or else the last line."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if re.search("fatal|panic|error", line, re.IGNORECASE)]
    return (telling or lines or [f"nothing in {log}"])[-1]
