"""/start, /help and the choice of language."""

from __future__ import annotations

from bot.access import require
from bot.context import BotContext
from bot.handlers.stocks import show_price
from bot.views import basics as views
from core.chats import service as chats
from core.chats.invites import accept_invite
from core.chats.member import Language, Role
from core.stocks.service import stock_resolver


async def start(context: BotContext) -> None:
    """Greet, open the stock a shared link names (`s_005930`), or let in who comes with an invitation (`i_…`)."""
    from bot.menus import set_admin_menu

    kind, _, code = context.argument.partition("_")
    if kind == "i" and context.asker.role is Role.WAITING:
        context.member = await accept_invite(context.services, context.asker, code)
    require(context, Role.MEMBER)
    stock = (await stock_resolver(context.services)).get(code) if kind == "s" else None
    chat = context.chat
    await chats.seen_chat(context.services, chat_id=chat.id, kind=chat.type)
    if context.asker.admin:
        await set_admin_menu(context.telegram, context.asker.id)
    if stock is not None:
        await show_price(context, stock)
    else:
        await context.say(views.greeting(context.asker, context.texts))


async def help_(context: BotContext) -> None:
    """The commands the asker may use."""
    from bot.commands import allowed

    await context.say(views.help_(allowed(context), context.texts))


async def language_pressed(context: BotContext, language: str) -> None:
    """Choose a language and greet in it."""
    context.member = await chats.choose_language(context.services, context.asker, Language(language))
    await context.change(views.greeting(context.asker, context.texts))
