"""python -m migrations "what changed": write a migration from the models, on a private scratch database."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from core.db import migrate, migration_config
from core.embedded import private_servers


async def write(message: str) -> None:
    """Migrate a scratch database to head, compare it with the models, and write the difference as a revision."""
    from alembic import command

    with tempfile.TemporaryDirectory(prefix="stockpilot-") as folder:
        async with private_servers(Path(folder), postgres=True, redis=False, milvus=False) as servers:
            await migrate(servers.database_url)
            config = migration_config(servers.database_url)
            await asyncio.to_thread(command.revision, config, message=message, autogenerate=True)


if __name__ == "__main__":
    asyncio.run(write(" ".join(sys.argv[1:]) or "change"))
