"""Every declared source keeps the promises of the table: a state after a call, a reaction to every failure, a place in
/sources and in health, and a reason where it is off."""

from __future__ import annotations

import ast
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel
from sqlalchemy import text

from core.clock import ManualClock, kst_date
from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError, Unavailable
from core.health.probes import PROBES
from core.market.queries import store_bars
from core.market.service import DAILY, get_bars, get_quote
from core.news.sources import SOURCES
from core.outside.declared import Family, Why
from core.outside.dual import compare_bars
from core.outside.registry import DECLARED, ENVELOPES, PROVIDERS
from core.outside.service import Mark, Seen, overview, probe
from core.services import Services
from core.sources.compare import comparisons
from core.sources.service import get_source, record_failure
from core.sources.status import Circuit
from core.stocks.queries import get_stock
from core.stocks.service import refresh_stocks
from sim.market import SimMarket, generated_market
from sim.world import World, open_world
from tests.conftest import NOW, OpenServices


class Answer(BaseModel):
    """Anything a model may say."""

    word: str


ROOT = Path(__file__).resolve().parents[2]
ASKED = ("ask_source", "ask_each", "record_success", "record_failure", "quarantine")
ALIVE = [each.key for each in DECLARED.values() if each.probe and each.key != "dart_day_list"]
ERRORS = {
    "blocked": Blocked("refused with 403"),
    "quota": QuotaExceeded("too many calls", retry_at=NOW + timedelta(hours=5)),
    "unavailable": Unavailable("status 503"),
    "malformed": Malformed("not a list"),
}


@pytest.fixture(scope="module")
def market() -> SimMarket:
    return generated_market(7, until=NOW.date() + timedelta(days=5))


@pytest.fixture
async def world(market: SimMarket, clock: ManualClock) -> AsyncIterator[World]:
    async with open_world(market, clock, llm_latency=0.0) as opened:
        yield opened


@pytest.fixture
async def equipped(world: World, open_test_services: OpenServices) -> AsyncIterator[Services]:
    async with open_test_services(**world.settings_overrides()) as services:
        await services.cache.clear()
        await refresh_stocks(services)
        async with services.db.begin() as conn:
            await conn.execute(
                text("INSERT INTO \"user\" (id, name, role, joined_at, seen_at) VALUES (1, 'a', 'member', :at, :at)"),
                {"at": NOW},
            )
            await conn.execute(text("INSERT INTO watch_item VALUES (1, '005930', :at)"), {"at": NOW})
        yield services


async def seen(services: Services, key: str) -> Seen:
    return next(each for each in await overview(services) if each.declared.key == key)


# The table.


def test_every_source_the_code_asks_is_declared() -> None:
    assert {key for path, key in asked_keys() if key not in DECLARED} == set()


def test_everything_noted_of_a_source_lets_admins_be_told() -> None:
    silent = [
        f"{path.name}:{call.lineno}"
        for path in (ROOT / "core").rglob("*.py")
        if path.parts[-2:] != ("sources", "service.py")
        for call in calls(path, ("record_success", "record_failure"))
        if "services" not in {keyword.arg for keyword in call.keywords}
    ]
    assert silent == []


def test_every_source_has_a_place_in_health() -> None:
    assert {each.component for each in DECLARED.values()} <= {each.name for each in PROBES}


def test_every_list_of_news_can_be_put_together_again_of_one_row() -> None:
    assert set(ENVELOPES) == set(SOURCES)


async def test_without_any_setting_each_source_says_why_it_is_off(services: Services) -> None:
    example = (ROOT / ".env.example").read_text()
    found = {each.declared.key: each for each in await overview(services)}
    assert set(found) == set(DECLARED)
    for each in found.values():
        if each.off is None:
            continue
        assert each.mark is Mark.OFF
        names = re.findall("[A-Z]+_[A-Z_]+", each.off.switch)
        assert names or each.declared.family is Family.PAGES
        assert all(f"{name}=" in example for name in names), each.off.switch
    forbidden = {source.key for source in SOURCES.values() if source.robots_forbids}
    assert forbidden
    for key in forbidden:
        off = found[key].off
        assert off is not None
        assert (off.why, off.switch) == (Why.ROBOTS, f"NEWS_SOURCES={key}")
    undecided = {key for key, each in found.items() if each.off and each.off.why is Why.UNDECIDED}
    assert undecided >= {"hankyung_page", "mk_page", "dart_day_list"}


# Each source.


@pytest.mark.parametrize("key", ALIVE)
async def test_a_call_leaves_a_state(equipped: Services, key: str) -> None:
    if key in PROVIDERS:
        await call_model(equipped, key)
    else:
        assert await probe(equipped, key, by=1) is None
    found = await seen(equipped, key)
    assert found.off is None
    assert found.status.last_success_at is not None
    assert found.mark in {Mark.WELL, Mark.HURT}
    assert found.status.failures_in_row == 0


@pytest.mark.parametrize("kind", list(ERRORS))
@pytest.mark.parametrize("key", [key for key in DECLARED if key not in PROVIDERS])
async def test_every_failure_is_kept_shown_and_answered(services: Services, key: str, kind: str) -> None:
    for _ in range(3):
        async with services.db.begin() as conn:
            await record_failure(conn, key, error=ERRORS[kind], at=NOW, services=services)
    async with services.db.read() as conn:
        status = await get_source(conn, key)
    assert (status.failure_kind, status.failures_in_row, status.failed) == (kind, 3, True)
    assert status.circuit(NOW) is Circuit.OPEN
    assert [each["kind"] for each in status.failures] == [kind] * 3
    assert (await seen(services, key)).mark in {Mark.FAILED, Mark.OFF}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_state_of_a_provider_of_models_is_in_its_calls(
    equipped: Services, world: World, provider: str
) -> None:
    await call_model(equipped, provider)
    assert (await seen(equipped, provider)).mark is Mark.WELL
    world.llm.faults.add("close", times=1_000)
    equipped.clock.move(timedelta(minutes=1))  # type: ignore[attr-defined]
    with pytest.raises(StockPilotError):
        await call_model(equipped, provider)
    found = await seen(equipped, provider)
    assert found.mark is Mark.HURT
    assert found.status.failures_in_row >= 1
    assert found.status.last_success_at == NOW
    assert found.quota is not None


async def call_model(services: Services, provider: str) -> None:
    """One paid call that is recorded."""
    if provider == "openai":
        await services.llm.embed(["삼성전자"])
        return
    model = next(key for key in services.settings.llm.models if key.startswith(f"{provider}:"))
    messages = [{"role": "user", "content": "한 마디만 하세요"}]
    await services.llm.complete(model_key=model, purpose="test", request_id="r", messages=messages, schema=Answer)


# Two sources at once.


async def test_the_same_day_of_two_sources_is_compared_and_a_difference_is_told_once(
    equipped: Services, clock: ManualClock
) -> None:
    services = equipped
    assert await compare_bars(services, services.db.begin) is None, "nothing to compare yet"
    async with services.db.read() as conn:
        stock = await get_stock(conn, "005930")
    assert stock is not None
    bars = await get_bars(services, "005930", as_of=clock.now())
    quote = await get_quote(services, stock)
    same = await compare_bars(services, services.db.begin)
    assert same is not None
    assert (same.compared, same.same) == (1, True)
    async with services.db.begin() as conn:
        await conn.execute(text("UPDATE quote SET price = price + 100"))
    for _ in range(2):
        found = await compare_bars(services, services.db.begin)
        assert found is not None
        assert [(each.key, each.field) for each in found.differences] == [("005930", "close")]
        assert (found.differences[0].first, found.differences[0].second) == (bars[-1].close, quote.price + 100)
    async with services.db.begin() as conn:
        (kept,) = await comparisons(conn, of=DAILY)
        told = (await conn.execute(text("SELECT DISTINCT key FROM outbox WHERE kind = 'sources_differ'"))).all()
        stored = (await conn.execute(text("SELECT close FROM daily_price ORDER BY day DESC LIMIT 1"))).scalar_one()
        days = (await conn.execute(text("SELECT count(*), count(DISTINCT day) FROM daily_price"))).one()
    assert (kept.day, kept.differing, kept.first, kept.second) == (kst_date(NOW), 1, "kis_daily", "kis_multi")
    assert [row.key for row in told] == [f"compared:daily_bars:{kst_date(NOW)}"]
    assert stored == bars[-1].close, "what is stored stays as it is"
    assert days[0] == days[1], "nothing is stored twice"


async def test_a_bar_that_only_the_quotes_know_is_missing(equipped: Services, clock: ManualClock) -> None:
    async with equipped.db.read() as conn:
        stock, other = await get_stock(conn, "005930"), await get_stock(conn, "000660")
    assert stock is not None
    assert other is not None
    bars = await get_bars(equipped, "005930", as_of=clock.now())
    for each in (stock, other):
        await get_quote(equipped, each)
    async with equipped.db.begin() as conn:
        await store_bars(conn, "000660", bars[-2:-1], source="KIS", at=NOW)
    found = await compare_bars(equipped, equipped.db.begin)
    assert found is not None
    assert (found.compared, found.only_first, found.only_second) == (1, 0, 1)


# Reading the code.


def calls(path: Path, names: tuple[str, ...]) -> Iterator[ast.Call]:
    """The calls of these functions in a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def asked_keys() -> Iterator[tuple[Path, str]]:
    """The sources that modules ask or note by a constant of theirs."""
    for path in (ROOT / "core").rglob("*.py"):
        constants = dict(strings(ast.parse(path.read_text())))
        for call in calls(path, ASKED):
            if len(call.args) > 1 and isinstance(call.args[1], ast.Name) and call.args[1].id in constants:
                yield path, constants[call.args[1].id]


def strings(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names of a module that stand for texts."""
    for node in tree.body:
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and isinstance(node.value, ast.Constant)
        ):
            yield node.target.id, str(node.value.value)
        if isinstance(node, ast.Assign):
            (target,) = node.targets
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for name, value in zip(names, values, strict=False):
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant):
                    yield name.id, str(value.value)
