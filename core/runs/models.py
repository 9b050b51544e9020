"""Tables of scheduled work. The unique (job, slot) makes a tick happen once; epoch and lease make one writer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class JobRunRow(Base):
    """One run of one slot of a job, with what it did and what it cost."""

    __tablename__ = "job_run"
    __table_args__ = (UniqueConstraint("job", "slot"), Index(None, "job", "started_at"))

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    job: Mapped[str]
    slot: Mapped[datetime]
    epoch: Mapped[int]
    state: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="1")
    done: Mapped[int] = mapped_column(server_default="0")
    failed: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int | None]
    seconds: Mapped[float | None]
    peak_memory: Mapped[int | None]
    cpu_seconds: Mapped[float | None]
    warnings: Mapped[list[Any]]
    checkpoint: Mapped[dict[str, Any]]
    error: Mapped[str | None]


class JobLeaseRow(Base):
    """Who runs a job until when, by the database's clock; renewed by heartbeats."""

    __tablename__ = "job_lease"

    job: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    acquired_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    lease_until: Mapped[datetime]


class JobLockRow(Base):
    """The fencing epoch of a job: a writer whose epoch is not this one writes nothing."""

    __tablename__ = "job_lock"

    job: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    paused: Mapped[bool] = mapped_column(server_default="false")
