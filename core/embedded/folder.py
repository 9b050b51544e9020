"""The data folder: one owner at a time, and a short place for sockets."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import BadSettings


@contextmanager
def held(data_dir: Path) -> Iterator[Path]:
    """Hold `data_dir` for this process, made if missing; yields its absolute path.

    The hold is a file lock, so a crash frees it; the pid in the file only serves the message.
    Raises `BadSettings` when another process holds the folder or it cannot be written.
    """
    folder = data_dir.expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "owner.lock").open("a+")
    except OSError as error:
        raise BadSettings(f"APP_DATA_DIR: {folder} cannot be written: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise BadSettings(f"APP_DATA_DIR: {folder} is in use by another StockPilot process (pid {owner})") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield folder


def socket_path(data_dir: Path) -> Path:
    """Where sockets go: inside `data_dir` where its path is short and plain enough, else under /tmp.

    A socket's path holds about 100 bytes, and a comma would end a host name.
    """
    folder = data_dir.expanduser().resolve()
    sockets = folder / "run"
    if re.fullmatch(r"[A-Za-z0-9_./-]{1,80}", str(sockets)):
        return sockets
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path("/tmp") / f"stockpilot-{digest}"  # noqa: S108 - owner and kind are checked where it is made


@contextmanager
def socket_folder(folder: Path) -> Iterator[Path]:
    """A folder for sockets, new and empty. Raises `BadSettings` when somebody else owns it."""
    sockets = socket_path(folder)
    try:
        shutil.rmtree(sockets, ignore_errors=True)
        sockets.mkdir(mode=0o700)
    except OSError as error:
        raise BadSettings(f"APP_DATA_DIR: {sockets} cannot be made: {error.strerror}") from error
    try:
        yield sockets
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
