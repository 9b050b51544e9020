"""Who may do what: every command and every button crossed with every kind of sender.

What somebody may not do changes no row but the bookkeeping of people and chats, and brings no message but the refusal.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, find, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bot.callbacks import pack
from bot.commands import ACTIONS, COMMANDS
from core.chats.member import Role
from core.db import Base
from core.embedded import Addresses
from tests.integration.bot_stage import Stage, open_stage

ADMINS_ONLY = "⚠️ 관리자만 쓸 수 있는 명령입니다."
WAITING = "⚠️ 가입 신청을 받았습니다. 관리자가 승인하면 알려 드립니다."
BOOKKEEPING = {"user", "chat", "log_record"}
"""Tables that note who wrote and what was logged; of people, what they may do is compared all the same."""
FREE_TEXTS = ("삼성전자", "/nonsense", "/price@somebody_else 삼성전자")

_update_ids = count(900_000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """A kind of sender: how a message of theirs travels, what they may do, and what they are told otherwise."""

    name: str
    role: Role
    refusal: str | None
    fields: dict[str, Any]
    chat: dict[str, Any]

    def may(self, access: Role) -> bool:
        return self.role is not Role.BLOCKED and self.role.reaches(access)


def person(user_id: int, name: str, role: Role, refusal: str | None) -> Sender:
    who = {"id": user_id, "is_bot": False, "first_name": name}
    return Sender(name=name, role=role, refusal=refusal, fields={"from": who}, chat={"id": user_id, "type": "private"})


GROUP = {"id": -55, "type": "group", "title": "g"}
CHANNEL = {"id": -9, "type": "channel", "title": "c"}


def nobody(name: str, chat: dict[str, Any], **fields: Any) -> Sender:
    return Sender(name=name, role=Role.BLOCKED, refusal=None, fields=fields, chat=chat)


STORED_ADMIN, MEMBER, BLOCKED, WAITS = 9001, 9002, 9003, 9004
SENDERS = (
    person(STORED_ADMIN, "stored admin", Role.ADMIN, None),
    person(MEMBER, "member", Role.MEMBER, ADMINS_ONLY),
    person(BLOCKED, "blocked", Role.BLOCKED, None),
    person(WAITS, "waiting", Role.WAITING, WAITING),
    person(9005, "stranger", Role.WAITING, WAITING),
    nobody(
        "anonymous group admin",
        GROUP,
        **{"from": {"id": 1087968824, "is_bot": True, "first_name": "Group"}, "sender_chat": GROUP},
    ),
    nobody(
        "linked channel",
        GROUP,
        **{"from": {"id": 777000, "is_bot": False, "first_name": "Telegram"}, "sender_chat": CHANNEL},
    ),
    nobody("other bot", GROUP, **{"from": {"id": 4711, "is_bot": True, "first_name": "Another bot"}}),
    nobody("owner's name only", GROUP, sender_chat={"id": 102, "type": "private", "first_name": "관리자"}),
    nobody("channel post", CHANNEL, sender_chat=CHANNEL),
)
PRESSING = [each for each in SENDERS if "from" in each.fields and each.fields["from"]["id"] != 777000]


def by_name(sender: Sender) -> str:
    return sender.name


@pytest.fixture(scope="module")
async def stage(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("access")
    async with open_stage(servers, template, folder, telegram={"sign_up": "list"}) as opened:
        await opened.services.cache.clear()
        for sender in SENDERS[:5]:
            opened.telegram.user(sender.chat["id"], sender.name).chat.known = True
        for sender in SENDERS[:4]:
            await say(opened, sender, "/start")
        for user_id, role in ((STORED_ADMIN, "admin"), (MEMBER, "member"), (BLOCKED, "blocked"), (WAITS, "waiting")):
            await opened.set_role(user_id, role)
        for sender in SENDERS[3:5]:  # admins are told of who waits, those made admins since too
            await say(opened, sender, "/help")
        yield opened


def put(stage: Stage, sender: Sender, said: str) -> None:
    """Queue a text of this sender, as Telegram brings it."""
    length = len(said.split()[0]) if said.startswith("/") else 0
    entities = [{"type": "bot_command", "offset": 0, "length": length}] if length else []
    body = {"message_id": next(_update_ids), "date": 1_771_570_200, "chat": sender.chat, "text": said}
    kind = "channel_post" if sender.chat["type"] == "channel" else "message"
    stage.telegram.world.updates.put(kind, body | {"entities": entities} | sender.fields)


def press(stage: Stage, sender: Sender, data: str) -> None:
    """Queue a press of a button with `data` by this sender."""
    message = {"message_id": next(_update_ids), "date": 1_771_570_200, "chat": sender.chat, "text": "?"}
    body = {"id": str(next(_update_ids)), "from": sender.fields["from"], "message": message, "chat_instance": "1"}
    stage.telegram.world.updates.put("callback_query", body | {"data": data})


async def say(stage: Stage, sender: Sender, said: str) -> None:
    """A text of this sender, and the bot done with it."""
    put(stage, sender, said)
    await stage.settled()


@cache
def data_of(action: str) -> str:
    """Some data a button of this action can carry."""
    pattern = st.from_regex(ACTIONS[action].arguments, fullmatch=True, alphabet=st.characters(codec="ascii"))
    quick = settings(database=None, phases=[Phase.generate], max_examples=100)
    arguments = find(pattern, lambda _: True, settings=quick, random=Random(action))
    return pack(action, arguments) if arguments else pack(action)


def visible(stage: Stage) -> list[str]:
    """What the bot wrote, changed or deleted since the requests were last cleared."""
    return [
        str(call.params.get("text") or call.params.get("caption") or call.method)
        for call in stage.telegram.requests
        if call.method.startswith(("send", "edit", "delete", "forward", "copy", "answerInline"))
        and call.method != "sendChatAction"
    ]


async def state(stage: Stage) -> dict[str, str]:
    """What every table holds, as a digest; of people, their rights and wishes."""
    await stage.services.calls.flush()
    digest = "SELECT count(*) || md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} t"
    tables = {name: f'"{name}"' for name in Base.metadata.tables if name not in BOOKKEEPING}
    tables["rights"] = '(SELECT role, language FROM "user")'
    async with stage.services.db.read() as conn:
        return {name: (await conn.execute(text(digest.format(source)))).scalar_one() for name, source in tables.items()}


@pytest.mark.parametrize("sender", SENDERS, ids=by_name)
async def test_a_command_that_is_not_allowed_does_nothing(stage: Stage, sender: Sender) -> None:
    before = await state(stage)
    stage.telegram.requests.clear()
    forbidden = [command for command in COMMANDS if not sender.may(command.access)]
    for command in forbidden:
        for said in (command.example, f"/{command.name}", f"/{command.name} {MEMBER} role admin"):
            put(stage, sender, said)
    await stage.settled()
    assert visible(stage) == ([sender.refusal] * 3 * len(forbidden) if sender.refusal else [])
    assert await state(stage) == before


@pytest.mark.parametrize("sender", PRESSING, ids=by_name)
async def test_a_button_that_is_not_allowed_does_nothing(stage: Stage, sender: Sender) -> None:
    before = await state(stage)
    stage.telegram.requests.clear()
    forbidden = [name for name, action in ACTIONS.items() if not sender.may(action.access)]
    for name in forbidden:
        press(stage, sender, data_of(name))
    await stage.settled()
    assert visible(stage) == ([sender.refusal] * len(forbidden) if sender.refusal else [])
    assert await state(stage) == before


@pytest.mark.parametrize("sender", [each for each in SENDERS if not each.may(Role.MEMBER)], ids=by_name)
async def test_free_text_of_one_who_is_not_let_in_does_nothing(stage: Stage, sender: Sender) -> None:
    before = await state(stage)
    stage.telegram.requests.clear()
    for said in FREE_TEXTS:
        put(stage, sender, said)
    await stage.settled()
    assert set(visible(stage)) <= {sender.refusal}
    assert await state(stage) == before


@pytest.mark.parametrize("sender", [each for each in SENDERS if each.may(Role.MEMBER)], ids=by_name)
async def test_what_is_allowed_is_not_refused(stage: Stage, sender: Sender) -> None:
    for command in COMMANDS:
        stage.telegram.requests.clear()
        await say(stage, sender, f"/{command.name}")
        said = visible(stage)
        assert said, command.name
        assert (ADMINS_ONLY in said) is not sender.may(command.access), command.name
        assert not any("참조 번호" in each for each in said), (command.name, said)


async def test_every_button_declares_a_right_and_every_admin_command_too() -> None:
    assert {command.access for command in COMMANDS} <= {Role.WAITING, Role.MEMBER, Role.ADMIN}
    assert {action.access for action in ACTIONS.values()} <= {Role.MEMBER, Role.ADMIN}
    assert [command.name for command in COMMANDS if command.access is Role.WAITING] == ["start"]


async def test_a_change_of_role_holds_from_the_very_next_message(stage: Stage) -> None:
    sender = person(9006, "passer-by", Role.MEMBER, ADMINS_ONLY)
    stage.telegram.user(9006, sender.name).chat.known = True
    answers = []
    await say(stage, sender, "/start")
    for role in ("member", "admin", "member", "blocked", "waiting"):
        await stage.set_role(9006, role)
        stage.telegram.requests.clear()
        await say(stage, sender, "/users")
        answers.append(visible(stage))
    assert answers[0] == answers[2] == [ADMINS_ONLY]
    assert "사용자" in answers[1][0]
    assert answers[3] == []
    assert answers[4] == [WAITING]
