"""/users and /user for admins: who is here, and what they may do."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from typing import Final

import structlog
from telegram.error import TelegramError

from bot import reply
from bot.callbacks import OLD
from bot.confirm import confirmed, signed
from bot.context import BotContext
from bot.texts import texts
from bot.views import users as views
from bot.views.message import Message
from core.chats import people
from core.chats.invites import MOST_DAYS, MOST_USES, make_invite
from core.chats.member import Role
from core.chats.people import Changed
from core.errors import UserError
from core.usage.service import own_use

log = structlog.get_logger(__name__)

USES, DAYS = 1, 7
"""What an invitation is good for when nothing is said."""
LONGEST_QUERY: Final = 50
_ID = re.compile(r"[1-9][0-9]{0,15}")
_PAGE = re.compile(r"[1-9][0-9]{0,2}")


async def users(context: BotContext) -> None:
    """People by name, id or role, those who wait first."""
    *words, last = context.argument.split() or [""]
    if words and _PAGE.fullmatch(last):
        await _list(context, " ".join(words), int(last))
    else:
        await _list(context, context.argument, 1)


async def page_pressed(context: BotContext, number: str, query: str) -> None:
    """Another page of a list."""
    try:
        wanted = urlsafe_b64decode(query + "=" * (-len(query) % 4)).decode()
    except (NotBase64, UnicodeDecodeError):
        raise UserError(OLD) from None
    page = await people.list_people(context.services, wanted, int(number))
    await context.change(views.listed(page, wanted, context.services.clock.now(), context.texts))


async def user(context: BotContext) -> None:
    """One person, a change of what they may do, or an invitation."""
    match context.argument.lower().split():
        case ["invite", *numbers] if len(numbers) <= 2:
            await _invite(context, *numbers)
        case [who] if _ID.fullmatch(who):
            await card_pressed(context, who)
        case [who, "role", "admin"] if _ID.fullmatch(who):
            await _ask(context, int(who), "ua")
        case [who, "role", "member"] if _ID.fullmatch(who):
            services, asker = context.services, context.asker
            await _done(context, await people.give_role(services, asker, int(who), Role.MEMBER))
        case [who, "block"] if _ID.fullmatch(who):
            await _ask(context, int(who), "ub")
        case [who, "unblock"] if _ID.fullmatch(who):
            await _done(context, await people.unblock(context.services, context.asker, int(who)))
        case _:
            raise UserError(
                "번호와 할 일(role admin, role member, block, unblock)을 적거나 invite를 적어 주세요. 예: {example}",
                example="/user 101 role member",
            )


async def card_pressed(context: BotContext, who: str) -> None:
    """One person."""
    card = await people.find_person(context.services, int(who))
    use = await own_use(context.services, int(who))
    await context.say_privately(views.card(card, use, context.asker, context.services.clock.now(), context.texts))


async def let_in_pressed(context: BotContext, who: str) -> None:
    """Let in one who waits."""
    await _done(context, await people.let_in(context.services, context.asker, int(who)))


async def ask_pressed(context: BotContext, action: str, who: str) -> None:
    """Ask before somebody is blocked or made an admin."""
    await _ask(context, int(who), action)


async def admin_confirmed(context: BotContext, *pressed: str) -> None:
    """Make somebody an admin."""
    who = int(confirmed(context, "ua", *pressed))
    await _changed(context, await people.give_role(context.services, context.asker, who, Role.ADMIN))


async def block_confirmed(context: BotContext, *pressed: str) -> None:
    """Block somebody."""
    who = int(confirmed(context, "ub", *pressed))
    await _changed(context, await people.block(context.services, context.asker, who))


async def _list(context: BotContext, query: str, number: int) -> None:
    query = query[:LONGEST_QUERY]
    page = await people.list_people(context.services, query, number)
    await context.say_privately(views.listed(page, query, context.services.clock.now(), context.texts))


async def _ask(context: BotContext, user_id: int, action: str) -> None:
    person = await people.changeable(context.services, context.asker, user_id)
    await context.say_privately(views.confirm(person, action, signed(context, action, str(person.id)), context.texts))


async def _done(context: BotContext, change: Changed) -> None:
    await context.say_privately(views.changed(change, context.texts))
    await _follow(context, change)


async def _changed(context: BotContext, change: Changed) -> None:
    await context.change(views.changed(change, context.texts))
    await _follow(context, change)


async def _follow(context: BotContext, change: Changed) -> None:
    """What a change brings with it: the menu of an admin, and a word to one who was waiting."""
    from bot.menus import drop_admin_menu, set_admin_menu

    person = change.person
    if person.role is Role.ADMIN:
        await set_admin_menu(context.telegram, person.id)
    elif change.before is Role.ADMIN:
        await drop_admin_menu(context.telegram, person.id)
    if change.entered:
        await _tell(context, person.id, views.entered(texts(person.language)))


async def _tell(context: BotContext, user_id: int, message: Message) -> None:
    try:
        await reply.send(context.telegram, message, {"chat_id": user_id}, cache=context.services.cache)
    except TelegramError as error:
        log.info("newcomer_not_told", user=user_id, error=str(error))


async def _invite(context: BotContext, uses: str = str(USES), days: str = str(DAYS)) -> None:
    counts = [int(word) if _PAGE.fullmatch(word) else 0 for word in (uses, days)]
    if not (1 <= counts[0] <= MOST_USES and 1 <= counts[1] <= MOST_DAYS):
        raise UserError(
            "초대는 1-{uses}번, 1-{days}일까지 만들 수 있습니다. 예: {example}",
            uses=MOST_USES,
            days=MOST_DAYS,
            example="/user invite 5 7",
        )
    invite = await make_invite(context.services, context.asker, uses=counts[0], days=counts[1])
    link = f"https://t.me/{context.telegram.username}?start=i_{invite.code}"
    anyone = context.services.settings.telegram.sign_up == "open"
    await context.say_privately(views.invited(invite, link, anyone, context.texts))
