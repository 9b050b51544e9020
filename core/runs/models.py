"""Tables of scheduled work. The unique (job, slot) makes a tick happen once; epoch and lease make one writer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class JobRunRow(Base):
    """One run of one slot of a job, with what it did and what it cost. At most one run of a job is running.

    `asked_by` is the admin whose wish the slot is; slots of the schedule have none.
    """

    __tablename__ = "job_run"
    __table_args__ = (
        UniqueConstraint("job", "slot"),
        Index(None, "job", "started_at"),
        Index("ix_job_run_asked_for", "job", "slot", postgresql_where=text("asked_by IS NOT NULL")),
        Index("uq_job_run_running", "job", unique=True, postgresql_where=text("state = 'running'")),
    )

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
    warnings: Mapped[list[Any]] = mapped_column(server_default="[]")
    checkpoint: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    error: Mapped[str | None]
    asked_by: Mapped[int | None]


class JobLeaseRow(Base):
    """Who runs a job until when, by the database's clock; renewed by heartbeats, which also bring the counts.

    The counts stand here and not in the run's row, which a long write transaction may hold locked.
    """

    __tablename__ = "job_lease"

    job: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    epoch: Mapped[int]
    acquired_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    lease_until: Mapped[datetime]
    done: Mapped[int] = mapped_column(server_default="0")
    failed: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int | None]


class JobLockRow(Base):
    """The fencing epoch of a job: a writer whose epoch is not this one writes nothing.

    `failures` counts failed attempts in a row; the first one of a row is told to the admins.
    """

    __tablename__ = "job_lock"

    job: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    paused: Mapped[bool] = mapped_column(server_default="false")
    failures: Mapped[int] = mapped_column(server_default="0")


class LeaderRow(Base):
    """Which process leads until when, by the database's clock. Nobody where `owner` is empty.

    `epoch` counts the changes of hands.
    """

    __tablename__ = "leader"

    name: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    epoch: Mapped[int]
    since: Mapped[datetime]
    lease_until: Mapped[datetime]
