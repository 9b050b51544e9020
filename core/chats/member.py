"""A member: a person who talks to the bot, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a person may do, by rising right. A blocked one is not answered; a waiting one is not let in yet."""

    BLOCKED = "blocked"
    WAITING = "waiting"
    MEMBER = "member"
    ADMIN = "admin"

    def reaches(self, access: Role) -> bool:
        """Whether this role may do what needs `access`."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(access)


class Language(StrEnum):
    """The languages every message exists in."""

    KO = "ko"
    EN = "en"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A person by Telegram user id. `watched` are the codes they watch, in the order added, when they asked."""

    id: int
    name: str
    role: Role
    language: Language
    joined_at: datetime
    watched: tuple[str, ...] = ()
    new: bool = False

    @property
    def admin(self) -> bool:
        """Whether admin commands answer."""
        return self.role is Role.ADMIN


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody as an admin sees them: `role` is the one in force, an `owner` is named in the settings."""

    id: int
    name: str
    role: Role
    owner: bool
    language: Language
    joined_at: datetime
    seen_at: datetime


def role_in_force(stored: str, *, owner: bool, allowed: bool, everyone: bool) -> Role:
    """What a person may do: an owner everything, whatever is stored; one who waits may enter all the same when
    the settings name them (`allowed`) or let in `everyone`."""
    if owner:
        return Role.ADMIN
    role = Role(stored) if stored in set(Role) else Role.WAITING
    return Role.MEMBER if role is Role.WAITING and (allowed or everyone) else role
