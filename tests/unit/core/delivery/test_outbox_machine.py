"""Any order of writing, telling, crashing, moving, blocking and expiring loses nothing and keeps every chat's order.

What is kept for the end of somebody's quiet hours is told after them, or is too late; it holds up nothing else.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from datetime import datetime, time, timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from core.chats.subscriptions import Mode
from core.clock import kst
from core.db import Database
from core.delivery import queries
from core.delivery.alert import LIFETIMES, AlertKind
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
    step,
)
from core.delivery.queries import Personal
from core.delivery.sender import IN_FLIGHT
from tests.conftest import NOW
from tests.unit.core.delivery.outbox import make_alert

T = TypeVar("T")
CHATS = st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True)
KINDS = st.sampled_from([AlertKind.STRATEGY_RECOVERED, AlertKind.SIGNAL])
TURNS = [
    {AlertKind.STRATEGY_RECOVERED, AlertKind.SIGNAL},
    {AlertKind.PRICE_MOVED},
    {AlertKind.STORY},
    {AlertKind.BRIEF},
]
"""Whose letters are told first, of different chats."""
PERSONAL = st.sampled_from([AlertKind.PRICE_MOVED, AlertKind.STORY, AlertKind.BRIEF])
MODES = st.sampled_from([Mode.ON, Mode.SILENT])
DAY = NOW.date()
QUIET = {2: (time(15, 45), time(16, 15)), 3: (time(16), time(17, 30))}
"""The quiet hours of the people of these chats, in Seoul; it begins at ten to four."""
PEOPLE = """
    INSERT INTO "user" (id, name, role, joined_at, seen_at)
    SELECT id, 'p', 'member', now(), now() FROM unnest(ARRAY[1, 2, 3, 101, 102, 103]) AS u (id) ON CONFLICT DO NOTHING
"""
NOT_ARRIVED: list[Outcome] = [TooFast(timedelta(seconds=5)), NotSent("down"), Unknown("timeout"), Refused("odd")]


def test_the_outbox_keeps_its_promises(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url, pool_size=2)

        class Machine(OutboxMachine):
            def __init__(self) -> None:
                super().__init__(runner, database)

        try:
            run_state_machine_as_test(
                Machine,
                settings=settings(
                    max_examples=20,
                    stateful_step_count=30,
                    deadline=None,
                    suppress_health_check=[HealthCheck.too_slow],
                ),
            )
        finally:
            runner.run(database.close())


class OutboxMachine(RuleBasedStateMachine):
    """A sender that may die at any moment, and what arrived where. A dead sender still writes down what it can."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        super().__init__()
        self.runner, self.db, self.now = runner, database, NOW
        self.held: list[Letter] = []
        self.dead: list[Letter] = []
        self.arrived: defaultdict[int, list[Letter]] = defaultdict(list)
        self.taken_at: dict[int, datetime] = {}
        self.kept_until: dict[tuple[str, int], datetime] = {}
        self.silent: set[tuple[str, int]] = set()
        self.written: set[tuple[str, int]] = set()
        self.now_at: dict[int, int] = {}
        self.ended: dict[int, str] = {}
        self.crashes = self.timeouts = 0
        self.do(self.execute("TRUNCATE outbox, chat"))
        self.do(self.execute(PEOPLE))
        for user, (start, end) in QUIET.items():
            hours = f"(VALUES ({user}), ({user + 100})) AS u (id), (VALUES (time '{start}', time '{end}')) AS q (a, b)"
            into = "INSERT INTO user_settings (user_id, quiet_from, quiet_until)"
            self.do(self.execute(f"{into} SELECT id, a, b FROM {hours} ON CONFLICT DO NOTHING"))

    @initialize()
    def begin(self) -> None:
        """Three chats wait for alerts, and before these for what can wait: briefs, and what is kept back."""
        self.write_to_a_person(10, 1, AlertKind.BRIEF, Mode.ON)
        self.write_to_a_person(11, 2, AlertKind.STORY, Mode.SILENT)
        self.write_to_a_person(12, 3, AlertKind.BRIEF, Mode.ON)
        for key, chats in ((0, [2, 3]), (1, [2, 3]), (2, [1, 2, 3])):
            self.write(key, chats, AlertKind.STRATEGY_RECOVERED)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it to its end."""
        return self.runner.run(work)

    async def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Its rows, if it has any."""
        async with self.db.begin() as conn:
            result = await conn.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []

    @rule(key=st.integers(2, 9), chats=CHATS, kind=KINDS)
    def write(self, key: int, chats: list[int], kind: AlertKind) -> None:
        """An alert is written once a key and chat, however often."""
        to = [self.now_at.get(chat, chat) for chat in chats]
        new = {(str(key), chat) for chat in to} - self.written
        assert self.do(self._write(str(key), to, kind)) == len(new)
        self.written |= new

    async def _write(self, key: str, chats: list[int], kind: AlertKind) -> int:
        async with self.db.begin() as conn:
            to = [Destination(HookName.TELEGRAM, chat) for chat in chats]
            return await queries.add(conn, make_alert(key, kind), to, at=self.now)

    @rule(key=st.integers(10, 19), chat=st.integers(1, 3), kind=PERSONAL, mode=MODES)
    def write_to_a_person(self, key: int, chat: int, kind: AlertKind, mode: Mode) -> None:
        """What is theirs alone is kept back in their quiet hours, and is at an end when it would expire in them."""
        user = self.now_at.get(chat, chat)
        new = (str(key), user) not in self.written
        assert self.do(self._write_personal(Personal(user_id=user, mode=mode, alert=make_alert(str(key), kind)))) == new
        if not new:
            return
        self.written.add((str(key), user))
        quiet_until = self.quiet_until(chat)
        if quiet_until:
            self.kept_until[str(key), chat] = quiet_until
        if mode is Mode.SILENT:
            self.silent.add((str(key), chat))
        ((state,),) = self.do(self.execute(f"SELECT state FROM outbox WHERE key = '{key}' AND chat_id = {user}"))
        late = quiet_until is not None and quiet_until >= self.now + LIFETIMES[kind]
        assert state == ("dropped" if late else "waiting")

    def quiet_until(self, chat: int) -> datetime | None:
        """When the quiet hours of this chat's person end that last now."""
        start, end = (kst(DAY, each) for each in QUIET.get(chat % 100, (time(0), time(0))))
        return end if start <= self.now < end else None

    async def _write_personal(self, letter: Personal) -> int:
        async with self.db.begin() as conn:
            return await queries.add_each(conn, [letter], at=self.now, since=self.now)

    @rule()
    @precondition(lambda self: len(self.held) < IN_FLIGHT)
    def take_up(self) -> None:
        """At most so many are on their way, of each chat only one, and what is urgent calls its chat first."""
        expected = self.turn()
        letter = self.do(self._take_up())
        assert (letter and letter.id) == expected
        if letter is not None:
            assert letter.to not in [other.to for other in self.held]
            assert letter.to.chat_id is not None
            personal = letter.alert.kind in {AlertKind.PRICE_MOVED, AlertKind.STORY, AlertKind.BRIEF}
            assert not (personal and letter.attempts == 1 and self.quiet_until(letter.to.chat_id))
            assert letter.id not in self.ended
            self.held.append(letter)

    async def _take_up(self) -> Letter | None:
        async with self.db.begin() as conn:
            letter = await queries.claim(conn, at=self.now, hooks=[HookName.TELEGRAM], busy=[])
        if letter is not None:
            self.taken_at[letter.id] = self.now
        return letter

    def turn(self) -> int | None:
        """The number of the letter whose turn it is."""
        query = "SELECT chat_id, id, state, kind, not_before, expires_at, attempts FROM outbox ORDER BY id"
        chats: defaultdict[int, list[tuple[int, bool, int]]] = defaultdict(list)
        for chat, number, state, kind, not_before, expires_at, attempts in self.do(self.execute(query)):
            due = state == "waiting" and not_before <= self.now < expires_at
            rests = state == "waiting" and attempts and self.now < expires_at
            if due or rests or state == "sending":
                (rank,) = (rank for rank, kinds in enumerate(TURNS) if kind in kinds)
                chats[chat].append((number, due, rank))
        called = [
            (min((rank, number) for number, due, rank in letters if due), letters[0][0])
            for letters in chats.values()
            if letters[0][1]
        ]
        return min(called)[1] if called else None

    @rule(which=st.integers(0, 3))
    @precondition(lambda self: self.held)
    def tell(self, which: int) -> None:
        """It arrives, and that is written down."""
        letter = self.pick(which)
        self.arrive(letter)
        self.do(self._settle(letter, Delivered()))

    @rule(which=st.integers(0, 3), outcome=st.sampled_from(NOT_ARRIVED))
    @precondition(lambda self: self.held)
    def tell_in_vain(self, which: int, outcome: Outcome) -> None:
        """It does not arrive."""
        letter = self.pick(which)
        self.do(self._settle(letter, outcome))

    @rule(which=st.integers(0, 3))
    @precondition(lambda self: self.held)
    def tell_without_an_answer(self, which: int) -> None:
        """It arrives, and nobody hears of it."""
        letter = self.pick(which)
        self.arrive(letter)
        self.timeouts += 1
        self.do(self._settle(letter, Unknown("timeout")))

    @rule(which=st.integers(0, 3))
    @precondition(lambda self: self.held)
    def block(self, which: int) -> None:
        """Nothing that was written until now is told there any more."""
        letter = self.pick(which)
        self.do(self._settle(letter, Unreachable("blocked")))

    @rule(which=st.integers(0, 3))
    @precondition(lambda self: self.held)
    def move(self, which: int) -> None:
        """The chat goes on under another id."""
        letter = self.pick(which)
        assert letter.to.chat_id is not None
        if letter.to.chat_id < 100:
            new = letter.to.chat_id + 100
            self.do(self._settle(letter, Moved(new)))
            self.now_at[letter.to.chat_id] = new
            self.written = {(key, self.now_at.get(chat, chat)) for key, chat in self.written}
        else:
            self.do(self._settle(letter, NotSent("down")))

    async def _settle(self, letter: Letter, outcome: Outcome) -> bool:
        async with self.db.begin() as conn:
            mine = await queries.settle(conn, letter, step(letter, outcome, self.now), at=self.now)
            assert letter.to.chat_id is not None
            if mine and isinstance(outcome, Unreachable):
                await queries.drop_chat(conn, chat_id=letter.to.chat_id, reason="blocked", at=self.now)
            if mine and isinstance(outcome, Moved):
                await queries.move_chat(conn, old=letter.to.chat_id, new=outcome.chat_id, at=self.now)
            return mine

    @rule(arrives=st.lists(st.booleans(), min_size=IN_FLIGHT, max_size=IN_FLIGHT))
    @precondition(lambda self: self.held)
    def crash(self, arrives: list[bool]) -> None:
        """The sender dies; what was on its way may have arrived. Another one takes over."""
        for letter, there in zip(self.held, arrives, strict=False):
            if there:
                self.arrive(letter)
        self.dead += self.held
        self.crashes += 1
        assert self.do(self._recover()) == len(self.held)
        self.held = []

    async def _recover(self) -> int:
        async with self.db.begin() as conn:
            return await queries.recover(conn)

    @rule(which=st.integers(0, 20))
    @precondition(lambda self: self.dead)
    def a_dead_sender_speaks(self, which: int) -> None:
        """What it says of a letter that another one has is not heard."""
        assert self.do(self._settle(self.dead[which % len(self.dead)], Delivered())) is False

    @rule(minutes=st.sampled_from([1, 1, 10, 90]))
    def time_passes(self, minutes: int) -> None:
        """What is too late is dropped; what its reader is not to be told any more today is kept back."""
        self.now += timedelta(minutes=minutes)
        fresh = "SELECT key, chat_id FROM outbox WHERE state = 'waiting' AND attempts = 0 AND key::int >= 10"
        for key, chat in self.do(self.execute(fresh)):
            if quiet_until := self.quiet_until(chat):
                self.kept_until[key, chat % 100] = quiet_until
        self.do(self._sweep())

    async def _sweep(self) -> None:
        async with self.db.begin() as conn:
            await queries.drop_late(conn, at=self.now)
            await queries.hold_back(conn, at=self.now)

    @invariant()
    def nothing_is_lost_and_what_has_ended_stays_so(self) -> None:
        """Every letter written is there; an end is an end."""
        found = self.do(self.execute("SELECT id, key, chat_id, state FROM outbox"))
        assert sorted((key, chat) for _, key, chat, _ in found) == sorted(self.written)
        ended = {id: state for id, _, _, state in found if state not in {"waiting", "sending"}}
        assert self.ended.items() <= ended.items()
        self.ended = ended

    def teardown(self) -> None:
        """In the end everything that is not told has another end."""
        while self.held or self.left():
            if letter := (self.held.pop() if self.held else self.do(self._take_up())):
                self.arrive(letter)
                self.do(self._settle(letter, Delivered()))
            else:
                self.time_passes(minutes=6)
        ends = {state for (state,) in self.do(self.execute("SELECT state FROM outbox"))}
        assert ends <= {"sent", "parked", "dropped", "failed"}
        times = [letter for letters in self.arrived.values() for letter in letters]
        again = len(times) - len({letter.id for letter in times})
        assert again <= self.crashes * IN_FLIGHT + self.timeouts

    def left(self) -> bool:
        """Whether something is not told yet and has no other end."""
        return bool(self.do(self.execute("SELECT 1 FROM outbox WHERE state IN ('waiting', 'sending') LIMIT 1")))

    def pick(self, which: int) -> Letter:
        """A letter on its way, which is then no more."""
        return self.held.pop(which % len(self.held))

    def arrive(self, letter: Letter) -> None:
        """A reader sees it: after their quiet hours, in order but for them, and where they have seen it, marked."""
        assert letter.to.chat_id is not None
        chat = letter.to.chat_id % 100
        seen, kept_until = self.arrived[chat], self.kept_until.get((letter.alert.key, chat), NOW)
        assert letter.silent == ((letter.alert.key, chat) in self.silent)
        assert self.taken_at[letter.id] >= kept_until
        if any(letter.id == other.id for other in seen):
            assert letter.repeated
        else:
            assert all(other.id < letter.id or self.taken_at[other.id] < kept_until for other in seen)
        seen.append(letter)
