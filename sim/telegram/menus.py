"""Command menus by scope and language, and the bot's own descriptions."""

from __future__ import annotations

import re
from typing import Any

from sim.telegram.errors import bad_request

Json = dict[str, Any]
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_SCOPES = frozenset(
    {
        "default",
        "all_private_chats",
        "all_group_chats",
        "all_chat_administrators",
        "chat",
        "chat_administrators",
        "chat_member",
    }
)

Scope = tuple[str, int, int]
"""Type, chat id (0 where none), user id (0 where none)."""


def scope_of(body: Json | None) -> Scope:
    """The scope a request names; the default one without it. Raises `ApiError` 400."""
    body = body or {"type": "default"}
    kind = str(body.get("type", ""))
    if kind not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: unsupported type specified")
    try:
        return kind, int(body.get("chat_id", 0)), int(body.get("user_id", 0))
    except (TypeError, ValueError):
        raise bad_request("chat not found") from None


class Menus:
    """What each scope and language shows."""

    def __init__(self) -> None:
        self._menus: dict[tuple[Scope, str], list[Json]] = {}

    def set(self, scope: Scope, language: str, commands: list[Json]) -> None:
        """Store a menu. Raises `ApiError` 400 for a command, description or number Telegram does not allow."""
        _check_language(language)
        if len(commands) > 100:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        menu = []
        for entry in commands:
            command = str(entry.get("command", "")).removeprefix("/")
            description = str(entry.get("description", "")).strip()
            if not _COMMAND.fullmatch(command):
                raise bad_request("BOT_COMMAND_INVALID")
            if not 1 <= len(description) <= 256:
                raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
            menu.append({"command": command, "description": description})
        self._menus[scope, language] = menu

    def get(self, scope: Scope, language: str) -> list[Json]:
        """The menu stored for exactly this scope and language; empty without one."""
        _check_language(language)
        return self._menus.get((scope, language), [])

    def delete(self, scope: Scope, language: str) -> None:
        """Forget a menu, so that the next wider one is seen."""
        self._menus.pop((scope, language), None)

    def seen_in_private(self, user_id: int, language: str) -> list[Json]:
        """The menu a person sees in their private chat: the narrowest scope wins, their language first."""
        for scope in (("chat", user_id, 0), ("all_private_chats", 0, 0), ("default", 0, 0)):
            for spoken in (language, ""):
                if menu := self._menus.get((scope, spoken)):
                    return menu
        return []


def _check_language(language: str) -> None:
    if language and not _LANGUAGE.fullmatch(language):
        raise bad_request("BOT_COMMAND_LANGUAGE_INVALID")
