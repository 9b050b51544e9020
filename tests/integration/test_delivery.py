"""Alerts over a simulated Telegram and a real webhook receiver: every refusal, and what becomes of the letter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError
from sqlalchemy import text
from structlog.testing import capture_logs

from bot.hooks import open_hooks
from core.chats import service as chats
from core.chats.subscriptions import PersonalKind, subscribed
from core.clock import ManualClock, ShiftedClock
from core.delivery import queries
from core.delivery.alert import PERSONAL, Alert, AlertKind
from core.delivery.letter import Delivered, Destination, HookName, Letter, NotSent, Refused, TooFast, Unknown
from core.delivery.sender import Hooks, drain, send_forever
from core.delivery.service import tell_admins
from core.delivery.webhook import WebhookHook
from core.services import Services
from core.settings import given_settings
from core.strategies.registry import strategies
from core.strategies.strategy import Kind
from core.strategies.supervisor import Supervisor
from jobs.run import run_job
from jobs.upkeep import LETTERS_KEPT, PERSONAL_KEPT, housekeeping
from sim.telegram.people import TelegramUser
from sim.telegram.server import TelegramServer
from tests.conftest import NOW, OpenServices
from tests.integration.alert_facts import add_people
from tests.unit.core.delivery.outbox import make_alert, rows
from tests.unit.jobs.specs import make_spec

TOKEN = "1000000001:token-of-the-simulated-telegram-aaaaaaa"
ANN, BOB = 11, 12
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """Services whose admins are Ann and Bob, the Telegram they read, and the hooks that reach it."""

    services: Services
    telegram: TelegramServer
    hooks: Hooks
    ann: TelegramUser
    bob: TelegramUser

    async def send(self) -> None:
        """Send all there is."""
        await drain(self.services, hooks=self.hooks)

    async def put(self, *keys: str, chats: tuple[int, ...] = (ANN,), kind: AlertKind = AlertKind.JOB_FAILED) -> None:
        """Put alerts into the outbox."""
        for key in keys:
            async with self.services.db.begin() as conn:
                to = [Destination(HookName.TELEGRAM, chat) for chat in chats]
                await queries.add(conn, Alert(kind=kind, key=key, facts={"job": key, "name": key}), to, at=NOW)


@pytest.fixture
async def post(open_test_services: OpenServices, clock: ManualClock) -> AsyncIterator[Post]:
    """A post office before a Telegram that keeps its limits."""
    telegram = TelegramServer(token=TOKEN, now=clock.now, limits=True)
    ann, bob = telegram.user(ANN, "Ann"), telegram.user(BOB, "Bob")
    for person in (ann, bob):
        person.send("/start")
    groups = {"telegram": {"base_url": await telegram.start(), "admin_ids": (ANN, BOB)}}
    async with open_test_services(**groups) as services, open_hooks(services, token=TOKEN) as hooks:
        yield Post(services=services, telegram=telegram, hooks=hooks, ann=ann, bob=bob)
    await telegram.stop()


def told(person: TelegramUser) -> list[str]:
    """What the bot has told a person."""
    return [message.text for message in person.messages if message.sender.is_bot]


async def test_every_admin_is_told_in_their_language(post: Post) -> None:
    async with post.services.db.begin() as conn:
        await conn.execute(
            text(
                'INSERT INTO "user" (id, name, role, language, joined_at, seen_at)'
                " VALUES (12, 'Bob', 'member', 'en', now(), now())"
            )
        )
        facts: dict[str, str | int] = {"job": "crawl_news", "slot": NOW.isoformat(), "state": "failed", "error": "<b>"}
        await tell_admins(post.services, conn, Alert(kind=AlertKind.JOB_FAILED, key="a", facts=facts))
    await post.send()
    (korean,), (english,) = told(post.ann), told(post.bob)
    assert korean.startswith("❌ crawl_news 작업이 실패했습니다\n2026-02-20 15:50 차례가 실패로 끝났습니다. 원인: <b>")
    assert english.startswith("❌ The job crawl_news has failed\nThe run for 2026-02-20 15:50 failed. Cause: <b>")


async def test_limits_are_kept_so_that_telegram_never_refuses(post: Post) -> None:
    others = [post.telegram.user(number, "?") for number in range(100, 145)]
    for person in others:
        person.send("/start")
    group = post.telegram.group(-5, "방", post.ann)
    group.add_bot(post.ann)
    await post.put("a", chats=tuple(person.id for person in others))
    await post.put(*map(str, range(25)), chats=(-5, ANN))
    await post.send()
    assert {row[2:] for row in await rows(post.services.db)} == {("sent", False)}
    assert all(len(told(person)) == 1 for person in others)
    assert [line.split()[1] for line in told(post.ann)] == list(map(str, range(25)))
    assert len(post.telegram.calls("sendMessage")) == 45 + 50


async def test_told_to_wait_it_waits_in_that_chat_and_marks_nothing(post: Post, clock: ManualClock) -> None:
    post.telegram.fail_next("sendMessage", chat_id=ANN, status=429, retry_after=60)
    await post.put("a", "b", chats=(ANN, BOB))
    await post.send()
    assert {row[2:] for row in await rows(post.services.db)} == {("sent", False)}
    sent = dict(await rows(post.services.db, "chat_id || key, sent_at"))
    assert sent[f"{ANN}a"] - NOW >= timedelta(seconds=60)
    assert sent[f"{BOB}b"] - NOW < timedelta(seconds=60)
    assert [line.split()[1] for line in told(post.ann)] == ["a", "b"]


async def test_an_admin_who_blocked_the_bot_is_not_written_to_again(post: Post) -> None:
    async with post.services.db.begin() as conn:
        await conn.execute(text("INSERT INTO chat (id, kind, seen_at) VALUES (11, 'private', now())"))
    post.ann.block()
    await post.put("a", "b", "c", chats=(ANN, BOB))
    await post.send()
    assert {row[2] for row in await rows(post.services.db) if row[0] == ANN} == {"dropped"}
    assert len(told(post.bob)) == 3
    assert len([call for call in post.telegram.calls("sendMessage") if call.params["chat_id"] == ANN]) <= 1
    async with post.services.db.read() as conn:
        assert (await conn.execute(text("SELECT reachable FROM chat WHERE id = 11"))).scalar_one() is False
        assert (await queries.outbox_state(conn)).dropped == 3


async def test_an_admin_who_never_wrote_to_the_bot_is_dropped(post: Post) -> None:
    post.telegram.user(13, "Cho")
    await post.put("a", chats=(13,))
    await post.send()
    assert await rows(post.services.db, "state, error") == [("dropped", "BadRequest: Chat not found")]


async def test_whoever_never_opened_the_chat_is_tried_once_until_they_open_it(post: Post) -> None:
    post.telegram.user(13, "Cho")
    await add_people(post.services, [13])
    assert await asked_to_be_told(post.services) == [13]
    await post.put("a", "b", chats=(13,))
    await post.send()
    assert await rows(post.services.db, "key, state, attempts") == [("a", "dropped", 1), ("b", "dropped", 0)]
    assert await asked_to_be_told(post.services) == []
    await chats.seen_chat(post.services, chat_id=13, kind="private")
    assert await asked_to_be_told(post.services) == [13]


async def asked_to_be_told(services: Services) -> list[int]:
    async with services.db.read() as conn:
        return [row.user_id for row in await conn.execute(subscribed(services, PersonalKind.BRIEF))]


async def test_a_group_that_became_a_supergroup_gets_all_there(post: Post) -> None:
    group = post.telegram.group(-5, "방", post.ann)
    group.add_bot(post.ann)
    upgraded = group.upgrade(-1_000_000_000_005)
    await post.put("a", "b", chats=(-5,))
    await post.send()
    assert [message.text.split()[1] for message in upgraded.messages] == ["a", "b"]
    assert await rows(post.services.db) == [
        (-1_000_000_000_005, "a", "sent", False),
        (-1_000_000_000_005, "b", "sent", False),
    ]


async def test_refused_markup_goes_out_as_plain_text(post: Post) -> None:
    post.telegram.fail_next("sendMessage", status=400, description="Bad Request: can't parse entities: odd tag")
    await post.put("a")
    with capture_logs() as logs:
        await post.send()
    assert [line["log_level"] for line in logs if line["event"] == "markup_refused"] == ["error"]
    assert [line.split()[1] for line in told(post.ann)] == ["a"]
    assert "parse_mode" not in post.telegram.calls("sendMessage")[-1].params


async def test_refused_as_plain_text_too_it_has_failed_and_the_next_goes_on(post: Post) -> None:
    refusal = "Bad Request: can't parse entities: odd tag"
    post.telegram.fail_next("sendMessage", status=400, description=refusal, times=2)
    await post.put("a", "b")
    await post.send()
    assert [row[2] for row in await rows(post.services.db)] == ["failed", "sent"]


@pytest.mark.parametrize("trouble", [{"drop": "after"}, {"status": 502}, {"drop": "before"}])
async def test_what_may_have_arrived_is_sent_again_and_says_so(post: Post, trouble: dict[str, Any]) -> None:
    post.telegram.fail_next("sendMessage", **trouble)
    await post.put("a")
    await post.send()
    assert await rows(post.services.db) == [(ANN, "a", "sent", True)]
    *first, again = told(post.ann)
    assert "🔁" in again
    assert ["🔁" in text for text in first] == [False] * (trouble == {"drop": "after"})


async def test_a_signal_that_may_have_arrived_is_parked(post: Post) -> None:
    post.telegram.fail_next("sendMessage", drop="after")
    await post.put("a", kind=AlertKind.SIGNAL)
    await post.send()
    assert await rows(post.services.db) == [(ANN, "a", "parked", False)]
    assert len(told(post.ann)) == 1


async def test_a_telegram_that_cannot_be_reached_has_been_sent_nothing(post: Post) -> None:
    await post.telegram.stop()
    letter = Letter(
        id=1, alert=make_alert("a"), to=Destination(HookName.TELEGRAM, ANN), at=NOW, attempts=1, repeated=False
    )
    assert isinstance(await post.hooks[HookName.TELEGRAM].deliver(letter), NotSent)


async def test_a_token_that_is_refused_loses_nothing(post: Post) -> None:
    post.telegram.fail_next("sendMessage", status=401, times=3)
    await post.put("a")
    await post.send()
    assert await rows(post.services.db) == [(ANN, "a", "sent", False)]


# The webhook


class Receiver:
    """A webhook receiver that answers as told."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.answers: list[web.Response] = []

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Keep what is posted."""
        self.posts.append(await request.json())
        return self.answers.pop(0) if self.answers else web.Response()


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, str]]:
    """A receiver and its address."""
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/alerts", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield receiver, f"http://127.0.0.1:{runner.addresses[0][1]}/alerts"
    await runner.cleanup()


async def test_a_webhook_is_posted_facts(open_test_services: OpenServices) -> None:
    async with receiving() as (receiver, url), open_test_services(alert={"webhook_url": url}) as services:
        async with services.db.begin() as conn:
            await tell_admins(services, conn, make_alert("a"))
        async with open_hooks(services, token=TOKEN) as hooks:
            await drain(services, hooks=hooks)
        assert receiver.posts == [
            {
                "version": 1,
                "key": "a",
                "part": 1,
                "kind": "strategy_recovered",
                "at": NOW.isoformat(),
                "repeated": False,
                "facts": {"strategy": "rsi"},
            }
        ]


async def test_a_webhook_that_fails_is_tried_again_and_one_that_refuses_is_not(services: Services) -> None:
    async with receiving() as (receiver, url):
        hook = WebhookHook(url)
        receiver.answers = [web.Response(status=500), web.Response(status=404)]
        for key in ("a", "b"):
            async with services.db.begin() as conn:
                await queries.add(conn, make_alert(key), [Destination(HookName.WEBHOOK)], at=NOW)
        await drain(services, hooks={HookName.WEBHOOK: hook})
        await hook.close()
    assert [(each["key"], each["repeated"]) for each in receiver.posts] == [("a", False), ("b", False), ("a", True)]
    assert await rows(services.db, "state, error") == [("sent", None), ("failed", "HTTP 404")]


async def test_a_webhook_follows_nobody_elsewhere_and_heeds_when_to_come_back() -> None:
    letter = Letter(id=1, alert=make_alert("a"), to=Destination(HookName.WEBHOOK), at=NOW, attempts=1, repeated=False)
    async with receiving() as (receiver, url), receiving() as (other, elsewhere):
        hook = WebhookHook(url)
        receiver.answers = [
            web.Response(status=302, headers={"Location": elsewhere}),
            web.Response(status=429, headers={"Retry-After": "9"}),
            web.Response(status=503, headers={"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}),
        ]
        assert await hook.deliver(letter) == Refused("HTTP 302")
        assert await hook.deliver(letter) == TooFast(timedelta(seconds=9))
        assert await hook.deliver(letter) == TooFast(timedelta(minutes=1))
        assert await hook.deliver(letter) == Delivered()
        assert other.posts == []
        await hook.close()
    hook = WebhookHook(url)
    assert await hook.deliver(letter) == NotSent("ConnectError")
    await hook.close()


async def test_a_webhook_cut_off_may_have_taken_it(services: Services) -> None:
    class Cutting(Receiver):
        async def take(self, request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

    letter = Letter(id=1, alert=make_alert("a"), to=Destination(HookName.WEBHOOK), at=NOW, attempts=1, repeated=False)
    app = web.Application()
    app.router.add_post("/", Cutting().take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook = WebhookHook(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    outcome = await hook.deliver(letter)
    assert isinstance(outcome, Unknown)
    assert "127.0.0.1" not in outcome.reason
    await hook.close()
    await runner.cleanup()


@pytest.mark.parametrize("url", ["http://example.com/x", "ftp://127.0.0.1/", "https://", "x"])
def test_a_webhook_address_must_be_safe(url: str) -> None:
    with pytest.raises(ValidationError, match="must begin with https"):
        given_settings({"alert": {"webhook_url": url}})


# As the process runs it


async def test_a_supervised_sender_tells_what_is_written_while_it_runs(post: Post) -> None:
    services = replace(post.services, clock=ShiftedClock(NOW))
    sender = [each for each in strategies(partial(send_forever, hooks=post.hooks)) if each.kind is Kind.SENDER]
    supervisor = Supervisor(services, sender)
    await supervisor.start()
    await post.put("a")
    await post.ann.wait_until(lambda: len(told(post.ann)) == 1, look_every=0.05)
    await supervisor.stop()
    assert await rows(post.services.db) == [(ANN, "a", "sent", False)]


async def test_housekeeping_forgets_what_was_told_long_ago_and_nothing_else(post: Post, clock: ManualClock) -> None:
    await post.put("a")
    await post.put("b", chats=(100,), kind=AlertKind.BRIEF)
    await post.send()
    await post.put("c", kind=AlertKind.STORY)
    for kept, left in ((PERSONAL_KEPT, "abc"), (PERSONAL_KEPT + MINUTE, "ac"), (LETTERS_KEPT, "ac")):
        clock.at = NOW + kept
        await run_job(post.services, make_spec(run=housekeeping), clock.now(), owner="a")
        assert [key for (key,) in await rows(post.services.db, "key")] == list(left)
    await post.send()
    clock.move(MINUTE)
    await run_job(post.services, make_spec(run=housekeeping), clock.now(), owner="a")
    assert await rows(post.services.db) == []


def test_what_people_were_told_is_remembered_far_longer_than_it_is_worth_telling() -> None:
    assert max(Alert(kind=kind, key="k").lifetime for kind in PERSONAL) * 3 < PERSONAL_KEPT
