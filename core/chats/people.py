"""What admins see of people and do to them: roles, blocking, letting in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit.trail import note
from core.chats import roster
from core.chats.member import Member, Person, Role
from core.chats.roster import StoredPerson
from core.chats.service import language_of, role_of
from core.errors import Forbidden, UserError
from core.services import Services

PAGE = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page of people, how many were found in all, and how many there are of each role in force."""

    people: tuple[Person, ...]
    number: int
    found: int
    counts: Mapping[Role, int]

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.found // PAGE))


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A person and how many stocks they watch."""

    person: Person
    watched: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """A person as they are now, and the role stored before."""

    person: Person
    before: Role

    @property
    def entered(self) -> bool:
        """Whether they were waiting to be let in and now are."""
        return self.before is Role.WAITING and self.person.role.reaches(Role.MEMBER)


async def list_people(services: Services, query: str = "", number: int = 1) -> Page:
    """A page of the people whose name holds `query`, or whose id or role it is; those who wait come first."""
    query = query.replace("\x00", "").encode(errors="ignore").decode()  # what PostgreSQL takes as text
    telegram = services.settings.telegram
    named = sorted({*telegram.admin_ids, *telegram.allowed_ids})
    async with services.db.read() as conn:
        found = await roster.count_people(conn, query)
        people = await roster.list_people(conn, query, limit=PAGE, offset=(number - 1) * PAGE)
        by_role = await roster.count_by_role(conn, but=named)
        apart = await roster.stored_roles(conn, named)
    counts = dict.fromkeys(Role, 0)
    for stored, count in by_role.items():
        counts[role_of(services, 0, stored)] += count
    for user_id, stored in apart.items():
        counts[role_of(services, user_id, stored)] += 1
    return Page(people=tuple(_person(services, p) for p in people), number=number, found=found, counts=counts)


async def find_person(services: Services, user_id: int) -> Card:
    """A person by user id; raises `UserError` when nobody has it."""
    async with services.db.read() as conn:
        stored = _known(await roster.find_person(conn, user_id), user_id)
        return Card(person=_person(services, stored), watched=await roster.count_watched(conn, user_id))


async def admin_ids(services: Services, conn: AsyncConnection) -> list[int]:
    """Everybody who is an admin now: the owners and those made admins."""
    return sorted({*services.settings.telegram.admin_ids, *await roster.ids_of_role(conn, Role.ADMIN)})


async def changeable(services: Services, actor: Member, user_id: int) -> Person:
    """The person, if `actor` may change them; raises `UserError` with the reason otherwise."""
    async with services.db.begin() as conn:
        return _person(services, await _changeable(services, conn, actor, user_id))


async def give_role(services: Services, actor: Member, user_id: int, role: Role) -> Changed:
    """Make a person who is not blocked a member or an admin; holds from their next message on.

    Raises `UserError` for an unknown person, an owner, the actor themselves, a blocked person, and where nothing
    would change.
    """
    async with services.db.begin() as conn:
        person = await _changeable(services, conn, actor, user_id)
        if person.role == Role.BLOCKED:
            raise UserError("차단된 사용자입니다. 먼저 차단을 풀어 주세요: /user {id} unblock", id=user_id)
        return await _change(services, conn, actor, person, role, "user_role")


async def let_in(services: Services, actor: Member, user_id: int) -> Changed:
    """Make a waiting person a member; of anybody else nothing is changed and `UserError` is raised."""
    async with services.db.begin() as conn:
        person = await _changeable(services, conn, actor, user_id)
        if person.role != Role.WAITING:
            raise UserError("가입을 기다리는 사용자가 아닙니다.")
        return await _change(services, conn, actor, person, Role.MEMBER, "user_role")


async def block(services: Services, actor: Member, user_id: int) -> Changed:
    """Answer a person nothing more. Raises `UserError` as `give_role` does."""
    async with services.db.begin() as conn:
        person = await _changeable(services, conn, actor, user_id)
        return await _change(services, conn, actor, person, Role.BLOCKED, "user_block")


async def unblock(services: Services, actor: Member, user_id: int) -> Changed:
    """Make a blocked person a member again; raises `UserError` for one who is not blocked."""
    async with services.db.begin() as conn:
        person = await _changeable(services, conn, actor, user_id)
        if person.role != Role.BLOCKED:
            raise UserError("차단되지 않은 사용자입니다.")
        return await _change(services, conn, actor, person, Role.MEMBER, "user_unblock")


async def _changeable(services: Services, conn: AsyncConnection, actor: Member, user_id: int) -> StoredPerson:
    """The person, locked together with the actor, so that two admins cannot unmake each other at once."""
    locked = await roster.lock_people(conn, {actor.id, user_id})
    if role_of(services, actor.id, locked[actor.id].role if actor.id in locked else "") is not Role.ADMIN:
        raise Forbidden("관리자만 쓸 수 있는 명령입니다.")
    if user_id in services.settings.telegram.admin_ids:
        raise UserError("설정 파일에 적힌 운영자는 바꿀 수 없습니다.")
    if user_id == actor.id:
        raise UserError("자기 자신의 권한은 바꿀 수 없습니다.")
    return _known(locked.get(user_id), user_id)


async def _change(
    services: Services, conn: AsyncConnection, actor: Member, person: StoredPerson, role: Role, action: str
) -> Changed:
    if person.role == role:
        raise UserError("이미 그렇게 되어 있습니다.")
    await roster.set_role(conn, person.id, role)
    at = services.clock.now()
    await note(
        conn, actor_id=actor.id, action=action, target=str(person.id), at=at, before=person.role, after=role.value
    )
    return Changed(person=_person(services, replace(person, role=role)), before=Role(person.role))


def _known(person: StoredPerson | None, user_id: int) -> StoredPerson:
    if person is None:
        raise UserError("{id}번 사용자를 모릅니다. 목록은 /users 에 있습니다.", id=user_id)
    return person


def _person(services: Services, stored: StoredPerson) -> Person:
    return Person(
        id=stored.id,
        name=stored.name,
        role=role_of(services, stored.id, stored.role),
        owner=stored.id in services.settings.telegram.admin_ids,
        language=language_of(services, stored.language, stored.app_language),
        joined_at=stored.joined_at,
        seen_at=stored.seen_at,
    )
