"""Bot API methods about the bot itself, its menus, and the chats it is in."""

from __future__ import annotations

from sim.telegram.chats import Json
from sim.telegram.errors import bad_request
from sim.telegram.menus import Scope, scope_of
from sim.telegram.params import Params
from sim.telegram.sending import chat_id
from sim.telegram.world import World, member_wire


def get_me(world: World, params: Params) -> Json:
    """getMe."""
    return world.bot.wire() | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": True,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def _scope(world: World, params: Params) -> Scope:
    scope = scope_of(params.object("scope"))
    if scope[0] in ("chat", "chat_administrators", "chat_member"):
        world.readable_chat(scope[1])
    return scope


def set_commands(world: World, params: Params) -> bool:
    """setMyCommands."""
    world.menus.set(_scope(world, params), params.text("language_code"), params.objects("commands"))
    world.tell("menu", None)
    return True


def get_commands(world: World, params: Params) -> list[Json]:
    """getMyCommands."""
    return world.menus.get(_scope(world, params), params.text("language_code"))


def delete_commands(world: World, params: Params) -> bool:
    """deleteMyCommands."""
    world.menus.delete(_scope(world, params), params.text("language_code"))
    world.tell("menu", None)
    return True


def get_chat(world: World, params: Params) -> Json:
    """getChat."""
    return world.readable_chat(chat_id(params)).wire() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        ),
    }


def get_member(world: World, params: Params) -> Json:
    """getChatMember."""
    chat = world.readable_chat(chat_id(params))
    person = world.people.get(params.number("user_id"))
    if person is None:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return member_wire(person, chat.members.get(person.id, "left"))


def _present(world: World, params: Params) -> dict[int, str]:
    members = world.readable_chat(chat_id(params)).members
    return {person: status for person, status in members.items() if status not in ("left", "kicked")}


def count_members(world: World, params: Params) -> int:
    """getChatMemberCount."""
    return len(_present(world, params))


def get_administrators(world: World, params: Params) -> list[Json]:
    """getChatAdministrators."""
    if world.readable_chat(chat_id(params)).kind == "private":
        raise bad_request("there are no administrators in the private chat")
    return [
        member_wire(world.people[person], status)
        for person, status in _present(world, params).items()
        if status in ("creator", "administrator") and person != world.bot.id
    ]


def leave_chat(world: World, params: Params) -> bool:
    """leaveChat."""
    chat = world.chat_for_bot(chat_id(params))
    if chat.kind == "private":
        raise bad_request("chat member status can't be changed in private chats")
    world.membership(chat, world.bot, world.bot, "left")
    return True
