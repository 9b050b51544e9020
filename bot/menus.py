"""Telegram's command menus, per language, and the admins' own."""

from __future__ import annotations

from typing import Any

import structlog
from telegram import Bot, BotCommand, BotCommandScopeChat
from telegram.error import TelegramError

from bot.commands import COMMANDS
from bot.texts import texts
from core.chats.member import Language, Role

log = structlog.get_logger(__name__)


async def set_menus(bot: Bot, admin_ids: tuple[int, ...]) -> None:
    """Set the menus: Korean for Korean apps, English for the rest, and all commands for each admin."""
    members = [command for command in COMMANDS if command.access is not Role.ADMIN]
    for language, code in ((Language.EN, None), (Language.KO, "ko")):
        menu = [BotCommand(command.name, texts(language)(command.summary)) for command in members]
        await _set(bot, menu, language_code=code)
    for admin_id in admin_ids:
        await set_admin_menu(bot, admin_id)


async def set_admin_menu(bot: Bot, admin_id: int) -> None:
    """Show an admin every command; one who has not written yet cannot be shown any, so /start does it again."""
    menu = [BotCommand(command.name, command.summary) for command in COMMANDS]
    await _set(bot, menu, scope=BotCommandScopeChat(admin_id))


async def drop_admin_menu(bot: Bot, user_id: int) -> None:
    """Show somebody who is no admin any more what everybody sees."""
    try:
        await bot.delete_my_commands(scope=BotCommandScopeChat(user_id))
    except TelegramError as error:
        log.info("menu_not_dropped", error=str(error))


async def _set(bot: Bot, menu: list[BotCommand], **where: Any) -> None:
    """A menu that cannot be set is logged and left: it is display only."""
    try:
        await bot.set_my_commands(menu, **where)
    except TelegramError as error:
        log.info("menu_not_set", error=str(error))
