"""the language of people's apps"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user", sa.Column("app_language", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("user", "app_language")
