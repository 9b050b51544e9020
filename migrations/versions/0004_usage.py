"""usage: daily figures, alerts, archive"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_usage_record_paid",
        "usage_record",
        ["at"],
        unique=False,
        postgresql_include=["id", "cost_usd", "settled_at"],
        postgresql_where=sa.text("cost_usd > 0"),
    )
    op.create_table(
        "daily_usage",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("succeeded", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("timed", sa.BigInteger(), nullable=False),
        sa.Column("mean_ms", sa.Float(), nullable=True),
        sa.Column("p95_ms", sa.BigInteger(), nullable=True),
        sa.Column("tokens_in", sa.BigInteger(), nullable=False),
        sa.Column("tokens_cached", sa.BigInteger(), nullable=False),
        sa.Column("tokens_out", sa.BigInteger(), nullable=False),
        sa.Column("cost_usd", sa.Numeric(), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", "provider", "endpoint", "model", "error_code", name=op.f("pk_daily_usage")),
    )
    op.create_table(
        "usage_alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_alert")),
        sa.UniqueConstraint("kind", "subject", "period", "level", name=op.f("uq_usage_alert_kind_subject_period_level")),
    )
    op.create_index(op.f("ix_usage_alert_at"), "usage_alert", ["at"], unique=False)
    op.create_table(
        "usage_archive",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("cost_usd", sa.Numeric(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_archive")),
    )
    op.create_index(op.f("ix_usage_archive_day"), "usage_archive", ["day"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_usage_archive_day"), table_name="usage_archive")
    op.drop_table("usage_archive")
    op.drop_index(op.f("ix_usage_alert_at"), table_name="usage_alert")
    op.drop_table("usage_alert")
    op.drop_table("daily_usage")
    op.drop_index("ix_usage_record_paid", table_name="usage_record")
