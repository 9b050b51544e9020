"""What admins do to people, and invitations, on the real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import text

from core.audit.trail import newest
from core.chats import people
from core.chats import service as chats
from core.chats.invites import accept_invite, make_invite
from core.chats.member import Member, Role
from core.clock import ManualClock
from core.errors import Forbidden, UserError
from core.services import Services
from tests.conftest import OpenServices

OWNER, ADMIN, OTHER_ADMIN, MEMBER = 1, 2, 3, 4


@pytest.fixture
async def house(open_test_services: OpenServices) -> AsyncIterator[Services]:
    """Services where newcomers wait, with an owner, two admins and a member."""
    async with open_test_services(telegram={"admin_ids": (OWNER,), "sign_up": "list"}) as services:
        owner = await met(services, OWNER)
        for user_id, role in ((ADMIN, Role.ADMIN), (OTHER_ADMIN, Role.ADMIN), (MEMBER, Role.MEMBER)):
            await met(services, user_id)
            await people.give_role(services, owner, user_id, role)
        yield services


async def met(services: Services, user_id: int, name: str = "") -> Member:
    return await chats.meet(services, user_id=user_id, name=name or f"사람{user_id}")


async def role(services: Services, user_id: int) -> Role:
    return (await met(services, user_id)).role


async def trail(services: Services) -> list[tuple[int, str, str]]:
    async with services.db.read() as conn:
        return [(entry.actor_id, entry.action, entry.target) for entry in await newest(conn, limit=100)]


async def test_every_change_holds_at_once_and_is_in_the_audit_trail(house: Services) -> None:
    admin = await met(house, ADMIN)
    await people.give_role(house, admin, MEMBER, Role.ADMIN)
    assert await role(house, MEMBER) is Role.ADMIN
    await people.give_role(house, admin, MEMBER, Role.MEMBER)
    assert await role(house, MEMBER) is Role.MEMBER
    await people.block(house, admin, MEMBER)
    assert await role(house, MEMBER) is Role.BLOCKED
    await people.unblock(house, admin, MEMBER)
    assert await role(house, MEMBER) is Role.MEMBER
    done = ["user_unblock", "user_block", "user_role", "user_role"]
    assert (await trail(house))[:4] == [(ADMIN, action, str(MEMBER)) for action in done]


async def test_nobody_changes_an_owner_or_themselves(house: Services) -> None:
    before = await trail(house)
    for actor_id, target in ((ADMIN, OWNER), (OWNER, OWNER), (ADMIN, ADMIN)):
        actor = await met(house, actor_id)
        for change in (people.block, people.unblock, people.let_in, people.changeable):
            with pytest.raises(UserError, match=r"바꿀 수 없습니다"):
                await change(house, actor, target)
        for wanted in (Role.MEMBER, Role.ADMIN):
            with pytest.raises(UserError, match=r"바꿀 수 없습니다"):
                await people.give_role(house, actor, target, wanted)
    assert await trail(house) == before
    assert [await role(house, user_id) for user_id in (OWNER, ADMIN)] == [Role.ADMIN, Role.ADMIN]


async def test_what_changes_nothing_is_refused_and_leaves_no_trace(house: Services) -> None:
    admin, before = await met(house, ADMIN), await trail(house)
    with pytest.raises(UserError, match="이미"):
        await people.give_role(house, admin, MEMBER, Role.MEMBER)
    with pytest.raises(UserError, match="차단되지 않은"):
        await people.unblock(house, admin, MEMBER)
    with pytest.raises(UserError, match="기다리는 사용자가 아닙니다"):
        await people.let_in(house, admin, OTHER_ADMIN)
    with pytest.raises(UserError, match="99번 사용자를 모릅니다"):
        await people.block(house, admin, 99)
    assert await trail(house) == before


async def test_a_blocked_person_gets_no_role_before_the_block_is_lifted(house: Services) -> None:
    admin = await met(house, ADMIN)
    await people.block(house, admin, MEMBER)
    for wanted in (Role.MEMBER, Role.ADMIN):
        with pytest.raises(UserError, match="먼저 차단을 풀어"):
            await people.give_role(house, admin, MEMBER, wanted)
    with pytest.raises(UserError, match="기다리는 사용자가 아닙니다"):
        await people.let_in(house, admin, MEMBER)
    assert await role(house, MEMBER) is Role.BLOCKED


async def test_one_who_was_an_admin_when_they_asked_but_is_none_now_changes_nothing(house: Services) -> None:
    admin = await met(house, ADMIN)
    await people.give_role(house, await met(house, OWNER), ADMIN, Role.MEMBER)
    with pytest.raises(Forbidden):
        await people.block(house, admin, MEMBER)
    assert await role(house, MEMBER) is Role.MEMBER


async def test_two_admins_who_unmake_each_other_at_once_do_not_both_succeed(house: Services) -> None:
    first, second = await met(house, ADMIN), await met(house, OTHER_ADMIN)
    results = await asyncio.gather(
        people.give_role(house, first, OTHER_ADMIN, Role.MEMBER),
        people.give_role(house, second, ADMIN, Role.MEMBER),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Forbidden) for result in results) == 1
    assert sorted([await role(house, ADMIN), await role(house, OTHER_ADMIN)]) == [Role.ADMIN, Role.MEMBER]


async def test_a_waiting_person_is_let_in_once(house: Services) -> None:
    admin = await met(house, ADMIN)
    assert await role(house, 50) is Role.WAITING
    change = await people.let_in(house, admin, 50)
    assert change.entered
    assert await role(house, 50) is Role.MEMBER
    with pytest.raises(UserError, match="기다리는 사용자가 아닙니다"):
        await people.let_in(house, admin, 50)


async def test_admins_are_the_owners_and_those_made_admins(house: Services) -> None:
    await people.block(house, await met(house, ADMIN), OTHER_ADMIN)
    async with house.db.read() as conn:
        assert await people.admin_ids(house, conn) == [OWNER, ADMIN]


# The list


async def test_people_are_found_by_name_id_and_role_and_those_who_wait_come_first(
    house: Services, clock: ManualClock
) -> None:
    clock.move(timedelta(hours=2))
    await met(house, 70, "100%_맞음")
    await met(house, 71, "김하늘")
    clock.move(timedelta(hours=2))
    await people.let_in(house, await met(house, OWNER), 71)
    ids = {query: [person.id for person in (await people.list_people(house, query)).people] for query in QUERIES}
    assert ids[""] == [70, 1, 71, 2, 3, 4]
    assert ids["하늘"] == ids["하\x00늘\ud800"] == ids["71"] == [71]
    assert ids["%_"] == [70]
    assert ids["Waiting"] == [70]
    assert ids["없는 이름"] == ids["99999999999999999999"] == ids["٧١"] == []


QUERIES = ("", "하\x00늘\ud800", "하늘", "71", "%_", "Waiting", "없는 이름", "99999999999999999999", "٧١")


async def test_a_list_is_turned_page_by_page_and_counts_every_role_in_force(house: Services) -> None:
    for user_id in range(100, 125):
        await met(house, user_id)
    await people.block(house, await met(house, OWNER), 124)
    pages = [await people.list_people(house, "", number) for number in (1, 2, 3, 4)]
    shown = [person.id for page in pages for person in page.people]
    assert len(shown) == len(set(shown)) == 29 == pages[0].found
    assert [len(page.people) for page in pages] == [10, 10, 9, 0]
    assert pages[0].last == 3
    assert pages[0].counts == {Role.ADMIN: 3, Role.MEMBER: 1, Role.WAITING: 24, Role.BLOCKED: 1}


async def test_a_card_tells_how_many_stocks_are_watched(house: Services) -> None:
    card = await people.find_person(house, MEMBER)
    assert (card.person.role, card.person.owner, card.watched) == (Role.MEMBER, False, 0)
    with pytest.raises(UserError, match="모릅니다"):
        await people.find_person(house, 99)


# Invitations


async def test_an_invitation_lets_in_as_many_as_it_says_and_no_more(house: Services) -> None:
    invite = await make_invite(house, await met(house, ADMIN), uses=2, days=1)
    assert (await accept_invite(house, await met(house, 60), invite.code)).role is Role.MEMBER
    assert (await accept_invite(house, await met(house, 60), invite.code)).role is Role.MEMBER
    await accept_invite(house, await met(house, 61), invite.code)
    with pytest.raises(UserError, match="초대 링크가 맞지 않거나"):
        await accept_invite(house, await met(house, 62), invite.code)
    assert [await role(house, user_id) for user_id in (60, 61, 62)] == [Role.MEMBER, Role.MEMBER, Role.WAITING]
    assert [entry[:2] for entry in (await trail(house))[:3]] == [
        (61, "invite_used"),
        (60, "invite_used"),
        (2, "invite"),
    ]


async def test_many_at_once_share_the_last_place_of_an_invitation_with_nobody(house: Services) -> None:
    invite = await make_invite(house, await met(house, ADMIN), uses=3, days=1)
    guests = [await met(house, user_id) for user_id in range(200, 208)]
    results = await asyncio.gather(
        *(accept_invite(house, guest, invite.code) for guest in guests), return_exceptions=True
    )
    assert sum(isinstance(result, Member) for result in results) == 3


async def test_an_expired_or_invented_invitation_opens_nothing(house: Services, clock: ManualClock) -> None:
    invite = await make_invite(house, await met(house, ADMIN), uses=9, days=2)
    clock.move(timedelta(days=2))
    guest, chance = await met(house, 60), Random(1)
    for code in (invite.code, "", "x", "A" * 22, "A" * 5_000, "' OR 1=1 --", chance.randbytes(20).hex()):
        with pytest.raises(UserError, match="초대 링크가 맞지 않거나"):
            await accept_invite(house, guest, code)
    assert await role(house, 60) is Role.WAITING


async def test_a_blocked_person_is_not_let_in_by_an_invitation(house: Services) -> None:
    admin = await met(house, ADMIN)
    guest, invite = await met(house, 60), await make_invite(house, admin, uses=9, days=2)
    await people.block(house, admin, 60)
    await accept_invite(house, guest, invite.code)
    assert await role(house, 60) is Role.BLOCKED


async def test_nothing_stored_of_an_invitation_opens_the_door(house: Services) -> None:
    invite = await make_invite(house, await met(house, ADMIN), uses=1, days=1)
    async with house.db.read() as conn:
        for table in ("invite", "audit"):
            rows = (await conn.execute(text(f"SELECT t::text FROM {table} t"))).scalars().all()
            assert rows
            assert not any(invite.code in row for row in rows)
