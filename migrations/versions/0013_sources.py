"""the state of sources"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("source_status", sa.Column("usual_items", sa.BigInteger(), nullable=True))
    op.add_column("source_status", sa.Column("few", sa.Boolean(), server_default="false", nullable=False))
    op.add_column(
        "source_status",
        sa.Column("failures", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
    )
    op.add_column("source_status", sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("source_status", sa.Column("openings", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("source_status", sa.Column("failed", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("source_status", sa.Column("episode", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("source_status", sa.Column("told", sa.Boolean(), server_default="false", nullable=False))
    op.create_table(
        "source_usual",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("day_kind", sa.Text(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("items", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint("source", "day_kind", "hour", name=op.f("pk_source_usual")),
    )
    op.add_column("quarantine", sa.Column("digest", sa.Text(), nullable=True))
    op.add_column("quarantine", sa.Column("times", sa.BigInteger(), server_default="1", nullable=False))
    op.add_column("quarantine", sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("quarantine", sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "uq_quarantine_waiting",
        "quarantine",
        ["source", "digest"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "source_comparison",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("second", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("compared", sa.BigInteger(), nullable=False),
        sa.Column("only_first", sa.BigInteger(), nullable=False),
        sa.Column("only_second", sa.BigInteger(), nullable=False),
        sa.Column("differing", sa.BigInteger(), nullable=False),
        sa.Column("differences", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("kind", "day", "first", "second", name=op.f("pk_source_comparison")),
    )


def downgrade() -> None:
    op.drop_table("source_comparison")
    op.drop_index("uq_quarantine_waiting", table_name="quarantine", postgresql_where=sa.text("resolved_at IS NULL"))
    for name in ("resolved_at", "tried_at", "times", "digest"):
        op.drop_column("quarantine", name)
    op.drop_table("source_usual")
    for name in ("told", "episode", "failed", "openings", "failing_since", "failures", "few", "usual_items"):
        op.drop_column("source_status", name)
