"""disclosures"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "corp_code",
        sa.Column("corp_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("english_name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("modified_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("corp_code", name=op.f("pk_corp_code")),
    )
    op.create_index(op.f("ix_corp_code_code"), "corp_code", ["code"], unique=False)
    op.create_index(op.f("ix_corp_code_name"), "corp_code", ["name"], unique=False)
    op.create_table(
        "dart_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_dart_day")),
    )
    op.create_table(
        "disclosure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("corp_code", sa.Text(), nullable=True),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("division", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("correction", sa.Boolean(), nullable=False),
        sa.Column("filer", sa.Text(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("weight", sa.Text(), nullable=False),
        sa.Column("rules", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure")),
        sa.UniqueConstraint("receipt", name=op.f("uq_disclosure_receipt")),
    )
    op.create_index(op.f("ix_disclosure_code_first_seen_at"), "disclosure", ["code", "first_seen_at"], unique=False)
    op.create_index(op.f("ix_disclosure_subject_company"), "disclosure", ["subject", "company"], unique=False)
    op.create_index(op.f("ix_disclosure_first_seen_at"), "disclosure", ["first_seen_at"], unique=False)
    op.create_index(op.f("ix_disclosure_filed_on"), "disclosure", ["filed_on"], unique=False)
    op.create_index(
        "ix_disclosure_unlinked", "disclosure", ["filed_on"], unique=False, postgresql_where=sa.text("code IS NULL")
    )
    op.create_table(
        "disclosure_sweep",
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("division", name=op.f("pk_disclosure_sweep")),
    )


def downgrade() -> None:
    op.drop_table("disclosure_sweep")
    op.drop_index("ix_disclosure_unlinked", table_name="disclosure", postgresql_where=sa.text("code IS NULL"))
    op.drop_index(op.f("ix_disclosure_filed_on"), table_name="disclosure")
    op.drop_index(op.f("ix_disclosure_first_seen_at"), table_name="disclosure")
    op.drop_index(op.f("ix_disclosure_subject_company"), table_name="disclosure")
    op.drop_index(op.f("ix_disclosure_code_first_seen_at"), table_name="disclosure")
    op.drop_table("disclosure")
    op.drop_table("dart_day")
    op.drop_index(op.f("ix_corp_code_name"), table_name="corp_code")
    op.drop_index(op.f("ix_corp_code_code"), table_name="corp_code")
    op.drop_table("corp_code")
