"""Telling admins."""

from __future__ import annotations

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.chats.people import admin_ids
from core.delivery import queries
from core.delivery.alert import Alert
from core.delivery.letter import Destination, HookName
from core.services import Services

log = structlog.get_logger(__name__)


async def tell_admins(services: Services, conn: AsyncConnection, alert: Alert) -> None:
    """Tell every admin, in the transaction of the fact that caused it; what was told under its key is not repeated.

    Nothing leaves before the transaction commits. The log is told at once.
    """
    at = services.clock.now()
    if await queries.add(conn, alert, [Destination(HookName.LOG)], at=at):
        facts = {f"fact_{name}": fact for name, fact in alert.facts.items()}
        log.warning("alert", kind=alert.kind, key=alert.key, **facts)
    to = [Destination(HookName.TELEGRAM, admin) for admin in await admin_ids(services, conn)]
    if services.settings.alert.webhook_url is not None:
        to.append(Destination(HookName.WEBHOOK))
    if to:
        await queries.add(conn, alert, to, at=at)
