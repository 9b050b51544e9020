"""runs and leadership"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leader",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leader")),
    )
    op.add_column("job_run", sa.Column("asked_by", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_job_run_asked_for",
        "job_run",
        ["job", "slot"],
        unique=False,
        postgresql_where=sa.text("asked_by IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("leader")
    op.drop_index("ix_job_run_asked_for", table_name="job_run", postgresql_where=sa.text("asked_by IS NOT NULL"))
    op.drop_column("job_run", "asked_by")
