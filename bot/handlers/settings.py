"""/settings: language, time zone and the times of briefs."""

from __future__ import annotations

from typing import Final

from bot.context import BotContext
from bot.views import settings as views
from bot.views.message import Message
from core.briefs.brief import Slot, slot_of
from core.briefs.preferences import choose_brief, choose_zone, preferences_of
from core.chats import service as chats
from core.chats.member import Language
from core.errors import UserError

LANGUAGES: Final = {"ko": Language.KO, "한국어": Language.KO, "en": Language.EN, "english": Language.EN}
SWITCHES: Final = {"on": True, "off": False}


async def settings(context: BotContext) -> None:
    """What the asker set, or a change of it: `zone <name>`, `language ko|en`, `brief <time> on|off`."""
    match context.argument.split():
        case []:
            pass
        case ["zone", *name] if name:
            await choose_zone(context.services, context.asker, " ".join(name))
        case ["language", name] if name.lower() in LANGUAGES:
            await _speak(context, LANGUAGES[name.lower()])
        case ["brief", time, wanted] if (slot := slot_of(time)) and wanted.lower() in SWITCHES:
            await choose_brief(context.services, context.asker, slot, SWITCHES[wanted.lower()])
        case _:
            raise UserError(
                "zone, language, brief 가운데 하나를 적어 주세요. 예: /settings zone Asia/Tokyo, "
                "/settings language en, /settings brief 12:00 off"
            )
    await context.say(await _shown(context))


async def settings_pressed(context: BotContext) -> None:
    """The settings by a button, below what it stands under."""
    await context.say(await _shown(context))


async def language_pressed(context: BotContext, language: str) -> None:
    """Another language by a button."""
    await _speak(context, Language(language))
    await context.change(await _shown(context))


async def zone_pressed(context: BotContext, zone: str) -> None:
    """Another time zone by a button."""
    await choose_zone(context.services, context.asker, zone)
    await context.change(await _shown(context))


async def brief_pressed(context: BotContext, slot: str, wanted: str) -> None:
    """A brief on or off by a button."""
    await choose_brief(context.services, context.asker, Slot(slot), SWITCHES[wanted])
    await context.change(await _shown(context))


async def _speak(context: BotContext, language: Language) -> None:
    context.member = await chats.choose_language(context.services, context.asker, language)


async def _shown(context: BotContext) -> Message:
    preferences = await preferences_of(context.services, context.asker)
    return views.settings(preferences, context.asker, context.services.clock.now(), context.texts)
