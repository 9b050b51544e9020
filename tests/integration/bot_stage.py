"""The production process on a simulated Telegram and a simulated world, on the test's own servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from bot.demo import ADMIN_ID, TOKEN, USER_ID, Demo, ask, settle
from bot.process import running
from core.clock import Clock, ShiftedClock
from core.embedded import Addresses, clone_database, drop_database
from core.services import Services
from core.settings import Settings
from sim.market import SimMarket, generated_market
from sim.telegram.chats import Click, Message
from sim.telegram.console import render
from sim.telegram.people import TelegramUser
from sim.telegram.server import TelegramServer
from sim.world import World, open_world

MOMENT = datetime(2026, 2, 20, 6, 50, tzinfo=UTC)
"""15:50 in Seoul, after the close of a Friday session."""
NEW_ADMIN_ID = 103
"""An admin who has not written yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A running bot, its world, and the two people who talk to it most."""

    demo: Demo
    market: SimMarket
    member: TelegramUser
    admin: TelegramUser

    @property
    def services(self) -> Services:
        """The services the bot works with."""
        return self.demo.services

    @property
    def telegram(self) -> TelegramServer:
        """The simulated Telegram."""
        return self.demo.telegram

    @property
    def world(self) -> World:
        """The simulated outside services."""
        return self.demo.world

    async def ask(self, said: str, who: TelegramUser | None = None) -> str:
        """Every answer to a text, as a person would read it."""
        return shown(await ask(self.demo, who or self.member, said, timeout=30))

    async def messages(self, said: str, who: TelegramUser | None = None) -> list[Message]:
        """Every answer to a text."""
        return await ask(self.demo, who or self.member, said, timeout=30)

    async def say(self, said: str, who: TelegramUser | None = None) -> str:
        """What came back to a text, if anything did."""
        person = who or self.member
        sent = person.send(said)
        await settle(self.demo, person, timeout=30)
        return shown(person.since(sent))

    async def press(self, message: Message, button: str, who: TelegramUser | None = None) -> str:
        """What pressing a button brought."""
        person = who or self.member
        click = person.click(message.id, button)
        return await self.after(click, person)

    async def forge(self, data: str, who: TelegramUser | None = None) -> str:
        """What a button with made-up data brings."""
        person = who or self.member
        message = (await self.messages("/start", person))[-1]
        message.buttons = [[{"text": "?", "callback_data": data}]]
        return await self.press(message, data, person)

    async def after(self, click: Click, person: TelegramUser) -> str:
        """What a click brought, once the bot is done."""
        await settle(self.demo, person, timeout=30)
        assert click.answered
        return shown(person.since(click))

    async def settled(self) -> None:
        """Wait until the bot is done with everything."""
        await settle(self.demo, self.member, timeout=30)

    async def raw(self, kind: str, body: dict[str, Any]) -> None:
        """An update as Telegram would send it, and the bot done with it."""
        self.telegram.world.updates.put(kind, body)
        await self.settled()

    async def set_role(self, user_id: int, role: str) -> None:
        """Change what is stored of somebody."""
        async with self.services.db.begin() as conn:
            await conn.execute(text('UPDATE "user" SET role = :role WHERE id = :id'), {"role": role, "id": user_id})


def shown(messages: list[Message]) -> str:
    """Messages as a person would read them."""
    return "\n\n".join(map(render, messages))


@asynccontextmanager
async def open_stage(servers: Addresses, template: str, folder: Path, **groups: dict[str, Any]) -> AsyncIterator[Stage]:
    """A bot over a generated market, on a fresh database; `groups` override settings."""
    url = await clone_database(servers.database_url, template, name := f"stage_{uuid4().hex[:12]}")
    try:
        async with stage_on(replace(servers, database_url=url), ShiftedClock(MOMENT), folder, **groups) as stage:
            yield stage
    finally:
        await drop_database(servers.database_url, name)


@asynccontextmanager
async def stage_on(stores: Addresses, clock: Clock, folder: Path, **groups: dict[str, Any]) -> AsyncIterator[Stage]:
    """A bot over a generated market, on these very stores; `groups` override settings."""
    market = generated_market(7, until=date(2026, 3, 31))
    async with AsyncExitStack() as stack:
        telegram = TelegramServer(token=TOKEN, now=clock.now)
        member, admin = telegram.user(USER_ID, "김하늘"), telegram.user(ADMIN_ID, "관리자")
        address = await telegram.start()
        stack.push_async_callback(telegram.stop)
        world = await stack.enter_async_context(open_world(market, clock, llm_latency=0.0))
        values: dict[str, dict[str, Any]] = world.settings_overrides() | {
            "app": {"data_dir": folder, "jobs": False},
            "telegram": {"bot_token": TOKEN, "admin_ids": (ADMIN_ID, NEW_ADMIN_ID), "base_url": address},
            "database": {"url": stores.database_url, "pool_size": 5},
            "redis": {"url": stores.redis_url},
            "milvus": {"uri": stores.milvus_uri},
        }
        for group, changed in groups.items():
            values[group] = values.get(group, {}) | changed
        settings = Settings(_env_file=None, **values)  # type: ignore[arg-type]
        services, application = await stack.enter_async_context(running(settings, clock=clock))
        demo = Demo(services=services, application=application, telegram=telegram, world=world, address=address)
        yield Stage(demo=demo, market=market, member=member, admin=admin)
