"""Personal alerts over a real PostgreSQL: who is told what of the stocks they watch, once, and what is left unsaid."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from sqlalchemy import event, text

from core.alerts import service as alerts
from core.alerts.found import FINDERS
from core.chats.subscriptions import Mode, PersonalKind, choose, modes_of, set_quiet_hours
from core.clock import ManualClock
from core.services import Services
from tests.integration.alert_facts import (
    HYNIX,
    LONG_AGO,
    SAMSUNG,
    TEN,
    add_people,
    add_stocks,
    article,
    outbox,
    price,
    run_sql,
    watch,
)

ANN, BOB, CHO = 11, 12, 13
DAY = timedelta(days=1)


@pytest.fixture
async def told(services: Services, clock: ManualClock) -> Services:
    """Ten in the morning; Ann and Bob watch one stock, Cho another."""
    clock.at = TEN + timedelta(minutes=1)
    await add_stocks(services)
    await add_people(services, [ANN, BOB, CHO])
    await watch(services, SAMSUNG, [ANN, BOB])
    await watch(services, HYNIX, [CHO])
    return services


async def tell(services: Services, *kinds: PersonalKind) -> alerts.Told:
    async with services.db.begin() as conn:
        return await alerts.tell(services, conn, kinds or tuple(FINDERS))


async def chosen(services: Services, user_id: int, kind: PersonalKind, mode: Mode) -> None:
    async with services.db.begin() as conn:
        await choose(conn, user_id, kind, mode)


async def quiet(services: Services, user_id: int, start: time, end: time, zone: str = "Asia/Seoul") -> None:
    async with services.db.begin() as conn:
        await set_quiet_hours(conn, user_id, (start, end))
        await conn.execute(
            text("UPDATE user_settings SET time_zone = :zone WHERE user_id = :id"), {"zone": zone, "id": user_id}
        )


def both(key: str) -> list[tuple[int, str]]:
    return [(ANN, key), (BOB, key)]


# Prices


async def test_a_step_of_the_price_is_told_once_a_session_to_whoever_watches(
    told: Services, clock: ManualClock
) -> None:
    await price(told, SAMSUNG, 103_000)
    for _ in range(2):
        await tell(told)
    assert await outbox(told) == both("price:005930:2026-02-20:+3")
    for minute, now in enumerate((102_000, 103_500, 97_000, 103_100), start=2):
        clock.at = TEN + timedelta(minutes=minute)
        await price(told, SAMSUNG, now, at=clock.at)
        await tell(told)
    assert await outbox(told) == [
        (who, f"price:005930:2026-02-20:{step}") for who in (ANN, BOB) for step in ("+3", "-3")
    ]


async def test_of_several_steps_at_once_only_the_largest_is_told(told: Services, clock: ManualClock) -> None:
    await price(told, SAMSUNG, 111_000)
    await tell(told)
    clock.move(timedelta(minutes=1))
    await price(told, SAMSUNG, 106_000, at=clock.at)
    await tell(told)
    assert await outbox(told) == both("price:005930:2026-02-20:+10")


async def test_a_stale_price_and_one_of_another_session_tell_nothing(told: Services) -> None:
    for at in (TEN - timedelta(minutes=20), TEN - DAY):
        await price(told, SAMSUNG, 110_000, at=at)
        await tell(told)
    assert await outbox(told) == []


# Who is told


async def test_who_is_told_is_decided_by_their_choice_their_role_and_since_when_they_watch(
    told: Services, clock: ManualClock
) -> None:
    await add_people(told, [21], role="blocked")
    await add_people(told, [22], role="waiting")
    await add_people(told, [23, 24, 25])
    await watch(told, SAMSUNG, [21, 22, 23, 24])
    await watch(told, SAMSUNG, [25], at=clock.at)
    await run_sql(
        told, "INSERT INTO chat (id, kind, reachable, seen_at) VALUES (23, 'private', false, :at)", at=LONG_AGO
    )
    await chosen(told, 24, PersonalKind.PRICE, Mode.OFF)
    await chosen(told, BOB, PersonalKind.PRICE, Mode.SILENT)
    await price(told, SAMSUNG, 103_000)
    await tell(told)
    waiting = [22] if told.settings.telegram.sign_up == "open" else []
    assert await outbox(told, "chat_id, silent") == [(ANN, False), (BOB, True), *((who, False) for who in waiting)]


async def test_a_kind_turned_on_later_tells_nothing_of_before(told: Services) -> None:
    await chosen(told, ANN, PersonalKind.NEWS, Mode.OFF)
    await article(told, 1, SAMSUNG)
    await tell(told)
    await chosen(told, ANN, PersonalKind.NEWS, Mode.ON)
    await tell(told)
    assert await outbox(told) == [(BOB, "news:1")]


async def test_every_choice_is_kept_and_the_others_stay_as_they_are(told: Services) -> None:
    await chosen(told, ANN, PersonalKind.BRIEF, Mode.OFF)
    await chosen(told, ANN, PersonalKind.BRIEF, Mode.SILENT)
    async with told.db.read() as conn:
        mine, others = await modes_of(conn, ANN), await modes_of(conn, BOB)
    assert mine == {**others, PersonalKind.BRIEF: Mode.SILENT}
    assert list(mine) == list(PersonalKind)


async def test_ten_thousand_who_watch_cost_no_statement_more_than_two(told: Services) -> None:
    statements: list[str] = []

    async def counted() -> int:
        statements.clear()
        await tell(told, PersonalKind.PRICE)
        return len(statements)

    engine = told.db._engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    await price(told, SAMSUNG, 103_000)
    few = await counted()
    await add_people(told, range(1_000, 11_000))
    await watch(told, SAMSUNG, range(1_000, 11_000))
    await price(told, SAMSUNG, 105_000)
    assert await counted() == few
    assert len(await outbox(told)) == 10_004
