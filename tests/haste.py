"""Servers of tests and benchmarks that outlive no crash of the machine, and so need not wait for its disk."""

from __future__ import annotations

import asyncpg


async def never_wait_for_the_disk(database_url: str) -> None:
    """Let the private PostgreSQL at this URL answer a commit before it is on the disk.

    A commit waits some milliseconds for a disk, more than all else a test does. What a process killed at any moment
    had committed is there all the same, for the machine goes on.
    """
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("ALTER SYSTEM SET fsync = off")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()
