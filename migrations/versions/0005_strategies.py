"""supervised workers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "strategy_state",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("restarts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("told", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strategy_state")),
    )
    op.create_table(
        "signal",
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_signal_code")),
        sa.PrimaryKeyConstraint("strategy", "code", "day", name=op.f("pk_signal")),
    )
    op.create_index(op.f("ix_signal_code"), "signal", ["code"], unique=False)
    op.create_index(op.f("ix_signal_strategy_day"), "signal", ["strategy", "day"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_signal_strategy_day"), table_name="signal")
    op.drop_index(op.f("ix_signal_code"), table_name="signal")
    op.drop_table("signal")
    op.drop_table("strategy_state")
