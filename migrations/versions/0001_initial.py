"""initial schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "article",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("canonical_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("press", sa.Text(), nullable=False),
        sa.Column("partial", sa.Boolean(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("story_id", sa.BigInteger(), nullable=True),
        sa.Column("embedded_as", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["story_id"], ["article.id"], name=op.f("fk_article_story_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article")),
        sa.UniqueConstraint("canonical_id", name=op.f("uq_article_canonical_id")),
    )
    op.create_index(op.f("ix_article_fingerprint"), "article", ["fingerprint"], unique=False)
    op.create_index(op.f("ix_article_first_seen_at"), "article", ["first_seen_at"], unique=False)
    op.create_index(op.f("ix_article_published_at"), "article", ["published_at"], unique=False)
    op.create_index(op.f("ix_article_story_id"), "article", ["story_id"], unique=False)
    op.create_index(
        "ix_article_unembedded", "article", ["id"], unique=False, postgresql_where=sa.text("embedded_as IS NULL")
    )
    op.create_table(
        "chat",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reachable", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat")),
    )
    op.create_table(
        "job_lease",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("acquired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_job_lease")),
    )
    op.create_table(
        "job_lock",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_job_lock")),
    )
    op.create_table(
        "job_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("peak_memory", sa.BigInteger(), nullable=True),
        sa.Column("cpu_seconds", sa.Float(), nullable=True),
        sa.Column("warnings", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("checkpoint", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
        sa.UniqueConstraint("job", "slot", name=op.f("uq_job_run_job_slot")),
    )
    op.create_index(op.f("ix_job_run_job_started_at"), "job_run", ["job", "started_at"], unique=False)
    op.create_index(
        "uq_job_run_running", "job_run", ["job"], unique=True, postgresql_where=sa.text("state = 'running'")
    )
    op.create_table(
        "kis_token",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_kis_token")),
    )
    op.create_table(
        "model",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("shutdown_on", sa.Date(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_model")),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    op.create_index(op.f("ix_quarantine_source_seen_at"), "quarantine", ["source", "seen_at"], unique=False)
    op.create_table(
        "source_status",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_items", sa.BigInteger(), nullable=True),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure_kind", sa.Text(), nullable=True),
        sa.Column("failure_message", sa.Text(), nullable=True),
        sa.Column("failures_in_row", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_source_status")),
    )
    op.create_table(
        "stock",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("listed_on", sa.Date(), nullable=True),
        sa.Column("shares", sa.BigInteger(), nullable=True),
        sa.Column("market_cap", sa.BigInteger(), nullable=True),
        sa.Column("halted", sa.Boolean(), nullable=False),
        sa.Column("administrative", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_stock")),
    )
    op.create_table(
        "usage_record",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("tokens_in", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tokens_cached", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tokens_out", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cost_usd", sa.Numeric(), nullable=False),
        sa.Column("status_code", sa.BigInteger(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("response_ms", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_record")),
    )
    op.create_index(op.f("ix_usage_record_at"), "usage_record", ["at"], unique=False)
    op.create_index(op.f("ix_usage_record_request_id"), "usage_record", ["request_id"], unique=False)
    op.create_table(
        "user",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
    )
    op.create_table(
        "article_source",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_article_source_article_id")),
        sa.PrimaryKeyConstraint("source", "source_id", name=op.f("pk_article_source")),
    )
    op.create_index(op.f("ix_article_source_article_id"), "article_source", ["article_id"], unique=False)
    op.create_table(
        "daily_coverage",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_daily_coverage_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_daily_coverage")),
    )
    op.create_table(
        "daily_price",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("open", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("close", sa.BigInteger(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("split_ratio", sa.Float(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_daily_price_code")),
        sa.PrimaryKeyConstraint("code", "day", name=op.f("pk_daily_price")),
    )
    op.create_index(op.f("ix_daily_price_day"), "daily_price", ["day"], unique=False)
    op.create_table(
        "match",
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("relevance", sa.Float(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_match_article_id")),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_match_code")),
        sa.PrimaryKeyConstraint("article_id", "code", name=op.f("pk_match")),
    )
    op.create_index(op.f("ix_match_code_article_id"), "match", ["code", "article_id"], unique=False)
    op.create_table(
        "prediction",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("model_key", sa.Text(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("base_price", sa.BigInteger(), nullable=False),
        sa.Column("base_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("short_target", sa.BigInteger(), nullable=True),
        sa.Column("long_target", sa.BigInteger(), nullable=True),
        sa.Column("narrative", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("prompt_version", sa.Text(), nullable=False),
        sa.Column("input_hash", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_prediction_code")),
        sa.ForeignKeyConstraint(["model_key"], ["model.key"], name=op.f("fk_prediction_model_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction")),
    )
    op.create_index(op.f("ix_prediction_code_made_at"), "prediction", ["code", "made_at"], unique=False)
    op.create_index(op.f("ix_prediction_model_key"), "prediction", ["model_key"], unique=False)
    op.create_index(
        "uq_prediction_sealed",
        "prediction",
        ["code", "model_key", "input_hash", "prompt_version"],
        unique=True,
        postgresql_where=sa.text("outcome <> 'failed'"),
    )
    op.create_table(
        "quote",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("change_percent", sa.Float(), nullable=False),
        sa.Column("open", sa.BigInteger(), nullable=True),
        sa.Column("high", sa.BigInteger(), nullable=True),
        sa.Column("low", sa.BigInteger(), nullable=True),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("high_52w", sa.BigInteger(), nullable=True),
        sa.Column("low_52w", sa.BigInteger(), nullable=True),
        sa.Column("market_cap", sa.BigInteger(), nullable=True),
        sa.Column("per", sa.Float(), nullable=True),
        sa.Column("pbr", sa.Float(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_quote_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_quote")),
    )
    op.create_table(
        "stock_alias",
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_stock_alias_code")),
        sa.PrimaryKeyConstraint("alias", "code", name=op.f("pk_stock_alias")),
    )
    op.create_index(op.f("ix_stock_alias_code"), "stock_alias", ["code"], unique=False)
    op.create_table(
        "stock_analysis",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_update_reason", sa.Text(), nullable=False),
        sa.Column("last_market_phase", sa.Text(), nullable=False),
        sa.Column("base_price", sa.BigInteger(), nullable=False),
        sa.Column("short_term_target", sa.BigInteger(), nullable=True),
        sa.Column("long_term_target", sa.BigInteger(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("lead_model", sa.Text(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("input_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_stock_analysis_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_analysis")),
    )
    op.create_index(op.f("ix_stock_analysis_code_made_at"), "stock_analysis", ["code", "made_at"], unique=False)
    op.create_table(
        "watch_item",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_watch_item_code")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_watch_item_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "code", name=op.f("pk_watch_item")),
    )
    op.create_index(op.f("ix_watch_item_code"), "watch_item", ["code"], unique=False)
    op.create_table(
        "model_evaluation",
        sa.Column("prediction_id", sa.BigInteger(), nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.Column("base_price", sa.BigInteger(), nullable=False),
        sa.Column("close_price", sa.BigInteger(), nullable=False),
        sa.Column("return_percent", sa.Float(), nullable=False),
        sa.Column("actual", sa.Text(), nullable=False),
        sa.Column("called", sa.Text(), nullable=True),
        sa.Column("hit", sa.Boolean(), nullable=True),
        sa.Column("brier", sa.Float(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["prediction_id"], ["prediction.id"], name=op.f("fk_model_evaluation_prediction_id")),
        sa.PrimaryKeyConstraint("prediction_id", "sessions", name=op.f("pk_model_evaluation")),
    )
    op.create_index(op.f("ix_model_evaluation_closed_on"), "model_evaluation", ["closed_on"], unique=False)
    op.create_table(
        "prediction_horizon",
        sa.Column("prediction_id", sa.BigInteger(), nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("p_up", sa.Float(), nullable=True),
        sa.Column("p_flat", sa.Float(), nullable=True),
        sa.Column("p_down", sa.Float(), nullable=True),
        sa.Column("band", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["prediction_id"], ["prediction.id"], name=op.f("fk_prediction_horizon_prediction_id")),
        sa.PrimaryKeyConstraint("prediction_id", "sessions", name=op.f("pk_prediction_horizon")),
    )
    op.create_index(op.f("ix_prediction_horizon_closes_on"), "prediction_horizon", ["closes_on"], unique=False)
    op.create_table(
        "report_update",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("analysis_id", sa.BigInteger(), nullable=True),
        sa.Column("predictions", sa.BigInteger(), nullable=False),
        sa.Column("llm_calls", sa.BigInteger(), nullable=False),
        sa.Column("cost_usd", sa.Numeric(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["analysis_id"], ["stock_analysis.id"], name=op.f("fk_report_update_analysis_id")),
        sa.ForeignKeyConstraint(["code"], ["stock.code"], name=op.f("fk_report_update_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_update")),
    )
    op.create_index(op.f("ix_report_update_analysis_id"), "report_update", ["analysis_id"], unique=False)
    op.create_index(op.f("ix_report_update_at"), "report_update", ["at"], unique=False)
    op.create_index(op.f("ix_report_update_code_at"), "report_update", ["code", "at"], unique=False)
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'a sealed % is never changed', TG_TABLE_NAME;
        END $$
        """
    )
    for table in ("prediction", "prediction_horizon"):
        op.execute(
            f"CREATE TRIGGER sealed BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_index(op.f("ix_report_update_code_at"), table_name="report_update")
    op.drop_index(op.f("ix_report_update_at"), table_name="report_update")
    op.drop_index(op.f("ix_report_update_analysis_id"), table_name="report_update")
    op.drop_table("report_update")
    op.drop_index(op.f("ix_prediction_horizon_closes_on"), table_name="prediction_horizon")
    op.drop_table("prediction_horizon")
    op.drop_index(op.f("ix_model_evaluation_closed_on"), table_name="model_evaluation")
    op.drop_table("model_evaluation")
    op.drop_index(op.f("ix_watch_item_code"), table_name="watch_item")
    op.drop_table("watch_item")
    op.drop_index(op.f("ix_stock_analysis_code_made_at"), table_name="stock_analysis")
    op.drop_table("stock_analysis")
    op.drop_index(op.f("ix_stock_alias_code"), table_name="stock_alias")
    op.drop_table("stock_alias")
    op.drop_table("quote")
    op.drop_index("uq_prediction_sealed", table_name="prediction", postgresql_where=sa.text("outcome <> 'failed'"))
    op.drop_index(op.f("ix_prediction_model_key"), table_name="prediction")
    op.drop_index(op.f("ix_prediction_code_made_at"), table_name="prediction")
    op.drop_table("prediction")
    op.drop_index(op.f("ix_match_code_article_id"), table_name="match")
    op.drop_table("match")
    op.drop_index(op.f("ix_daily_price_day"), table_name="daily_price")
    op.drop_table("daily_price")
    op.drop_table("daily_coverage")
    op.drop_index(op.f("ix_article_source_article_id"), table_name="article_source")
    op.drop_table("article_source")
    op.drop_table("user")
    op.drop_index(op.f("ix_usage_record_request_id"), table_name="usage_record")
    op.drop_index(op.f("ix_usage_record_at"), table_name="usage_record")
    op.drop_table("usage_record")
    op.drop_table("stock")
    op.drop_table("source_status")
    op.drop_index(op.f("ix_quarantine_source_seen_at"), table_name="quarantine")
    op.drop_table("quarantine")
    op.drop_table("model")
    op.drop_table("kis_token")
    op.drop_index("uq_job_run_running", table_name="job_run", postgresql_where=sa.text("state = 'running'"))
    op.drop_index(op.f("ix_job_run_job_started_at"), table_name="job_run")
    op.drop_table("job_run")
    op.drop_table("job_lock")
    op.drop_table("job_lease")
    op.drop_table("chat")
    op.drop_index("ix_article_unembedded", table_name="article", postgresql_where=sa.text("embedded_as IS NULL"))
    op.drop_index(op.f("ix_article_story_id"), table_name="article")
    op.drop_index(op.f("ix_article_published_at"), table_name="article")
    op.drop_index(op.f("ix_article_first_seen_at"), table_name="article")
    op.drop_index(op.f("ix_article_fingerprint"), table_name="article")
    op.drop_table("article")
    op.execute("DROP FUNCTION refuse_change")
