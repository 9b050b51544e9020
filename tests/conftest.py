"""Fixtures: real private PostgreSQL, Redis and Milvus, a fresh migrated database a test, and a clock that stands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from core.clock import Clock, ManualClock
from core.db import Database, migrate
from core.embedded import Addresses, clone_database, drop_database, private_servers
from core.services import Services, open_services
from core.settings import Settings, environment_names, given_settings
from tests.haste import never_wait_for_the_disk

NOW = datetime(2026, 2, 20, 6, 50, tzinfo=UTC)
"""15:50 in Seoul, after the close of a Friday session."""

OpenServices = Callable[..., AbstractAsyncContextManager[Services]]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment_names():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Addresses]:
    """Private servers, started once a worker."""
    folder: Path = tmp_path_factory.mktemp("servers")
    async with private_servers(folder, postgres=True, redis=True, milvus=True) as addresses:
        await never_wait_for_the_disk(addresses.database_url)
        yield addresses


@pytest.fixture(scope="session")
async def template(servers: Addresses) -> str:
    """The name of a database built by the migrations, cloned for every test."""
    url = await clone_database(servers.database_url, "template1", "stockpilot_template")
    await migrate(url)
    return "stockpilot_template"


@pytest.fixture
async def database_url(servers: Addresses, template: str) -> AsyncIterator[str]:
    """The URL of a fresh migrated database."""
    name = f"test_{uuid4().hex[:12]}"
    yield await clone_database(servers.database_url, template, name)
    await drop_database(servers.database_url, name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh migrated database."""
    db = Database(database_url, pool_size=5)
    yield db
    await db.close()


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at `NOW` until moved."""
    return ManualClock(NOW)


@pytest.fixture
def test_settings(servers: Addresses, database_url: str, tmp_path: Path) -> Callable[..., Settings]:
    """Settings on the test's own database; groups may be overridden: `test_settings(kis={...})`."""

    def build(**groups: dict[str, Any]) -> Settings:
        base: dict[str, dict[str, Any]] = {
            "app": {"data_dir": tmp_path},
            "database": {"url": database_url, "pool_size": 5},
            "redis": {"url": servers.redis_url},
            "milvus": {"uri": servers.milvus_uri},
            "news": {"seconds_between_calls": 0, "hankyung_url": "", "mk_url": ""},
            "dart": {"rss_url": ""},
        }
        merged = {name: base.get(name, {}) | groups.get(name, {}) for name in base.keys() | groups.keys()}
        return given_settings(merged)

    return build


@pytest.fixture
def open_test_services(test_settings: Callable[..., Settings], clock: ManualClock) -> OpenServices:
    """Open services as production does, on the test's servers and clock: `async with open_test_services(kis=…)`."""

    def open_with(*, at: Clock | None = None, **groups: dict[str, Any]) -> AbstractAsyncContextManager[Services]:
        return open_services(test_settings(**groups), clock=at or clock)

    return open_with


@pytest.fixture
async def services(open_test_services: OpenServices) -> AsyncIterator[Services]:
    """Services with no outside service configured."""
    async with open_test_services() as opened:
        await opened.cache.clear()
        yield opened
