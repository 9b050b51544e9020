"""sources and stories of news"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("article", sa.Column("sketch", postgresql.ARRAY(sa.BigInteger()), nullable=True))
    op.add_column("article", sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("article", sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("article", sa.Column("matched_as", sa.Text(), nullable=True))
    op.create_index(
        op.f("ix_article_sketch"),
        "article",
        ["sketch"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.add_column("article_source", sa.Column("title", sa.Text(), nullable=True))
    op.create_table(
        "article_alias",
        sa.Column("known_as", sa.Text(), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_article_alias_article_id")),
        sa.PrimaryKeyConstraint("known_as", name=op.f("pk_article_alias")),
    )
    op.create_index(op.f("ix_article_alias_article_id"), "article_alias", ["article_id"], unique=False)
    op.create_table(
        "article_revision",
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_article_revision_article_id")),
        sa.PrimaryKeyConstraint("article_id", "replaced_at", name=op.f("pk_article_revision")),
    )
    op.add_column("match", sa.Column("move_percent", sa.Float(), nullable=True))
    op.add_column("match", sa.Column("move_day", sa.Date(), nullable=True))
    op.create_index(
        "ix_match_unmoved", "match", ["article_id"], unique=False, postgresql_where=sa.text("move_day IS NULL")
    )
    op.create_table(
        "news_search",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_news_search_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_news_search")),
    )
    op.create_table(
        "news_search_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_news_search_day")),
    )


def downgrade() -> None:
    op.drop_table("news_search_day")
    op.drop_table("news_search")
    op.drop_index("ix_match_unmoved", table_name="match", postgresql_where=sa.text("move_day IS NULL"))
    op.drop_column("match", "move_day")
    op.drop_column("match", "move_percent")
    op.drop_table("article_revision")
    op.drop_index(op.f("ix_article_alias_article_id"), table_name="article_alias")
    op.drop_table("article_alias")
    op.drop_column("article_source", "title")
    op.drop_index(op.f("ix_article_sketch"), table_name="article", postgresql_using="gin")
    op.drop_column("article", "matched_as")
    op.drop_column("article", "checked_at")
    op.drop_column("article", "gone_at")
    op.drop_column("article", "sketch")
