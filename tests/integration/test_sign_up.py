"""How people come in and what admins do to them, over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.embedded import Addresses
from sim.telegram.people import TelegramUser
from tests.integration.bot_stage import Stage, open_stage

WAITS = "⚠️ 가입 신청을 받았습니다. 관리자가 승인하면 알려 드립니다."
INVITE_ONLY = "⚠️ 초대받은 분만 쓸 수 있습니다. 받으신 초대 링크를 눌러 주세요."
ADMINS_ONLY = "⚠️ 관리자만 쓸 수 있는 명령입니다."


@pytest.fixture(scope="module")
async def listing(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A bot that lets in whom an admin lets in, and one person named in the settings."""
    folder: Path = tmp_path_factory.mktemp("listing")
    values = {"sign_up": "list", "allowed_ids": (101,)}
    async with open_stage(servers, template, folder, telegram=values) as opened:
        yield opened


@pytest.fixture(scope="module")
async def inviting(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A bot for the invited."""
    folder: Path = tmp_path_factory.mktemp("inviting")
    async with open_stage(servers, template, folder, telegram={"sign_up": "invite"}) as opened:
        yield opened


def newcomer(stage: Stage, name: str = "새 사람") -> TelegramUser:
    return stage.telegram.user(50_000 + len(stage.telegram.users), name)


async def alerts_of(stage: Stage, person: TelegramUser, *said: str) -> list[str]:
    """The keys under which admins were told while a person said something."""
    with capture_logs() as logs:
        for text in said:
            assert await stage.ask(text, person) == WAITS
    return [line["key"] for line in logs if line["event"] == "alert"]


# Waiting for an admin


async def test_a_newcomer_waits_is_answered_clearly_and_let_in_by_a_button(listing: Stage) -> None:
    person = newcomer(listing)
    for said in ("/start", "삼성전자", "/watch 카카오", "/start s_005930"):
        assert await listing.ask(said, person) == WAITS
    assert "초대 링크가 맞지 않거나" in await listing.ask("/start i_AAAAAAAAAAAAAAAAAAAAAA", person)
    card = (await listing.messages(f"/user {person.id}", listing.admin))[-1]
    assert "가입 대기" in card.text
    assert "이제부터: 회원" in await listing.press(card, "✅ 가입 승인", listing.admin)
    assert "가입이 승인되었습니다" in person.messages[-1].text
    assert "거래대금" in await listing.ask("삼성전자", person)
    assert "기다리는 사용자가 아닙니다" in await listing.press(card, "✅ 가입 승인", listing.admin)


async def test_those_named_in_the_settings_are_let_in_at_once(listing: Stage) -> None:
    assert "StockPilot" in await listing.ask("/start", listing.member)


async def test_one_who_waits_can_be_let_in_or_blocked_by_a_command(listing: Stage) -> None:
    first, second = newcomer(listing), newcomer(listing)
    for person in (first, second):
        await listing.ask("/start", person)
    assert "이제부터: 회원" in await listing.ask(f"/user {first.id} role member", listing.admin)
    assert "StockPilot" in await listing.ask("/start", first)
    question = (await listing.messages(f"/user {second.id} block", listing.admin))[-1]
    assert await listing.ask("/start", second) == WAITS
    assert "이제부터: 차단됨" in await listing.press(question, "⛔ 차단하기", listing.admin)
    assert await listing.say("/start", second) == ""
    assert question.buttons == []


# Invitations


async def test_an_invitation_opens_the_door_to_as_many_as_it_says(inviting: Stage) -> None:
    guests = [newcomer(inviting) for _ in range(3)]
    for guest in guests:
        assert await inviting.ask("/start", guest) == INVITE_ONLY
    link = await inviting.ask("/user invite 2 3", inviting.admin)
    assert "2번, 2026-02-23 15:5" in link
    payload = link.partition("?start=")[2].split()[0]
    assert len(payload) <= 64
    for guest in guests[:2]:
        assert "StockPilot" in await inviting.ask(f"/start {payload}", guest)
        assert "거래대금" in await inviting.ask("삼성전자", guest)
    assert "초대 링크가 맞지 않거나" in await inviting.ask(f"/start {payload}", guests[2])
    assert await inviting.ask("삼성전자", guests[2]) == INVITE_ONLY
    assert "SK하이닉스 000660" in await inviting.ask("/start s_000660", guests[0])


@pytest.mark.parametrize("words", ["0", "101", "1 91", "x", "1 x", "1 2 3", "-1", "1.5", "٣"])
async def test_an_invitation_out_of_bounds_is_refused_with_an_example(inviting: Stage, words: str) -> None:
    answer = await inviting.ask(f"/user invite {words}", inviting.admin)
    assert "예: /user" in answer
    assert "t.me" not in answer


# What an admin does


async def test_who_is_made_an_admin_is_one_at_once_and_sees_the_commands(listing: Stage) -> None:
    person = newcomer(listing, "둘째 관리자")
    await listing.ask("/start", person)
    question = (await listing.messages(f"/user {person.id} role admin", listing.admin))[-1]
    assert "이제부터: 관리자" in await listing.press(question, "⭐ 관리자로 만들기", listing.admin)
    assert "logs" in [each["command"] for each in person.commands()]
    assert "둘째 관리자" in await listing.ask("/users 둘째", person)
    for said in (f"/user {person.id} role member", f"/user {person.id} block"):
        assert "자기 자신" in await listing.ask(said, person)
    for said in (f"/user {listing.admin.id} block", f"/user {listing.admin.id} role member"):
        assert "운영자는 바꿀 수 없습니다" in await listing.ask(said, person)
    assert "이제부터: 회원" in await listing.ask(f"/user {person.id} role member", listing.admin)
    assert "logs" not in [each["command"] for each in person.commands()]
    assert await listing.ask("/users", person) == ADMINS_ONLY


async def test_a_confirmation_belongs_to_the_admin_who_asked(listing: Stage) -> None:
    person, other = newcomer(listing), newcomer(listing)
    for each in (person, other):
        await listing.ask("/start", each)
    await listing.set_role(other.id, "admin")
    question = (await listing.messages(f"/user {person.id} block", listing.admin))[-1]
    data = question.buttons[0][0]["callback_data"]
    assert "다른 사람에게 보낸" in await listing.forge(data, other)
    assert await listing.forge(data.replace(str(person.id), str(other.id)), listing.admin) != ""
    assert await listing.ask("/help", person) == WAITS


async def test_the_list_turns_its_pages_and_opens_cards(listing: Stage) -> None:
    people = [newcomer(listing, f"목록 {number}") for number in range(12)]
    for person in people:
        await listing.say("/start", person)
    first = (await listing.messages("/users 목록", listing.admin))[-1]
    assert "12명" in first.text
    assert "1/2" in first.text
    second = await listing.press(first, "다음 ▶", listing.admin)
    assert "2/2" in second
    assert "◀ 이전" in second
    assert "2/2" in await listing.ask("/users 목록 2", listing.admin)
    card = await listing.press(first, first.buttons[0][0]["text"], listing.admin)
    assert "가입 대기" in card
    assert "관심종목 0" in card
    assert "이번 달 AI 호출 0번, $0.00" in card


async def test_a_name_from_outside_is_shown_as_it_is(listing: Stage) -> None:
    person = newcomer(listing, "<b>A&B</b>\u202e'; --")
    await listing.say("/start", person)
    assert "<b>A&B</b>" in await listing.ask(f"/user {person.id}", listing.admin)
    assert "<b>A&B</b>" in await listing.ask("/users A&B", listing.admin)


@pytest.mark.parametrize(
    "words",
    ["", "x", "1 role", "1 role owner", "1 role admin now", "1 ban", "0 block", "-1", "٣", "1" * 30, "@name block"],
)
async def test_wrong_words_are_answered_with_an_example(listing: Stage, words: str) -> None:
    assert "예: /user 101 role member" in await listing.ask(f"/user {words}", listing.admin)


async def test_admin_detail_goes_to_the_private_chat(listing: Stage) -> None:
    group = listing.telegram.group(-1_000_000_000_777, "투자방", listing.admin)
    group.add_bot(listing.admin)
    asked = group.send(listing.admin, "/users")
    await listing.settled()
    assert [message.text for message in group.since(asked)] == ["개인 대화로 보냈습니다."]
    assert "사용자" in listing.admin.messages[-1].text


async def test_admins_are_told_of_one_who_waits_once_however_often_they_write(listing: Stage) -> None:
    person = newcomer(listing)
    assert await alerts_of(listing, person, "/start", "/help", "삼성전자") == [f"member_waits:{person.id}"]
