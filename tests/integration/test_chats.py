"""Members and watchlists on the real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import text

from core.chats import service as chats
from core.chats.member import Language, Role
from core.chats.queries import watched_codes
from core.chats.service import MAX_WATCHED
from core.clock import ManualClock
from core.errors import UserError
from core.services import Services
from core.stocks.queries import upsert_stocks
from core.stocks.stock import Market, Stock
from tests.conftest import NOW, OpenServices

CODES = [f"{number:06}" for number in range(MAX_WATCHED + 40)]


@pytest.fixture
async def listed(services: Services) -> Services:
    """Services that know the stocks of `CODES`."""
    async with services.db.begin() as conn:
        stocks = [Stock(code=code, name=f"종목{code}", market=Market.KOSPI) for code in CODES]
        await upsert_stocks(conn, stocks, at=NOW)
    return services


@pytest.fixture
async def admins(open_test_services: OpenServices) -> AsyncIterator[Services]:
    """Services whose settings name 7 as an admin."""
    async with open_test_services(telegram={"admin_ids": (7,)}) as opened:
        yield opened


async def test_a_member_is_new_once_and_keeps_the_day_they_came(services: Services, clock: ManualClock) -> None:
    first = await chats.meet(services, user_id=1, name="김하늘")
    clock.move(timedelta(days=1))
    again = await chats.meet(services, user_id=1, name="김하늘 2")
    assert (first.new, again.new) == (True, False)
    assert first.joined_at == again.joined_at == NOW
    assert again.name == "김하늘 2"


async def test_many_first_meetings_at_once_make_one_member(services: Services) -> None:
    met = await asyncio.gather(*(chats.meet(services, user_id=1, name="x") for _ in range(8)))
    assert [member.new for member in met].count(True) == 1


@pytest.mark.parametrize(
    ("client", "language"), [("ko", "ko"), ("ko-KR", "ko"), ("en", "en"), ("de", "en"), ("", "ko"), (None, "ko")]
)
async def test_the_client_s_language_counts_until_one_is_chosen(
    services: Services, client: str | None, language: str
) -> None:
    member = await chats.meet(services, user_id=1, name="x", client_language=client)
    assert member.language == language
    other = Language.EN if language == "ko" else Language.KO
    assert (await chats.choose_language(services, member, other)).language is other
    assert (await chats.meet(services, user_id=1, name="x", client_language=client)).language is other


@pytest.mark.parametrize("stored", [*Role, "", "emperor"])
async def test_an_owner_named_in_the_settings_is_an_admin_whatever_is_stored(admins: Services, stored: str) -> None:
    await chats.meet(admins, user_id=7, name="x")
    await store_role(admins, 7, stored)
    assert (await chats.meet(admins, user_id=7, name="x")).role is Role.ADMIN


@pytest.mark.parametrize(
    ("sign_up", "stored", "role"),
    [
        ("open", "admin", Role.ADMIN),
        ("open", "member", Role.MEMBER),
        ("open", "waiting", Role.MEMBER),
        ("open", "blocked", Role.BLOCKED),
        ("open", "emperor", Role.MEMBER),
        ("invite", "admin", Role.ADMIN),
        ("invite", "member", Role.MEMBER),
        ("invite", "waiting", Role.WAITING),
        ("list", "waiting", Role.WAITING),
        ("list", "emperor", Role.WAITING),
        ("list", "blocked", Role.BLOCKED),
    ],
)
async def test_the_stored_role_counts_from_the_next_message_on(
    open_test_services: OpenServices, sign_up: str, stored: str, role: Role
) -> None:
    async with open_test_services(telegram={"sign_up": sign_up}) as services:
        await chats.meet(services, user_id=8, name="x")
        await store_role(services, 8, stored)
        assert (await chats.meet(services, user_id=8, name="x")).role is role


@pytest.mark.parametrize(("sign_up", "role"), [("open", "member"), ("invite", "waiting"), ("list", "waiting")])
async def test_a_newcomer_waits_unless_everybody_or_they_are_let_in(
    open_test_services: OpenServices, sign_up: str, role: str
) -> None:
    async with open_test_services(telegram={"sign_up": sign_up, "allowed_ids": (9,)}) as services:
        assert (await chats.meet(services, user_id=8, name="x")).role == role
        assert (await chats.meet(services, user_id=9, name="x")).role is Role.MEMBER
        await store_role(services, 9, "blocked")
        assert (await chats.meet(services, user_id=9, name="x")).role is Role.BLOCKED


async def store_role(services: Services, user_id: int, role: str) -> None:
    async with services.db.begin() as conn:
        await conn.execute(text('UPDATE "user" SET role = :role WHERE id = :id'), {"role": role, "id": user_id})


@pytest.mark.parametrize("name", ["", "가" * 500, "a\x00b", "'; DROP TABLE chat; --", "\u202e😀"])
async def test_any_name_can_be_kept(services: Services, name: str) -> None:
    member = await chats.meet(services, user_id=2**52, name=name)
    assert member.name == name.replace("\x00", "")[:100]


async def test_people_are_told_in_the_language_of_their_app_until_they_choose(services: Services) -> None:
    assert await chats.spoken_at(services, 1) is Language.KO
    for app, told in (("en-US", Language.EN), ("ko", Language.KO), (None, Language.KO), ("fr", Language.EN)):
        await chats.meet(services, user_id=1, name="x", client_language=app)
        assert await chats.spoken_at(services, 1) is told
    member = await chats.meet(services, user_id=1, name="x", client_language="en\x00" * 50)
    await chats.choose_language(services, member, Language.KO)
    assert await chats.spoken_at(services, 1) is Language.KO


async def test_a_chat_is_unreachable_while_the_bot_is_blocked_there(services: Services) -> None:
    for reachable in (True, False, True):
        await chats.seen_chat(services, chat_id=-100, kind="group", reachable=reachable)
        async with services.db.begin() as conn:
            assert (await conn.execute(text("SELECT reachable FROM chat WHERE id = -100"))).scalar_one() is reachable


async def watched_by(services: Services, user_id: int) -> list[str]:
    return list((await chats.meet(services, user_id=user_id, name="x")).watched)


@pytest.mark.parametrize("seed", range(3))
async def test_any_sequence_of_watching_leaves_what_a_list_would_hold(
    listed: Services, clock: ManualClock, seed: int
) -> None:
    chance, members = Random(seed), [await chats.meet(listed, user_id=n, name="x") for n in (1, 2)]
    model: dict[int, list[str]] = {1: [], 2: []}
    for _ in range(120):
        member, code = chance.choice(members), chance.choice(CODES[:12])
        clock.move(timedelta(minutes=7))  # now and then it is long since they were seen
        held = model[member.id]
        if chance.random() < 0.6:
            assert await chats.watch(listed, member, code) is (code not in held)
            held += [code] if code not in held else []
        else:
            assert await chats.unwatch(listed, member, code) is (code in held)
            model[member.id] = [each for each in held if each != code]
        assert await watched_by(listed, member.id) == model[member.id]
    async with listed.db.begin() as conn:
        assert await watched_codes(conn) == sorted({*model[1], *model[2]})


async def test_the_list_is_never_longer_than_allowed_however_many_are_added_at_once(listed: Services) -> None:
    member = await chats.meet(listed, user_id=1, name="x")
    for code in CODES[: MAX_WATCHED - 3]:
        await chats.watch(listed, member, code)
    results = await asyncio.gather(
        *(chats.watch(listed, member, code) for code in CODES[MAX_WATCHED - 3 : MAX_WATCHED + 7]),
        return_exceptions=True,
    )
    assert results.count(True) == 3
    assert sum(isinstance(result, UserError) for result in results) == 7
    assert len(await watched_by(listed, member.id)) == MAX_WATCHED


async def test_a_full_list_knows_what_it_holds_and_takes_more_after_one_left(listed: Services) -> None:
    member = await chats.meet(listed, user_id=1, name="x")
    for code in CODES[:MAX_WATCHED]:
        await chats.watch(listed, member, code)
    assert await chats.watch(listed, member, CODES[0]) is False
    with pytest.raises(UserError, match="100개까지"):
        await chats.watch(listed, member, CODES[MAX_WATCHED])
    await chats.unwatch(listed, member, CODES[0])
    assert await chats.watch(listed, member, CODES[MAX_WATCHED]) is True
