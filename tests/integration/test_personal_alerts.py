"""Personal alerts over a real PostgreSQL: who is told what of the stocks they watch, once, and what is left unsaid."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select, text

from core.alerts import service as alerts
from core.alerts.condition import MOST, ConditionKind, Wanted
from core.alerts.conditions import add_condition, conditions_of, delete_condition
from core.alerts.found import FINDERS, STORIES_AN_HOUR
from core.chats.member import Role
from core.chats.models import UserRow, UserSettingsRow
from core.chats.service import role_of
from core.chats.subscriptions import (
    Mode,
    PersonalKind,
    choose,
    held_until,
    may_be_told,
    modes_of,
    quiet_hours,
    set_quiet_hours,
)
from core.clock import ManualClock, kst
from core.delivery import queries as letters
from core.delivery.alert import Alert, AlertKind
from core.delivery.letter import Destination, HookName
from core.errors import UserError
from core.prediction.forecast import Direction
from core.prediction.signals import Signal
from core.runs.run import RunState
from core.services import Services
from jobs.registry import JOBS
from jobs.run import run_job
from tests.conftest import OpenServices
from tests.integration.alert_facts import (
    FRIDAY,
    HYNIX,
    LONG_AGO,
    PREFERRED,
    SAMSUNG,
    TEN,
    add_people,
    add_stocks,
    article,
    daily_bars,
    filing,
    flow_days,
    outbox,
    price,
    report,
    run_sql,
    watch,
)
from tests.integration.market_stage import stock_of

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


@pytest.mark.parametrize("sign_up", ["open", "invite"])
async def test_whoever_may_use_the_bot_may_be_told_and_nobody_else(
    open_test_services: OpenServices, sign_up: str
) -> None:
    stored = [*Role, "odd"]
    telegram = {"sign_up": sign_up, "admin_ids": tuple(range(100, 105)), "allowed_ids": tuple(range(200, 205))}
    async with open_test_services(telegram=telegram) as services:
        expected = set()
        for kind in range(3):  # anybody, an owner, one who is named in the settings
            for number, role in enumerate(stored, start=kind * 100):
                await add_people(services, [number], role=role)
                if role_of(services, number, role).reaches(Role.MEMBER):
                    expected.add(number)
        async with services.db.read() as conn:
            told = set((await conn.execute(select(UserRow.id).where(may_be_told(services)))).scalars())
    assert told == expected


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


# News, filings, reports


async def test_a_story_is_told_once_however_many_presses_carry_it_and_stocks_it_names(told: Services) -> None:
    await watch(told, HYNIX, [ANN])
    await article(told, 1, SAMSUNG, HYNIX)
    await article(told, 2, SAMSUNG, story=1, press="연합뉴스")
    for number, at in ((3, TEN), (4, TEN + timedelta(minutes=1))):
        await tell(told)
        await article(told, number, SAMSUNG, HYNIX, story=1, at=at)
    await tell(told)
    assert await outbox(told) == [(ANN, "news:1"), (BOB, "news:1"), (CHO, "news:1")]


async def test_of_many_stories_in_an_hour_the_most_relevant_are_told_and_the_others_counted(
    told: Services, clock: ManualClock
) -> None:
    for number in range(1, 6):
        await article(told, number, SAMSUNG, relevance=0.6 + number / 100)
    await article(told, 9, SAMSUNG, relevance=0.5)
    await tell(told, PersonalKind.NEWS)
    mine = await outbox(told, "key, facts ->> 'more'")
    assert mine[:STORIES_AN_HOUR] == [("news:5", "3"), ("news:4", "0")]
    await article(told, 6, SAMSUNG, at=clock.at)
    await tell(told, PersonalKind.NEWS)
    assert len(await outbox(told)) == 2 * STORIES_AN_HOUR
    clock.move(timedelta(hours=1, minutes=1))
    await article(told, 7, SAMSUNG, at=clock.at)
    await tell(told, PersonalKind.NEWS)
    assert [key for who, key in await outbox(told) if who == ANN] == ["news:5", "news:4", "news:7"]


async def test_filings_are_told_with_the_original_of_a_correction_and_without_routine_ones(told: Services) -> None:
    await add_people(told, [31])
    await watch(told, PREFERRED, [31])
    name = "단일판매ㆍ공급계약체결"
    await filing(told, "20260203800001", name, at=TEN - 17 * DAY, day=FRIDAY - 17 * DAY)
    await filing(told, "20260220800001", f"[기재정정]{name}")
    await filing(told, "20260220800002", "임원ㆍ주요주주특정증권등소유상황보고서")
    await filing(told, "20260220800003", name, code=HYNIX, company="SK하이닉스")
    for _ in range(2):
        await tell(told)
    key = "disclosure:20260220800001"
    assert await outbox(told) == [(ANN, key), (BOB, key), (CHO, "disclosure:20260220800003"), (31, key)]
    facts = "facts ->> 'original', facts ->> 'original_day', (facts ->> 'correction')::boolean"
    assert (await outbox(told, facts))[0] == (name, "2026-02-03", True)


async def test_of_scheduled_reports_the_newest_is_told_and_others_never(told: Services) -> None:
    for at, verdict in ((TEN - timedelta(hours=3), "flat"), (TEN, "up")):
        await report(told, SAMSUNG, at=at, verdict=verdict)
    await report(told, HYNIX, reason="asked")
    for _ in range(2):
        await tell(told)
    assert await outbox(told, "chat_id, facts ->> 'verdict', facts ->> 'before', silent") == [
        (ANN, "up", "flat", True),
        (BOB, "up", "flat", True),
    ]


async def test_the_first_run_tells_nothing_that_is_old(told: Services) -> None:
    old = TEN - 2 * DAY
    await article(told, 1, SAMSUNG, at=old)
    await filing(told, "20260218800001", "유상증자결정", at=TEN, day=FRIDAY - 2 * DAY)
    await filing(told, "20260218800002", "유상증자결정", at=old, day=FRIDAY - 2 * DAY)
    await report(told, SAMSUNG, at=old)
    await price(told, SAMSUNG, 120_000, at=old)
    await flow_days(told, SAMSUNG, [-1, 5, 5, 5, 5, 5], at=old)
    assert await tell(told) == alerts.Told()


# Volumes, ranges, flows, signals


async def test_a_volume_is_measured_by_the_time_of_the_session_and_told_once(
    told: Services, clock: ManualClock
) -> None:
    await daily_bars(told, SAMSUNG, 20, volume=1_000)
    noon = clock.at = kst(FRIDAY, time(12, 15))  # half of the session
    await price(told, SAMSUNG, 101_000, at=noon, volume=1_499)
    await tell(told)
    await price(told, SAMSUNG, 101_000, at=noon, volume=1_500)
    for _ in range(2):
        await tell(told)
    assert await outbox(told, "chat_id, key, (facts ->> 'ratio')::float") == [
        (who, "volume:005930:2026-02-20", 3.0) for who in (ANN, BOB)
    ]


async def test_a_split_is_neither_a_surge_nor_a_low(told: Services) -> None:
    await daily_bars(told, SAMSUNG, 250, volume=1_000)
    await price(told, SAMSUNG, 20_500, before=20_000, volume=5_000, year=(20_000, 20_400))
    assert await tell(told) == alerts.Told()


async def test_a_price_outside_its_year_is_told_once_a_session_and_side(told: Services, clock: ManualClock) -> None:
    await daily_bars(told, SAMSUNG, 250)  # from 90,000 to 110,000
    year = (110_000, 90_000)
    await price(told, SAMSUNG, 102_000, volume=1, high=110_000, year=year)
    await tell(told)
    await price(told, SAMSUNG, 102_000, volume=1, high=110_500, year=(110_500, 90_000))
    for _ in range(2):
        await tell(told)
    clock.move(timedelta(minutes=5))
    await price(told, SAMSUNG, 102_000, volume=1, high=111_000, year=(111_000, 90_000), at=clock.at)
    await tell(told)
    assert (
        await outbox(told, "key, facts ->> 'extreme', facts ->> 'before'")
        == [("high_low:005930:2026-02-20:high", "110500", "110000")] * 2
    )


async def test_flows_are_told_when_the_figures_of_the_session_are_in(told: Services, clock: ManualClock) -> None:
    clock.at = kst(FRIDAY, time(16, 5))
    await flow_days(told, SAMSUNG, [-1, 5, 5, 5, 5, 5], at=clock.at)
    for _ in range(2):
        await tell(told)
    assert await outbox(told, "chat_id, key, facts ->> 'streak', facts ->> 'streak_net'") == [
        (who, "flow:005930:2026-02-20", "5", "25") for who in (ANN, BOB)
    ]


@pytest.mark.parametrize(
    ("strategy", "figures", "key", "kind"),
    [
        ("rsi", {"close": 71_000, "rsi": 31.5}, "signal:rsi:005930:2026-02-20", AlertKind.SIGNAL_SEEN),
        (
            "volume_surge",
            {"close": 71_000, "volume_ratio": 3.1, "change_percent": 4.0},
            "volume:005930:2026-02-20",
            AlertKind.VOLUME_SURGED,
        ),
        (
            "new_high",
            {"close": 71_000, "high": 72_000, "high_before": 71_500},
            "high_low:005930:2026-02-20:high",
            AlertKind.HIGH_LOW,
        ),
        ("flow_streak", {"net_buying": 12_000}, "flow:005930:2026-02-20", AlertKind.FLOW_UNUSUAL),
    ],
)
async def test_a_signal_is_told_as_what_it_is_unless_that_was_told_of_the_session(
    told: Services, clock: ManualClock, strategy: str, figures: dict[str, float], key: str, kind: AlertKind
) -> None:
    clock.at = kst(FRIDAY, time(15, 50))
    signal, stock = Signal(day=FRIDAY, direction=Direction.UP, figures=figures), await stock_of(told, SAMSUNG)
    for _ in range(2):
        async with told.db.begin() as conn:
            await alerts.tell_signal(told, conn, strategy, stock, signal)
    assert await outbox(told, "chat_id, key, kind") == [(who, key, kind) for who in (ANN, BOB)]


async def test_a_signal_found_days_late_is_told_to_nobody(told: Services, clock: ManualClock) -> None:
    clock.at = kst(FRIDAY, time(15, 50)) + 2 * DAY
    signal = Signal(day=FRIDAY, direction=Direction.UP, figures={"rsi": 31.0})
    async with told.db.begin() as conn:
        assert await alerts.tell_signal(told, conn, "rsi", await stock_of(told, SAMSUNG), signal) == alerts.Told()


# Quiet hours


async def test_quiet_hours_hold_back_what_can_wait_and_drop_what_cannot(told: Services, clock: ManualClock) -> None:
    for who, end in ((ANN, time(10, 30)), (BOB, time(12))):
        await quiet(told, who, time(9), end)
    await price(told, SAMSUNG, 103_000)
    await article(told, 1, SAMSUNG)
    await tell(told, PersonalKind.PRICE, PersonalKind.NEWS)
    assert await outbox(told, "chat_id, key, state, error") == [
        (who, *letter)
        for who in (ANN, BOB)
        for letter in (
            ("price:005930:2026-02-20:+3", "dropped", "quiet hours"),
            ("news:1", "waiting", None),
        )
    ]
    ends = [kst(FRIDAY, time(10, 30)), kst(FRIDAY, time(12))]
    assert await outbox(told, "not_before") == [(end,) for end in ends for _ in range(2)]


async def test_a_letter_kept_for_later_holds_up_no_other_and_is_told_in_its_time(
    told: Services, clock: ManualClock
) -> None:
    await quiet(told, ANN, time(9), time(12))
    await article(told, 1, SAMSUNG)
    await tell(told, PersonalKind.NEWS)
    urgent = Alert(kind=AlertKind.JOB_FAILED, key="j", facts={})
    async with told.db.begin() as conn:
        await letters.add(conn, urgent, [Destination(HookName.TELEGRAM, ANN)], at=clock.at)

    async def claimed() -> list[str]:
        taken = []
        async with told.db.begin() as conn:
            while letter := await letters.claim(conn, at=clock.at, hooks=[HookName.TELEGRAM], busy=[BOB]):
                taken.append(letter.alert.key)
                await conn.execute(text("UPDATE outbox SET state = 'sent' WHERE id = :id"), {"id": letter.id})
        return taken

    async with told.db.read() as conn:
        state = await letters.outbox_state(conn)
        assert (state.depth, state.oldest_at) == (3, clock.at)
        assert await letters.waiting(conn, hooks=[HookName.TELEGRAM], at=clock.at) == 2
    assert await claimed() == ["j"]
    clock.at = kst(FRIDAY, time(11, 59))
    assert await claimed() == []
    clock.at = kst(FRIDAY, time(12))
    assert await claimed() == ["news:1"]


ZONES = ("Asia/Seoul", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")


async def test_quiet_hours_end_by_the_clock_of_each_person_wherever_midnight_and_summer_time_lie(
    services: Services,
) -> None:
    """Every case of many at once, against a walk minute by minute along the person's own clock."""
    at = st.integers(0, 365 * 24 * 60).map(lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute))
    minutes = st.integers(0, 23 * 60 + 59).map(lambda minute: time(*divmod(minute, 60)))
    cases: list[tuple[datetime, time, time, str]] = []

    @given(at, minutes, minutes, st.sampled_from(ZONES))
    def gather(moment: datetime, start: time, end: time, zone: str) -> None:
        cases.append((moment, start, end, zone))

    gather()
    await add_people(services, range(1, len(cases) + 1))
    for number, (moment, start, end, zone) in enumerate(cases, start=1):
        await quiet(services, number, start, end, zone)
        async with services.db.read() as conn:
            query = select(held_until(moment)).where(UserSettingsRow.user_id == number)
            held = (await conn.execute(query)).scalar_one()
        expected, there = walked(moment, start, end, zone), ZoneInfo(zone)
        shifted = moment.astimezone(there).utcoffset() != held.astimezone(there).utcoffset()
        slack = timedelta(hours=1) if shifted else timedelta()  # an hour that is skipped or comes twice
        assert timedelta() <= held - expected <= slack, (moment, start, end, zone)


def walked(moment: datetime, start: time, end: time, zone: str) -> datetime:
    """When a clock first shows no quiet minute."""
    at = moment
    while quiet_at(at.astimezone(ZoneInfo(zone)).time(), start, end):
        at += timedelta(minutes=1)
    return at


def quiet_at(now: time, start: time, end: time) -> bool:
    return start <= now < end if start <= end else now >= start or now < end


# Conditions


async def condition(
    services: Services, kind: ConditionKind, threshold: str, *, who: int = ANN, hours: int = 24
) -> None:
    wanted = Wanted(kind=kind, threshold=Decimal(threshold), cooldown=timedelta(hours=hours))
    await add_condition(services, who, SAMSUNG, wanted)


async def test_a_condition_is_told_to_its_owner_alone_and_again_only_after_it_rested(
    told: Services, clock: ManualClock
) -> None:
    await add_people(told, [41])
    await condition(told, ConditionKind.PRICE_ABOVE, "80000", who=41, hours=1)
    told_at: list[int] = []
    for minutes in range(0, 150, 10):
        clock.at = TEN + timedelta(minutes=minutes)
        await price(told, SAMSUNG, 80_000, before=79_000, at=clock.at)
        await tell(told, PersonalKind.PRICE)
        if len(await outbox(told)) > len(told_at):
            told_at.append(minutes)
    assert told_at == [0, 60, 120]
    assert {row[0] for row in await outbox(told)} == {41}


@pytest.mark.parametrize(
    ("kind", "threshold", "holds", "holds_not"),
    [
        (ConditionKind.PRICE_ABOVE, "101000", (101_000, 1), (100_999, 1)),
        (ConditionKind.PRICE_BELOW, "99000", (99_000, 1), (99_001, 1)),
        (ConditionKind.CHANGE_EITHER, "2.5", (97_500, 1), (102_499, 1)),
        (ConditionKind.CHANGE_UP, "2.5", (102_500, 1), (97_000, 1)),
        (ConditionKind.CHANGE_DOWN, "2.5", (97_500, 1), (102_900, 1)),
        (ConditionKind.VOLUME_TIMES, "2", (100_000, 1_000), (100_000, 999)),
    ],
)
async def test_each_kind_of_condition_holds_exactly_there(
    told: Services,
    clock: ManualClock,
    kind: ConditionKind,
    threshold: str,
    holds: tuple[int, int],
    holds_not: tuple[int, int],
) -> None:
    clock.at = kst(FRIDAY, time(12, 15))  # half of the session
    await daily_bars(told, SAMSUNG, 20, volume=1_000)
    await condition(told, kind, threshold)
    keys = []
    for now, volume in (holds_not, holds):
        await price(told, SAMSUNG, now, volume=volume, at=clock.at)
        await tell(told, PersonalKind.PRICE)
        keys.append([key for _, key in await outbox(told) if key.startswith("rule:")])
    assert [len(each) for each in keys] == [0, 1]
    ((facts,),) = [row for row in await outbox(told, "facts") if "rule" in row[0]]
    assert (facts["condition"], Decimal(str(facts["threshold"])), facts["price"]) == (
        kind,
        Decimal(threshold),
        holds[0],
    )
    assert datetime.fromisoformat(facts["at"]) == clock.at


async def test_conditions_of_many_cost_no_statement_more(told: Services) -> None:
    statements: list[str] = []
    event.listen(told.db._engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    await add_people(told, range(1_000, 3_000))
    await run_sql(
        told,
        "INSERT INTO alert_rule (user_id, code, kind, threshold, cooldown_seconds, created_at)"
        " SELECT id, '005930', 'price_above', 80000, 3600, :at FROM generate_series(1000, 2999) AS given (id)",
        at=LONG_AGO,
    )
    await price(told, SAMSUNG, 100_000)
    statements.clear()
    assert await tell(told, PersonalKind.PRICE) == alerts.Told(letters=2_000)
    assert len(statements) < 10


async def test_several_who_tell_at_once_tell_nothing_twice(told: Services) -> None:
    await add_people(told, range(1_000, 1_200))
    await watch(told, SAMSUNG, range(1_000, 1_200))
    for who in range(1_000, 1_200, 10):
        await condition(told, ConditionKind.PRICE_ABOVE, "80000", who=who)
    for number in range(1, 3):
        await article(told, number, SAMSUNG)
    await price(told, SAMSUNG, 106_000)
    other = replace(told, clock=ManualClock(told.clock.now() + timedelta(seconds=1)))
    await asyncio.gather(*(tell(each) for each in (told, other) for _ in range(3)))
    keys = [key for _, key in await outbox(told)]
    assert len([key for key in keys if key.startswith("rule:")]) == 20
    assert len([key for key in keys if key.startswith("price:")]) == 202
    assert len(keys) == 20 + 3 * 202


async def test_a_condition_is_kept_once_and_there_are_only_so_many(told: Services) -> None:
    for hours in (1, 2):
        await condition(told, ConditionKind.PRICE_ABOVE, "80000", hours=hours)
    async with told.db.read() as conn:
        (kept,) = await conditions_of(conn, ANN)
    assert (kept.name, kept.cooldown) == ("삼성전자", timedelta(hours=2))
    for number in range(1, MOST):
        await condition(told, ConditionKind.PRICE_ABOVE, str(80_000 + number))
    with pytest.raises(UserError, match="30개까지"):
        await condition(told, ConditionKind.PRICE_BELOW, "1")
    async with told.db.begin() as conn:
        assert not await delete_condition(conn, BOB, kept.id)
        assert await delete_condition(conn, ANN, kept.id)
    await condition(told, ConditionKind.PRICE_BELOW, "1")


async def test_nothing_is_left_of_whoever_leaves(told: Services) -> None:
    await chosen(told, ANN, PersonalKind.NEWS, Mode.OFF)
    await quiet(told, ANN, time(22), time(7))
    await condition(told, ConditionKind.PRICE_ABOVE, "80000")
    await run_sql(told, 'DELETE FROM "user" WHERE id = 11')
    async with told.db.read() as conn:
        for table in ("subscription", "user_settings", "alert_rule"):
            assert (await conn.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0
        assert await quiet_hours(conn, ANN) is None


# The job


async def test_the_job_tells_every_kind_and_forgets_what_is_long_past(told: Services) -> None:
    await run_sql(told, "INSERT INTO alert_event VALUES ('old', 'news', '005930', :at, true)", at=LONG_AGO - DAY)
    await price(told, SAMSUNG, 103_000)
    await article(told, 1, SAMSUNG)
    await filing(told, "20260220800001", "유상증자결정")
    assert await run_job(told, JOBS["dispatch_alerts"], TEN, owner="test") is RunState.SUCCEEDED
    kinds = {kind for (kind,) in await outbox(told, "kind")}
    assert kinds == {AlertKind.PRICE_MOVED, AlertKind.STORY, AlertKind.FILING}
    async with told.db.read() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM alert_event WHERE key = 'old'"))).scalar_one() == 0


async def test_each_of_several_letters_of_one_kind_goes_to_its_own_person(told: Services, clock: ManualClock) -> None:
    each = [
        letters.Personal(
            user_id=who,
            mode=mode,
            alert=Alert(kind=AlertKind.STORY, key=f"own:{who}", facts={"name": "가", "more": who}),
        )
        for who, mode in ((ANN, Mode.ON), (BOB, Mode.SILENT))
    ]
    for new in (2, 0):
        async with told.db.begin() as conn:
            assert await letters.add_each(conn, each, at=clock.at, since=clock.at) == new
    assert await outbox(told, "chat_id, key, silent, facts ->> 'name', facts ->> 'more'") == [
        (ANN, "own:11", False, "가", "11"),
        (BOB, "own:12", True, "가", "12"),
    ]
