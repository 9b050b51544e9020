"""A member: a person who talks to the bot, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a person may do. Admins are named by user id in the settings, never by what is stored."""

    ADMIN = "admin"
    MEMBER = "member"
    BLOCKED = "blocked"


class Language(StrEnum):
    """The languages every message exists in."""

    KO = "ko"
    EN = "en"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A person by Telegram user id."""

    id: int
    name: str
    role: Role
    language: Language
    joined_at: datetime
    new: bool = False

    @property
    def admin(self) -> bool:
        """Whether admin commands answer."""
        return self.role is Role.ADMIN
