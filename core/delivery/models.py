"""The table of the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class OutboxRow(Base):
    """One alert for one destination: facts, never text. Kept after it is told, so that nothing is told twice.

    `part` tells apart several messages under one key. `attempts` counts the times it was taken up and fences whoever
    took it up before. `repeated` says that it may have arrived before. A `silent` one makes no sound. Of the chats
    for which something waits, that with the lowest `rank` among its letters is told first.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("key", "part", "hook", "chat_id", postgresql_nulls_not_distinct=True),
        Index(None, "created_at"),
        Index("ix_outbox_turn", "rank", "id", postgresql_where=text("state = 'waiting'")),
        Index("ix_outbox_open", "chat_id", "id", postgresql_where=text("state IN ('waiting', 'sending')")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[str]
    part: Mapped[int]
    kind: Mapped[str]
    facts: Mapped[dict[str, Any]]
    hook: Mapped[str]
    chat_id: Mapped[int | None]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default="0")
    not_before: Mapped[datetime]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    repeated: Mapped[bool] = mapped_column(server_default="false")
    error: Mapped[str | None]
    silent: Mapped[bool] = mapped_column(server_default="false")
    rank: Mapped[int] = mapped_column(SmallInteger, server_default="0")
