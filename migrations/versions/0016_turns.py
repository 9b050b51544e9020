"""whose turn it is in the outbox

What waits already, and what a release before this one writes, has the rank of what is told first: its order stays that
of its numbers.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("rank", sa.SmallInteger(), server_default="0", nullable=False))
    op.create_index(
        "ix_outbox_turn", "outbox", ["rank", "id"], unique=False, postgresql_where=sa.text("state = 'waiting'")
    )
    op.drop_index("ix_outbox_waiting", table_name="outbox")


def downgrade() -> None:
    op.create_index("ix_outbox_waiting", "outbox", ["id"], unique=False, postgresql_where=sa.text("state = 'waiting'"))
    op.drop_index("ix_outbox_turn", table_name="outbox")
    op.drop_column("outbox", "rank")
