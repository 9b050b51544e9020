"""Everything the domain needs, opened once and passed down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from core.cache import Cache
from core.clock import Calendar, Clock, SystemClock, kst_date
from core.db import Database, migrate
from core.embedded import private_servers
from core.http import Fetcher
from core.kis.calendar import known_sessions
from core.kis.client import KisClient
from core.ledger.recorder import CallRecorder
from core.llm.gateway import Gateway
from core.logs import hide
from core.settings import Settings, secret_values
from core.vectors import VectorStore


@dataclass(frozen=True, kw_only=True)
class Services:
    """The settings, the clock and every connection. Frozen: what varies lives in the services themselves."""

    settings: Settings
    clock: Clock
    calendar: Calendar
    db: Database
    cache: Cache
    vectors: VectorStore
    fetcher: Fetcher
    kis: KisClient
    llm: Gateway
    calls: CallRecorder


@asynccontextmanager
async def open_services(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Services]:
    """Open all services, starting private servers for those without an address, and close them at the end.

    Raises `BadSettings` or `Unavailable` with a sentence naming what could not be opened.
    """
    hide(secret_values(settings))
    clock, calendar = clock or SystemClock(), Calendar()
    async with AsyncExitStack() as stack:
        # Reading the calendar takes a second or more, so it happens beside the start of the servers.
        calendar_read = asyncio.create_task(asyncio.to_thread(calendar.is_session, kst_date(clock.now())))
        addresses = await stack.enter_async_context(
            private_servers(
                settings.app.data_dir,
                postgres=settings.database.url is None,
                redis=settings.redis.url is None,
                milvus=settings.milvus.uri is None,
            )
        )
        database_url = settings.database.url.get_secret_value() if settings.database.url else addresses.database_url
        redis_url = settings.redis.url.get_secret_value() if settings.redis.url else addresses.redis_url
        token = settings.milvus.token.get_secret_value() if settings.milvus.token else None
        await migrate(database_url)
        db = Database(database_url, pool_size=settings.database.pool_size)
        stack.push_async_callback(db.close)
        calls = CallRecorder(db, clock)
        stack.push_async_callback(calls.close)
        cache = Cache(redis_url)
        stack.push_async_callback(cache.close)
        vectors = VectorStore(settings.milvus.uri or addresses.milvus_uri, token=token)
        stack.push_async_callback(vectors.close)
        fetcher = _fetcher(settings, clock, calls)
        stack.push_async_callback(fetcher.close)
        kis = KisClient(settings.kis, db=db, clock=clock, cache=cache, told=calls)
        stack.push_async_callback(kis.close)
        llm = Gateway(settings, db=db, clock=clock)
        stack.push_async_callback(llm.close)
        await calendar_read
        async with db.read() as conn:
            calendar.learn(await known_sessions(conn))
        yield Services(
            settings=settings,
            clock=clock,
            calendar=calendar,
            db=db,
            cache=cache,
            vectors=vectors,
            fetcher=fetcher,
            kis=kis,
            llm=llm,
            calls=calls,
        )


def _fetcher(settings: Settings, clock: Clock, calls: CallRecorder) -> Fetcher:
    news, dart = settings.news, settings.dart
    allowed = (
        *(news.naver_stock_url, news.naver_mobile_url, news.naver_article_url, news.naver_search_address),
        *(news.hankyung_url, news.mk_url, settings.kis.master_url),
        *(dart.base_url, dart.rss_url, dart.day_list_url),
    )
    return Fetcher(allowed, clock=clock, seconds_between_calls=news.seconds_between_calls, told=calls)
