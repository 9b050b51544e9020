"""Milvus Lite inside this process: one server a folder, shared by every store of the process.

Only one process may open a folder. The server listens on a free port of the loopback address.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import BadSettings


@dataclass(slots=True)
class _Server:
    grpc: Any
    database: Any
    address: str
    users: int = 0


_servers: dict[Path, _Server] = {}  # of the process, as the lock on a folder is
_guard = threading.Lock()


def acquire(folder: Path) -> str:
    """The address of the server of `folder`, started for its first user.

    Raises `BadSettings` when another process has the folder open, or it is not a folder of Milvus Lite.
    """
    with _guard:
        server = _servers.get(folder) or _start(folder)
        _servers[folder] = server
        server.users += 1
        return server.address


def release(folder: Path) -> None:
    """Stop the server of `folder` and free the folder, once its last user is gone."""
    with _guard:
        server = _servers[folder]
        server.users -= 1
        if server.users == 0:
            del _servers[folder]
            server.grpc.stop(grace=2).wait()
            server.database.close()


def _start(folder: Path) -> _Server:
    from milvus_lite.adapter.grpc.server import start_server_in_thread
    from milvus_lite.exceptions import DataDirLockedError, MilvusLiteError

    logging.getLogger("grpc._server").setLevel(logging.CRITICAL)  # a call it does not have is an answer, no failure
    try:
        grpc, database, port = start_server_in_thread(str(folder))
    except DataDirLockedError as error:
        raise BadSettings(f"MILVUS_URI: {folder} is in use by another process") from error
    except OSError as error:
        raise BadSettings(f"MILVUS_URI: {folder}: {error.strerror}") from error
    except MilvusLiteError as error:
        raise BadSettings(f"MILVUS_URI: {folder}: {error}") from error
    return _Server(grpc=grpc, database=database, address=f"http://127.0.0.1:{port}")
