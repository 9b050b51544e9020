"""Finding the job an admin means, and asking back when it is not clear."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from rapidfuzz import fuzz, process

from bot.callbacks import OLD
from bot.context import BotContext
from bot.views import jobs as views
from core.errors import UserError

JOB: Final = "([0-9a-z_]{1,28})"
"""The pattern of a job's name on a button."""
_CLOSE_ENOUGH: Final = 50
_MOST_CLOSE: Final = 4
_MOST_SHOWN: Final = 40


async def asked_job(context: BotContext, action: str, *, example: str, also: Collection[str] = ()) -> str | None:
    """The job the argument names, or None after buttons were offered instead: of all jobs, or of the closest.

    `action` is what a button of the answer will do. `also` are names that count beside those of the table.
    """
    names = {name: job.summary for name, job in context.jobs.jobs.items()} | dict.fromkeys(also, "")
    asked = "_".join(context.argument.lower().replace("-", " ").split())
    if asked in names:
        return asked
    if asked:
        names = {name: names[name] for name in _closest(asked, names)}
    await context.say_privately(views.choose(names, action, example, context.argument[:_MOST_SHOWN], context.texts))
    return None


def known_job(context: BotContext, name: str) -> str:
    """The job a button names; raises `UserError` when there is none such any more."""
    if name not in context.jobs.jobs:
        raise UserError(OLD)
    return name


def _closest(asked: str, names: Collection[str]) -> list[str]:
    found = process.extract(asked, list(names), scorer=fuzz.WRatio, limit=_MOST_CLOSE, score_cutoff=_CLOSE_ENOUGH)
    return [name for name, _, _ in found]
