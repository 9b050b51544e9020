"""/sources for admins."""

from __future__ import annotations

from bot.confirm import confirmed, signed
from bot.context import BotContext
from bot.views import sources as views
from bot.views.message import Message
from core.outside import service as outside

ASK = {"close": "sc", "probe": "sr"}
"""What may be done to a source after it was confirmed, and the action of the button that confirms it."""


async def sources(context: BotContext) -> None:
    """Every source, or one in detail."""
    key = context.argument.lower()
    await context.say_privately(await (_one(context, key) if key else _all(context)))


async def sources_pressed(context: BotContext) -> None:
    """Every source, in the message whose button was pressed."""
    await context.change(await _all(context))


async def source_pressed(context: BotContext, key: str) -> None:
    """One source in detail, in the message whose button was pressed."""
    await context.change(await _one(context, key))


async def ask_pressed(context: BotContext, what: str, key: str) -> None:
    """Ask whether a circuit is to be closed, or a source to be asked now."""
    outside.declared_source(key)
    await context.change(views.confirm(key, what, ASK[what], signed(context, ASK[what], key), context.texts))


async def close_confirmed(context: BotContext, subject: str, until: str, signature: str) -> None:
    """Close a circuit, and show how the source stands then."""
    key = confirmed(context, "sc", subject, until, signature)
    await outside.close_circuit(context.services, key, by=context.asker.id)
    await context.change(await _one(context, key, views.CLOSED))


async def probe_confirmed(context: BotContext, subject: str, until: str, signature: str) -> None:
    """Ask a source now, and show what came of it."""
    key = confirmed(context, "sr", subject, until, signature)
    wrong = await outside.probe(context.services, key, by=context.asker.id)
    await context.change(await _one(context, key, views.PROBED if wrong is None else views.PROBE_FAILED, wrong or ""))


async def rerun_pressed(context: BotContext, key: str) -> None:
    """Try the rows in quarantine again, and show what came of it."""
    done = await outside.rerun(context.services, key, by=context.asker.id)
    await context.change(await _one(context, key, views.RERUN, tried=done.tried, used=done.used, new=done.new))


async def _all(context: BotContext) -> Message:
    return views.sources(await outside.overview(context.services), context.services.clock.now(), context.texts)


async def _one(context: BotContext, key: str, said: str = "", error: str = "", **values: object) -> Message:
    found = await outside.look(context.services, key)
    done = views.Done(context.texts(said, **values), error) if said else None
    return views.source(found, done, context.services.clock.now(), context.texts)
