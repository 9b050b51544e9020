"""What a person set of when and in which clock they are told."""

from __future__ import annotations

from dataclasses import dataclass

from core.briefs.brief import Slot
from core.briefs.queries import choose_slots, chosen_slots
from core.chats.member import Member
from core.chats.queries import lock_user
from core.chats.subscriptions import Mode, PersonalKind, modes_of
from core.chats.zones import set_zone, zone_named, zone_of
from core.services import Services


@dataclass(frozen=True, kw_only=True, slots=True)
class Preferences:
    """The time zone a person lives in, the briefs they chose, and how briefs are told: off tells none of them."""

    zone: str
    briefs: frozenset[Slot]
    mode: Mode


async def preferences_of(services: Services, member: Member) -> Preferences:
    """What a member set, or what holds until they do."""
    async with services.db.read() as conn:
        modes = await modes_of(conn, member.id)
        return Preferences(
            zone=await zone_of(conn, member.id),
            briefs=await chosen_slots(conn, member.id),
            mode=modes[PersonalKind.BRIEF],
        )


async def choose_zone(services: Services, member: Member, name: str) -> None:
    """Let a member live in the time zone of that name; raises `UserError` for what is none."""
    async with services.db.begin() as conn:
        await set_zone(conn, member.id, await zone_named(conn, name))


async def choose_brief(services: Services, member: Member, slot: Slot, wanted: bool) -> None:
    """Tell a member this brief from now on, or no more."""
    async with services.db.begin() as conn:
        await lock_user(conn, user_id=member.id)
        others = await chosen_slots(conn, member.id) - {slot}
        await choose_slots(conn, member.id, others | {slot} if wanted else others)
