"""/logs for admins."""

from __future__ import annotations

import re
from typing import Final

from bot.context import BotContext
from bot.views import logs as views
from core.errors import UserError
from core.log_records.queries import newest_records, records_of
from core.log_records.record import Category, Level

USUAL: Final = 10
_REFERENCE = re.compile(r"[0-9a-f]{6}")
_COUNT = re.compile(r"[1-9]|[1-4][0-9]|50")


async def logs(context: BotContext) -> None:
    """The newest rows of a level and a category, or all of one reference, with what was logged up to now."""
    await context.log_rows.flush_rows()
    words = context.argument.lower().split()
    if len(words) == 1 and _REFERENCE.fullmatch(words[0]):
        await _of_reference(context, words[0])
        return
    level, category, count = asked(words)
    async with context.services.db.read() as conn:
        found = await newest_records(conn, least=level, category=category, limit=count)
    await context.say_privately(views.newest(found, context.texts))


def asked(words: list[str]) -> tuple[Level, Category | None, int]:
    """The least level, the category and the number that `words` ask for, in any order; raises `UserError`."""
    left = list(words)
    level = next((each for each in Level if each.lower() in left), None)
    category = next((each for each in Category if each in left), None)
    count = next((word for word in left if _COUNT.fullmatch(word)), None)
    for taken in (level and level.lower(), category, count):
        if taken is not None:
            left.remove(taken)
    if left:
        raise UserError(
            "수준({levels}), 분류({categories}), 개수(1-50)나 오류 답에 있던 번호를 적어 주세요. 예: {example}",
            levels=", ".join(Level).lower(),
            categories=", ".join(Category),
            example="/logs error crawler 20",
        )
    return level or Level.WARNING, category, int(count or USUAL)


async def _of_reference(context: BotContext, reference: str) -> None:
    async with context.services.db.read() as conn:
        found = await records_of(conn, reference)
    if not found:
        days = context.services.settings.log.kept_days
        raise UserError(
            "참조 번호 {reference}의 기록이 없습니다. 기록은 {days}일 동안 남습니다.", reference=reference, days=days
        )
    await context.say_privately(views.of_reference(found, context.texts))
