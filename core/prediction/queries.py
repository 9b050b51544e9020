"""SQL of predictions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.news.models import ArticleRow, MatchRow
from core.prediction.forecast import Forecast, Odds, Prediction, Statement
from core.prediction.models import ModelRow, PredictionHorizonRow, PredictionRow


@dataclass(frozen=True, kw_only=True, slots=True)
class ArticleCounts:
    """Stories about a stock published in the last 24 hours and seven days."""

    day: int
    week: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A forecaster's row. The least `rank` comes first."""

    key: str
    kind: str
    provider: str
    name: str
    active: bool
    rank: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A prediction about to be sealed: the columns of its row, and its horizons' bands and closing sessions."""

    row: Mapping[str, Any]
    forecast: Forecast | None
    closes_on: Mapping[int, date]
    bands: Mapping[int, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Narrative:
    reasons: tuple[Statement, ...] = ()
    risks: tuple[Statement, ...] = ()
    counter_case: Statement | None = None
    change_of_view: Statement | None = None


_NARRATIVE = TypeAdapter(_Narrative)


async def count_articles(conn: AsyncConnection, code: str, *, as_of: datetime) -> ArticleCounts:
    """How many stories about `code` were published before, and known at, an instant."""
    story = func.coalesce(ArticleRow.story_id, ArticleRow.id)
    row = (
        await conn.execute(
            select(
                func.count(story.distinct()).filter(ArticleRow.published_at > as_of - timedelta(days=1)).label("day"),
                func.count(story.distinct()).label("week"),
            )
            .join(MatchRow, MatchRow.article_id == ArticleRow.id)
            .where(
                MatchRow.code == code,
                ArticleRow.first_seen_at <= as_of,
                ArticleRow.published_at <= as_of,
                ArticleRow.published_at > as_of - timedelta(days=7),
            )
        )
    ).one()
    return ArticleCounts(day=row.day, week=row.week)


async def list_models(conn: AsyncConnection) -> list[Model]:
    """Every model ever used, the active ones first, by rank."""
    columns = (ModelRow.key, ModelRow.kind, ModelRow.provider, ModelRow.name, ModelRow.active, ModelRow.rank)
    rows = await conn.execute(select(*columns).order_by(ModelRow.active.desc(), ModelRow.rank, ModelRow.key))
    return [Model(**row._mapping) for row in rows]


async def sync_models(conn: AsyncConnection, models: Sequence[Model], *, at: datetime) -> None:
    """Make the model table say what `models` say; models no longer named become inactive and stay."""
    wanted = {model.key: model for model in models}
    stored = {model.key: model for model in await list_models(conn)}
    retired = [key for key, model in stored.items() if model.active and key not in wanted]
    if not retired and all(stored.get(key) == model for key, model in wanted.items()):
        return
    values = [asdict(wanted[key]) | {"added_at": at} for key in sorted(wanted)]
    statement = upsert(ModelRow).values(values)
    await conn.execute(
        statement.on_conflict_do_update(
            index_elements=["key"],
            set_={"active": statement.excluded.active, "rank": statement.excluded.rank},
        )
    )
    await conn.execute(update(ModelRow).where(ModelRow.key.in_(retired)).values(active=False))


async def find_sealed(
    conn: AsyncConnection, *, code: str, model_key: str, input_hash: str, prompt_version: str
) -> Prediction | None:
    """The prediction this model already made, or abstained from, on this very input, if any."""
    query = _predictions().where(
        PredictionRow.code == code,
        PredictionRow.model_key == model_key,
        PredictionRow.input_hash == input_hash,
        PredictionRow.prompt_version == prompt_version,
        PredictionRow.outcome != "failed",
    )
    found = await _with_horizons(conn, (await conn.execute(query)).all())
    return found[0] if found else None


async def get_prediction(conn: AsyncConnection, number: int) -> Prediction:
    """The sealed prediction `number`, which exists."""
    row = (await conn.execute(_predictions().where(PredictionRow.id == number))).one()
    return (await _with_horizons(conn, [row]))[0]


async def predictions_for(conn: AsyncConnection, code: str, *, limit: int = 20) -> list[Prediction]:
    """The newest sealed predictions for a stock, newest first."""
    query = _predictions().where(PredictionRow.code == code)
    query = query.order_by(PredictionRow.made_at.desc(), PredictionRow.id.desc()).limit(limit)
    return await _with_horizons(conn, (await conn.execute(query)).all())


async def seal(conn: AsyncConnection, draft: Draft) -> int | None:
    """Store a prediction for good; None when an equal one was sealed by somebody else meanwhile."""
    result = await conn.execute(
        upsert(PredictionRow)
        .values(**draft.row, narrative=_narrative(draft.forecast))
        .on_conflict_do_nothing(
            index_elements=["code", "model_key", "input_hash", "prompt_version"],
            index_where=text("outcome <> 'failed'"),
        )
        .returning(PredictionRow.id)
    )
    number = result.scalar_one_or_none()
    if number is not None:
        await conn.execute(insert(PredictionHorizonRow), [*_horizon_values(number, draft)])
    return number


def _narrative(forecast: Forecast | None) -> dict[str, Any]:
    if forecast is None:
        return {}
    narrative = _Narrative(
        reasons=forecast.reasons,
        risks=forecast.risks,
        counter_case=forecast.counter_case,
        change_of_view=forecast.change_of_view,
    )
    dumped: dict[str, Any] = _NARRATIVE.dump_python(narrative, mode="json")
    return dumped


def _horizon_values(number: int, draft: Draft) -> Iterable[dict[str, Any]]:
    for sessions, closes_on in draft.closes_on.items():
        odds = draft.forecast.odds[sessions] if draft.forecast else None
        yield {
            "prediction_id": number,
            "sessions": sessions,
            "closes_on": closes_on,
            "band": draft.bands[sessions],
            "p_up": odds and odds.up,
            "p_flat": odds and odds.flat,
            "p_down": odds and odds.down,
        }


def _predictions() -> Any:
    row = PredictionRow
    return select(
        row.id,
        row.code,
        row.model_key,
        row.as_of,
        row.made_at,
        row.base_price,
        row.outcome,
        row.failure,
        row.confidence,
        row.short_target,
        row.long_target,
        row.narrative,
        row.prompt_version,
        row.input_hash,
    )


async def _with_horizons(conn: AsyncConnection, rows: Sequence[Any]) -> list[Prediction]:
    horizon = PredictionHorizonRow
    query = select(
        horizon.prediction_id, horizon.sessions, horizon.closes_on, horizon.p_up, horizon.p_flat, horizon.p_down
    ).where(horizon.prediction_id.in_([row.id for row in rows]))
    horizons: defaultdict[int, list[Any]] = defaultdict(list)
    for found in await conn.execute(query.order_by(horizon.sessions)):
        horizons[found.prediction_id].append(found)
    return [_prediction(row, horizons[row.id]) for row in rows]


def _prediction(row: Any, horizons: Sequence[Any]) -> Prediction:
    return Prediction(
        id=row.id,
        code=row.code,
        model_key=row.model_key,
        as_of=row.as_of,
        made_at=row.made_at,
        base_price=row.base_price,
        outcome=row.outcome,
        failure=row.failure,
        forecast=_forecast(row, horizons) if row.outcome == "made" else None,
        closes_on={horizon.sessions: horizon.closes_on for horizon in horizons},
        prompt_version=row.prompt_version,
        input_hash=row.input_hash,
    )


def _forecast(row: Any, horizons: Sequence[Any]) -> Forecast:
    narrative = _NARRATIVE.validate_python(row.narrative)
    return Forecast(
        odds={
            horizon.sessions: Odds(up=horizon.p_up, flat=horizon.p_flat, down=horizon.p_down) for horizon in horizons
        },
        confidence=row.confidence,
        short_target=row.short_target,
        long_target=row.long_target,
        reasons=narrative.reasons,
        risks=narrative.risks,
        counter_case=narrative.counter_case,
        change_of_view=narrative.change_of_view,
    )
