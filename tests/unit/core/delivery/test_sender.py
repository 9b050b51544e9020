"""The sender over the real outbox: what is told when, and what a crash, a stop or a lost connection leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.chats.subscriptions import set_quiet_hours
from core.clock import ManualClock
from core.delivery import queries
from core.delivery.alert import LIFETIME, PERSONAL, AlertKind
from core.delivery.letter import (
    Delivered,
    Destination,
    HookName,
    Letter,
    Moved,
    NotSent,
    Outcome,
    Refused,
    TooFast,
    Unknown,
    Unreachable,
)
from core.delivery.pace import A_SECOND
from core.delivery.queries import OutboxState, outbox_state, prune
from core.delivery.sender import IN_FLIGHT, Beat, drain, send_forever
from core.delivery.service import tell_admins
from core.errors import Fenced
from core.services import Services
from tests.conftest import NOW, OpenServices
from tests.unit.core.delivery.outbox import Held, Kept, make_alert, put, rows

DONE = Delivered()


class StandingClock(ManualClock):
    """A clock on which nobody wakes by himself."""

    async def sleep(self, seconds: float) -> None:
        """Never over."""
        await asyncio.Event().wait()


@asynccontextmanager
async def sending(services: Services, hook: Kept, beat: Beat | None = None) -> AsyncIterator[asyncio.Task[None]]:
    """A sender at work until the block ends."""
    hooks = {HookName.TELEGRAM: hook}
    work = send_forever(services, beat, hooks=hooks) if beat else send_forever(services, hooks=hooks)
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        if not task.cancelling():
            task.cancel()
        await asyncio.wait({task})


async def until(services: Services, state: str, count: int = 1) -> None:
    """Wait until so many letters are in a state."""
    async with asyncio.timeout(20):
        while [each for (each,) in await rows(services.db, "state")].count(state) < count:
            pass


async def test_everything_is_told_once_in_the_order_of_each_chat(services: Services) -> None:
    hook = Kept()
    for key in "abcd":
        await put(services.db, key, chats=(1, 2, -3))
        await put(services.db, key, chats=(1, 2, -3))
    await drain(services, hooks={HookName.TELEGRAM: hook})
    assert len(hook.told) == 12
    for chat in (1, 2, -3):
        assert [key for where, key in hook.told if where == chat] == list("abcd")
    assert {state for (state,) in await rows(services.db, "state")} == {"sent"}


async def test_an_alert_for_a_hundred_thousand_chats_is_written_at_once(services: Services) -> None:
    everybody = [Destination(HookName.TELEGRAM, chat) for chat in range(1, 100_001)]
    async with services.db.begin() as conn:
        assert await queries.add(conn, make_alert("a"), everybody, at=NOW) == 100_000
        assert await queries.add(conn, make_alert("a"), everybody, at=NOW) == 0
        assert (await outbox_state(conn)).depth == 100_000


async def test_what_is_urgent_does_not_wait_for_two_thousand_briefs(services: Services) -> None:
    """It takes along what stands before it in its own chat, and comes a second after it."""
    hook = Kept()
    await put(services.db, "brief", chats=range(1, 2_001), kind=AlertKind.BRIEF)
    await put(services.db, "story", chats=(3_001,), kind=AlertKind.STORY)
    await put(services.db, "price", chats=(1_500, 3_000), kind=AlertKind.PRICE_MOVED)
    await put(services.db, "job", chats=(1_700, 3_002), kind=AlertKind.JOB_FAILED)
    async with sending(services, hook):
        await until(services, "sent", 5 + A_SECOND + IN_FLIGHT)
    assert hook.told[:5] == [(1_700, "brief"), (3_002, "job"), (1_500, "brief"), (3_000, "price"), (3_001, "story")]
    assert {(1_700, "job"), (1_500, "price")} < set(hook.told[5:])
    assert len([key for _, key in hook.told[5:] if key == "brief"]) >= A_SECOND - IN_FLIGHT, "nobody stands idle"


async def test_what_is_not_committed_is_not_told(services: Services) -> None:
    hook = Kept()
    with suppress(ZeroDivisionError):
        async with services.db.begin() as conn:
            await queries.add(conn, make_alert("a"), [Destination(HookName.TELEGRAM, 1)], at=NOW)
            _ = 1 / 0
    await drain(services, hooks={HookName.TELEGRAM: hook})
    assert hook.told == []


async def test_a_hundred_chats_take_as_long_as_the_limit_says(services: Services, clock: ManualClock) -> None:
    await put(services.db, "a", chats=range(1, 101))
    await drain(services, hooks={HookName.TELEGRAM: Kept()})
    assert clock.now() - NOW >= timedelta(seconds=98 / A_SECOND)


async def test_a_chat_is_told_once_a_second_and_a_group_twenty_times_a_minute(
    services: Services, clock: ManualClock
) -> None:
    for number in range(21):
        await put(services.db, str(number), chats=(-7,))
    await drain(services, hooks={HookName.TELEGRAM: Kept()})
    ((first, *_, last),) = [[at for (at,) in await rows(services.db, "sent_at")]]
    assert last - first >= timedelta(seconds=60)


async def test_at_most_four_are_on_their_way_and_one_in_a_chat(services: Services) -> None:
    hook = Held()
    for key in "abc":
        await put(services.db, key, chats=range(1, 10))
    async with sending(services, hook):
        await until(services, "sending", IN_FLIGHT)
        hook.let_go.set()
        await until(services, "sent", 27)
    assert hook.most == IN_FLIGHT


async def test_a_new_letter_wakes_the_sender(open_test_services: OpenServices) -> None:
    hook = Kept()
    async with open_test_services(at=StandingClock(NOW)) as services, sending(services, hook):
        await listening(services)
        await put(services.db, "a")
        await until(services, "sent")
    assert hook.told == [(1, "a")]


async def listening(services: Services) -> None:
    """Wait until the sender listens."""
    async with asyncio.timeout(20), services.db.read() as conn:
        while not (await conn.execute(text("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"))).first():
            pass


async def test_what_a_dead_sender_had_taken_up_is_told_again_and_marked(services: Services) -> None:
    hook = Kept()
    await put(services.db, "a", chats=(1, 2))
    async with services.db.begin() as conn:
        assert await queries.claim(conn, at=NOW, hooks=[HookName.TELEGRAM], busy=[])
    await drain(services, hooks={HookName.TELEGRAM: hook})
    assert await rows(services.db) == [(1, "a", "sent", True), (2, "a", "sent", False)]
    assert [letter.repeated for letter in hook.letters] == [True, False]


async def test_a_stopped_sender_waits_for_what_is_on_its_way(services: Services) -> None:
    hook = Held()
    await put(services.db, "a", chats=(1,))
    async with sending(services, hook) as task:
        await until(services, "sending")
        task.cancel()
        await put(services.db, "b", chats=(2,))
        await asyncio.sleep(0)
        hook.let_go.set()
    assert await rows(services.db) == [(1, "a", "sent", False), (2, "b", "waiting", False)]


async def test_a_second_sender_stands_by_until_the_first_one_ends(services: Services) -> None:
    first, second = Held(), Kept()
    await put(services.db, "a", chats=(1, 2, 3, 4, 5))
    async with sending(services, first):
        await until(services, "sending", IN_FLIGHT)
        async with sending(services, second):
            first.let_go.set()
            await until(services, "sent", 5)
            assert second.told == []
    async with sending(services, second):
        await put(services.db, "b")
        await until(services, "sent", 6)
    assert second.told == [(1, "b")]


async def test_a_lost_connection_repeats_nothing_that_is_known_to_have_arrived(services: Services) -> None:
    hook = Held()
    await put(services.db, "a", chats=(1, 2))
    async with sending(services, hook):
        await until(services, "sending", 2)
        async with services.db.read() as conn:
            await conn.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
            )
        hook.let_go.set()
        await until(services, "sent", 2)
    assert hook.told == [(1, "a"), (2, "a")]
    assert await rows(services.db) == [(1, "a", "sent", False), (2, "a", "sent", False)]


async def test_a_heartbeat_that_is_refused_ends_the_sender(services: Services) -> None:
    async def refuse() -> None:
        raise Fenced

    async with sending(services, Kept(), refuse) as task:
        with pytest.raises(Fenced):
            await task


async def test_too_fast_is_waited_out_and_is_no_repeat(services: Services, clock: ManualClock) -> None:
    answers: list[Outcome] = [TooFast(timedelta(seconds=40))]
    hook = Kept(lambda _: answers.pop() if answers else Unknown("?"))
    await put(services.db, "a", kind=AlertKind.SIGNAL)
    await drain(services, hooks={HookName.TELEGRAM: hook})
    assert clock.now() - NOW >= timedelta(seconds=40)
    assert await rows(services.db) == [(1, "a", "parked", False)]


async def test_a_blocked_chat_loses_what_waits_for_it_and_no_other_does(services: Services) -> None:
    hook = Kept(lambda letter: Unreachable("blocked") if letter.to.chat_id == 1 else Unknown("?"))
    async with services.db.begin() as conn:
        await conn.execute(text("INSERT INTO chat (id, kind, reachable, seen_at) VALUES (1, 'private', true, now())"))
    for key in "abc":
        await put(services.db, key, chats=(1, 2), kind=AlertKind.SIGNAL)
    await drain(services, hooks={HookName.TELEGRAM: hook})
    assert [key for where, key in hook.told if where == 1] == ["a"]
    assert {row[2] for row in await rows(services.db) if row[0] == 1} == {"dropped"}
    assert {row[2] for row in await rows(services.db) if row[0] == 2} == {"parked"}
    async with services.db.read() as conn:
        assert (await conn.execute(text("SELECT reachable FROM chat WHERE id = 1"))).scalar_one() is False


async def test_what_waits_while_quiet_hours_begin_is_kept_until_they_end_and_the_admins_alerts_are_not(
    services: Services, clock: ManualClock
) -> None:
    """Nobody is woken because Telegram was out of reach until late."""
    begin, end = NOW + timedelta(minutes=30), NOW + timedelta(minutes=90)
    async with services.db.begin() as conn:
        person = "INSERT INTO \"user\" (id, name, role, joined_at, seen_at) VALUES (2, 'p', 'member', now(), now())"
        await conn.execute(text(person))
        await set_quiet_hours(conn, 2, (begin.time(), end.time()))
        await conn.execute(text("UPDATE user_settings SET time_zone = 'UTC'"))
    for key, chat, kind in (
        ("job", 1, AlertKind.JOB_FAILED),
        ("story", 2, AlertKind.STORY),
        ("volume", 2, AlertKind.VOLUME_SURGED),
        ("job", 2, AlertKind.JOB_FAILED),
    ):
        await put(services.db, key, chats=(chat,), kind=kind)

    def out_of_reach(_: Letter) -> Outcome:
        down = clock.now() < begin
        clock.at = max(clock.now(), begin)
        return NotSent("down") if down else DONE

    hook = Kept(out_of_reach)
    await drain(services, hooks={HookName.TELEGRAM: hook})
    assert sorted(hook.told[1:]) == [(1, "job"), (2, "job")]
    assert await rows(services.db, f"key, state, error, not_before >= '{end}'") == [
        ("job", "sent", None, False),
        ("story", "waiting", None, True),
        ("volume", "dropped", "quiet hours", True),
        ("job", "sent", None, False),
    ]
    clock.at = end
    await drain(services, hooks={HookName.TELEGRAM: hook})
    assert hook.told[3:] == [(2, "story")]


async def test_a_chat_that_was_never_seen_is_known_as_out_of_reach_once_it_refused(
    services: Services, clock: ManualClock
) -> None:
    hooks = {HookName.TELEGRAM: Kept(lambda _: Unreachable("Chat not found"))}
    await put(services.db, "a", chats=(1, -5))
    await drain(services, hooks=hooks)
    async with services.db.read() as conn:
        seen = list(await conn.execute(text("SELECT id, kind, reachable FROM chat ORDER BY id")))
    assert seen == [(-5, "group", False), (1, "private", False)]


async def test_a_moved_chat_gets_everything_under_its_new_id_and_nothing_twice(services: Services) -> None:
    hook, hooks = Kept(), {HookName.TELEGRAM: Kept(lambda letter: Moved(-100) if letter.to.chat_id == -1 else DONE)}
    await put(services.db, "a", chats=(-1,))
    await drain(services, hooks={HookName.TELEGRAM: hook})
    for key in "bcd":
        await put(services.db, key, chats=(-1,))
    await put(services.db, "c", chats=(-100,))
    await drain(services, hooks=hooks)
    await put(services.db, "a", chats=(-100,))
    assert sorted(hooks[HookName.TELEGRAM].told) == [(-100, "b"), (-100, "c"), (-100, "d"), (-1, "b")]
    assert await rows(services.db, "chat_id, key, state") == [
        (-100, "a", "sent"),
        (-100, "b", "sent"),
        (-1, "c", "dropped"),
        (-100, "d", "sent"),
        (-100, "c", "sent"),
    ]


async def test_a_hook_that_raises_fails_its_letter_alone(services: Services) -> None:
    def answer(letter: Letter) -> Outcome:
        if letter.alert.key == "a":
            raise ValueError("no words")
        return Refused("too odd")

    for key in "ab":
        await put(services.db, key)
    await drain(services, hooks={HookName.TELEGRAM: Kept(answer)})
    assert await rows(services.db, "key, state, error") == [("a", "failed", "ValueError"), ("b", "failed", "too odd")]


async def test_what_cannot_be_told_in_time_is_dropped_and_counted(services: Services, clock: ManualClock) -> None:
    def out_of_reach(_: Letter) -> Outcome:
        clock.move(timedelta(hours=4))
        return NotSent("down")

    hook = Kept(out_of_reach)
    await put(services.db, "a")
    await drain(services, hooks={HookName.TELEGRAM: hook})
    assert NOW + LIFETIME <= clock.now() < NOW + LIFETIME + timedelta(hours=5)
    assert await rows(services.db, "state, error, repeated") == [("dropped", "too late", False)]
    assert len(hook.told) == 6


async def test_a_webhook_that_hangs_does_not_hold_up_the_chats(services: Services) -> None:
    slow, quick = Held(), Kept()
    async with services.db.begin() as conn:
        for key in "abcdef":
            to = [Destination(HookName.WEBHOOK), Destination(HookName.TELEGRAM, 1)]
            await queries.add(conn, make_alert(key), to, at=NOW)
    task = asyncio.create_task(drain(services, hooks={HookName.WEBHOOK: slow, HookName.TELEGRAM: quick}))
    await until(services, "sent", 6)
    slow.let_go.set()
    await task
    assert (slow.most, [key for _, key in slow.told]) == (1, list("abcdef"))


async def test_every_admin_the_log_and_the_webhook_are_told_once(
    open_test_services: OpenServices,
) -> None:
    groups = {"telegram": {"admin_ids": (7, 8)}, "alert": {"webhook_url": "https://alerts.test/x"}}
    async with open_test_services(**groups) as services:
        for _ in range(2):
            async with services.db.begin() as conn:
                await tell_admins(services, conn, make_alert("a"))
        assert await rows(services.db, "hook, chat_id, state") == [
            ("log", None, "sent"),
            ("telegram", 7, "waiting"),
            ("telegram", 8, "waiting"),
            ("webhook", None, "waiting"),
        ]


async def test_the_state_of_the_outbox_counts_every_end(services: Services) -> None:
    ends: dict[str, Outcome] = {"a": Unreachable("x"), "b": Refused("x"), "c": Unknown("x")}
    for number, key in enumerate(ends, start=1):
        await put(services.db, key, chats=(number,), kind=AlertKind.SIGNAL)
    await drain(services, hooks={HookName.TELEGRAM: Kept(lambda letter: ends[letter.alert.key])})
    await put(services.db, "d")
    async with services.db.begin() as conn:
        lost = OutboxState(depth=1, oldest_at=NOW, failed=1, dropped=1, parked=1, repeated=0)
        assert await outbox_state(conn) == lost
        later = await outbox_state(conn, since=NOW + timedelta(seconds=1))
        assert later == replace(lost, failed=0, dropped=0, parked=0)
        soon = NOW + timedelta(seconds=1)
        assert await prune(conn, before=soon, kinds=PERSONAL) == 0
        assert await prune(conn, before=soon) == 3
        assert (await outbox_state(conn)).depth == 1
