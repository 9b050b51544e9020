"""market data at the size of the market"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("quote", sa.Column("details_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "minute_price",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("open", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("close", sa.BigInteger(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("sampled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", "at", name=op.f("pk_minute_price")),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_table(
        "minute_sample",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_minute_sample_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_minute_sample")),
    )
    op.create_table(
        "minute_coverage",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_minute_coverage_code")),
        sa.PrimaryKeyConstraint("code", "day", name=op.f("pk_minute_coverage")),
    )
    op.create_table(
        "investor_trading",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("close", sa.BigInteger(), nullable=False),
        sa.Column("foreign_shares", sa.BigInteger(), nullable=False),
        sa.Column("institution_shares", sa.BigInteger(), nullable=False),
        sa.Column("individual_shares", sa.BigInteger(), nullable=False),
        sa.Column("foreign_value", sa.BigInteger(), nullable=False),
        sa.Column("institution_value", sa.BigInteger(), nullable=False),
        sa.Column("individual_value", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_investor_trading_code")),
        sa.PrimaryKeyConstraint("code", "day", "first_seen_at", name=op.f("pk_investor_trading")),
    )
    op.create_index(op.f("ix_investor_trading_day"), "investor_trading", ["day"], unique=False)
    op.create_table(
        "flow_estimate",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("foreign_shares", sa.BigInteger(), nullable=False),
        sa.Column("institution_shares", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_flow_estimate_code")),
        sa.PrimaryKeyConstraint("code", "at", name=op.f("pk_flow_estimate")),
    )
    op.create_table(
        "order_book",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("asks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("bids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ask_total", sa.BigInteger(), nullable=False),
        sa.Column("bid_total", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_order_book_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_order_book")),
    )
    op.create_table(
        "index_quote",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("change", sa.Float(), nullable=False),
        sa.Column("change_percent", sa.Float(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("turnover", sa.BigInteger(), nullable=False),
        sa.Column("rising", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("falling", sa.BigInteger(), nullable=False),
        sa.Column("upper_limit", sa.BigInteger(), nullable=False),
        sa.Column("lower_limit", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_index_quote")),
    )
    op.create_table(
        "index_daily_price",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("open", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("close", sa.Float(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("turnover", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code", "day", name=op.f("pk_index_daily_price")),
    )
    op.create_table(
        "overtime_price",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("close", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_overtime_price_code")),
        sa.PrimaryKeyConstraint("code", "day", name=op.f("pk_overtime_price")),
    )
    op.create_table(
        "financial_ratio",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("quarter", sa.Boolean(), nullable=False),
        sa.Column("ended", sa.Date(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sales_growth", sa.Float(), nullable=True),
        sa.Column("operating_growth", sa.Float(), nullable=True),
        sa.Column("net_growth", sa.Float(), nullable=True),
        sa.Column("roe", sa.Float(), nullable=True),
        sa.Column("eps", sa.Float(), nullable=True),
        sa.Column("sales_per_share", sa.Float(), nullable=True),
        sa.Column("bps", sa.Float(), nullable=True),
        sa.Column("reserve_ratio", sa.Float(), nullable=True),
        sa.Column("debt_ratio", sa.Float(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_financial_ratio_code")),
        sa.PrimaryKeyConstraint("code", "quarter", "ended", "first_seen_at", name=op.f("pk_financial_ratio")),
    )
    op.create_table(
        "product_info",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("english_name", sa.Text(), nullable=True),
        sa.Column("isin", sa.Text(), nullable=True),
        sa.Column("market", sa.Text(), nullable=True),
        sa.Column("issue_group", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("listed_on", sa.Date(), nullable=True),
        sa.Column("delisted_on", sa.Date(), nullable=True),
        sa.Column("shares", sa.BigInteger(), nullable=True),
        sa.Column("par_value", sa.BigInteger(), nullable=True),
        sa.Column("capital", sa.BigInteger(), nullable=True),
        sa.Column("settlement_month", sa.Text(), nullable=True),
        sa.Column("sector_large", sa.Text(), nullable=True),
        sa.Column("sector_medium", sa.Text(), nullable=True),
        sa.Column("sector_small", sa.Text(), nullable=True),
        sa.Column("industry", sa.Text(), nullable=True),
        sa.Column("kospi200", sa.Boolean(), nullable=True),
        sa.Column("halted", sa.Boolean(), nullable=True),
        sa.Column("administrative", sa.Boolean(), nullable=True),
        sa.Column("on_nxt", sa.Boolean(), nullable=True),
        sa.Column("product_class", sa.Text(), nullable=True),
        sa.Column("risk_grade", sa.Text(), nullable=True),
        sa.Column("sale_state", sa.Text(), nullable=True),
        sa.Column("sold_since", sa.Date(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_product_info_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_product_info")),
    )
    op.create_table(
        "session_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("trades", sa.Boolean(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_session_day")),
    )


def downgrade() -> None:
    op.drop_table("session_day")
    op.drop_table("product_info")
    op.drop_table("financial_ratio")
    op.drop_table("overtime_price")
    op.drop_table("index_daily_price")
    op.drop_table("index_quote")
    op.drop_table("order_book")
    op.drop_table("flow_estimate")
    op.drop_index(op.f("ix_investor_trading_day"), table_name="investor_trading")
    op.drop_table("investor_trading")
    op.drop_table("minute_coverage")
    op.drop_table("minute_sample")
    op.drop_table("minute_price")
    op.drop_column("quote", "details_at")
