"""The table of Bot API methods, and the ones that move updates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sim.telegram import about, editing, queries, sending
from sim.telegram.chats import Json
from sim.telegram.errors import bad_request
from sim.telegram.params import Params
from sim.telegram.world import World

Method = Callable[[World, Params], Any]

AsyncMethod = Callable[[World, Params], Awaitable[Any]]


def _allow(world: World, params: Params) -> None:
    kinds = params.json("allowed_updates")
    if kinds is not None and not (isinstance(kinds, list) and all(isinstance(kind, str) for kind in kinds)):
        raise bad_request("can't parse allowed_updates: Array of Strings expected")
    world.updates.allow(kinds)


async def get_updates(world: World, params: Params) -> list[Json]:
    """getUpdates: waits up to `timeout` seconds (50 at most), gives up to `limit` (1-100) updates."""
    _allow(world, params)
    return await world.updates.poll(
        offset=params.number("offset"),
        limit=max(1, min(params.number("limit", 100), 100)),
        timeout=max(0, min(params.number("timeout"), 50)),
    )


def set_webhook(world: World, params: Params) -> bool:
    """setWebhook; an empty address removes it. Plain http is taken too: everything here is on one machine."""
    url = params.text("url")
    if url and not url.startswith(("http://", "https://")):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    _allow(world, params)
    if params.flag("drop_pending_updates"):
        world.updates.drop_pending()
    world.updates.set_webhook(url, params.text("secret_token"))
    return True


def delete_webhook(world: World, params: Params) -> bool:
    """deleteWebhook."""
    if params.flag("drop_pending_updates"):
        world.updates.drop_pending()
    world.updates.set_webhook("", "")
    return True


def webhook_info(world: World, params: Params) -> Json:
    """getWebhookInfo."""
    updates = world.updates
    info: Json = {
        "url": updates.webhook_url,
        "has_custom_certificate": False,
        "pending_update_count": len(updates),
    }
    if updates.allowed:
        info["allowed_updates"] = updates.allowed
    if updates.webhook_error:
        info["last_error_date"], info["last_error_message"] = updates.webhook_error
    return info


METHODS: Mapping[str, Method | AsyncMethod] = {
    "getme": about.get_me,
    "getupdates": get_updates,
    "setwebhook": set_webhook,
    "deletewebhook": delete_webhook,
    "getwebhookinfo": webhook_info,
    "sendmessage": sending.send_message,
    "sendphoto": sending.send_photo,
    "senddocument": sending.send_document,
    "sendmediagroup": sending.send_media_group,
    "sendchataction": sending.send_chat_action,
    "getfile": sending.get_file,
    "editmessagetext": editing.edit_text,
    "editmessagecaption": editing.edit_caption,
    "editmessagemedia": editing.edit_media,
    "editmessagereplymarkup": editing.edit_buttons,
    "deletemessage": editing.delete_message,
    "deletemessages": editing.delete_messages,
    "setmessagereaction": editing.set_reaction,
    "answercallbackquery": queries.answer_callback,
    "answerinlinequery": queries.answer_inline,
    "setmycommands": about.set_commands,
    "getmycommands": about.get_commands,
    "deletemycommands": about.delete_commands,
    "getchat": about.get_chat,
    "getchatmember": about.get_member,
    "getchatmembercount": about.count_members,
    "getchatadministrators": about.get_administrators,
    "leavechat": about.leave_chat,
}
"""Lower-case method name → what it does: as in Telegram, the case of a method's name does not matter."""
