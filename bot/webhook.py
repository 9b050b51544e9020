"""Updates by webhook: any replica takes any update, and of two replicas one handles it.

Telegram keeps the order of each chat by bringing its next update only after the last one was acknowledged, so an
update is acknowledged when it has been handled, or after `HOLD` at the latest. Until then order holds across all
replicas, after that within each one.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import stamina
import structlog
from aiohttp import web
from telegram import Update
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError

from bot.app import App
from core.cache import Cache
from core.errors import BadSettings
from core.settings import TelegramSettings

HOLD: Final = timedelta(seconds=2)
"""How long an update is kept unacknowledged while it is handled."""
REMEMBERED: Final = timedelta(days=1)
"""How long an update is known by its id; Telegram tries no longer to bring one."""
MOST_CONNECTIONS: Final = 100
MOST_BYTES: Final = 1 << 20

_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_webhook(application: App, settings: TelegramSettings, cache: Cache) -> AsyncIterator[str]:
    """Take updates at the path of the webhook's address, and have Telegram bring them; yields where it listens.

    The webhook stays set when the block ends: other replicas answer, or Telegram keeps the updates for the next
    start. Raises `BadSettings` when the port cannot be had or Telegram refuses the address.
    """
    assert settings.webhook_secret is not None
    door = _Door(application, settings.webhook_secret.get_secret_value(), cache)
    serving = web.Application(client_max_size=MOST_BYTES)
    serving.router.add_post(urlsplit(settings.webhook_url).path or "/", door.take)
    runner = web.AppRunner(serving, access_log=None, shutdown_timeout=HOLD.total_seconds() + 1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.webhook_host, settings.webhook_port).start()
        except OSError as error:
            where = f"{settings.webhook_host}:{settings.webhook_port}"
            raise BadSettings(f"TELEGRAM_WEBHOOK_PORT: {where}: {error.strerror}") from error
        host, port, *_ = runner.addresses[0]
        await _tell(application, settings)
        log.info("webhook_open", url=settings.webhook_url, host=host, port=port)
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def _tell(application: App, settings: TelegramSettings) -> None:
    """Have the updates brought here, for as long as it takes the network to come up."""
    assert settings.webhook_secret is not None
    try:
        async for attempt in stamina.retry_context(on=_passing, attempts=None, timeout=None, wait_max=30):
            with attempt:
                await application.bot.set_webhook(
                    settings.webhook_url,
                    secret_token=settings.webhook_secret.get_secret_value(),
                    allowed_updates=Update.ALL_TYPES,
                    max_connections=MOST_CONNECTIONS,
                )
    except TelegramError as error:
        raise BadSettings(f"TELEGRAM_WEBHOOK_URL: Telegram refuses it: {error}") from error


def _passing(error: Exception) -> bool:
    return isinstance(error, NetworkError | RetryAfter) and not isinstance(error, BadRequest)


class _Door:
    """Where updates come in."""

    def __init__(self, application: App, secret: str, cache: Cache) -> None:
        self._application, self._cache = application, cache
        self._secret = secret.encode()

    async def take(self, request: web.Request) -> web.Response:
        """Hand one update to its handlers."""
        if not hmac.compare_digest(request.headers.get(_HEADER, "").encode(errors="surrogateescape"), self._secret):
            return web.Response(status=403)
        update = self._read(await request.read())
        if update is not None and await self._first(update):
            processor = self._application.update_processor
            handling = self._application.create_task(
                processor.process_update(update, self._application.process_update(update)), update
            )
            await asyncio.wait({handling}, timeout=HOLD.total_seconds())
        return web.Response()

    def _read(self, body: bytes) -> Update | None:
        """The update, or None for one that cannot be read: brought again, it would stand before all others for ever."""
        try:
            data: dict[str, Any] = orjson.loads(body)
            return Update.de_json(data, self._application.bot)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.error("update_unreadable", kind=type(error).__name__, size=len(body))
            return None

    async def _first(self, update: Update) -> bool:
        """Whether nobody has taken this update before; without Redis that is not known, and it is handled."""
        return await self._cache.claim(f"update:{self._application.bot.id}:{update.update_id}", REMEMBERED)
