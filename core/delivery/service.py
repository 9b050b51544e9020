"""Telling admins."""

from __future__ import annotations

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.delivery.alert import Alert
from core.services import Services

log = structlog.get_logger(__name__)


async def tell_admins(services: Services, conn: AsyncConnection, alert: Alert) -> None:
    """Tell every admin, in the transaction of the fact that caused it; what was told under its key is not repeated."""
    log.warning("alert", kind=alert.kind, key=alert.key, **{f"fact_{name}": fact for name, fact in alert.facts.items()})
