"""People, as admins see them."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import datetime

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.message import Button, Keyboard, Message, rows
from core.chats.invites import Invite
from core.chats.member import Member, Person, Role
from core.chats.people import Card, Changed, Page
from core.usage.overview import OwnUse

MARKS = {Role.ADMIN: "⭐", Role.MEMBER: "👤", Role.WAITING: "⏳", Role.BLOCKED: "⛔"}
WORDS = {Role.ADMIN: "관리자", Role.MEMBER: "회원", Role.WAITING: "가입 대기", Role.BLOCKED: "차단됨"}
QUESTIONS = {"ua": "이 사용자를 관리자로 만들까요?", "ub": "이 사용자를 차단할까요?"}
ANSWERS = {"ua": "⭐ 관리자로 만들기", "ub": "⛔ 차단하기"}
_LONGEST_NAME = 24
_LONGEST_QUERY = 48


def listed(page: Page, query: str, now: datetime, texts: Texts) -> Message:
    """A page of people with a button to each, and how many there are of each role."""
    cards = [Button(person.name[:_LONGEST_NAME] or str(person.id), pack("uc", person.id)) for person in page.people]
    text = texts.render("users", page=page, query=query, now=now, marks=MARKS, words=WORDS)
    return Message(text=text, keyboard=(*rows(cards, width=2), *_turning(page, query, texts)))


def card(shown: Card, use: OwnUse, asker: Member, now: datetime, texts: Texts) -> Message:
    """A person, with buttons for what the asker may do to them."""
    person = shown.person
    said = {"card": shown, "person": person, "use": use, "cost": f"${use.cost_month:,.2f}", "now": now}
    text = texts.render("user", **said, mark=MARKS[person.role], word=WORDS[person.role])
    return Message(text=text, keyboard=() if person.owner or person.id == asker.id else _deeds(person, texts))


def confirm(person: Person, action: str, signed: str, texts: Texts) -> Message:
    """A question before a change that hurts."""
    keyboard = ((Button(texts(ANSWERS[action]), pack(action, signed)),),)
    return Message(text=texts.render("user_confirm", person=person, question=QUESTIONS[action]), keyboard=keyboard)


def changed(change: Changed, texts: Texts) -> Message:
    """What a person is now."""
    role = change.person.role
    return Message(text=texts.render("user_changed", person=change.person, mark=MARKS[role], word=WORDS[role]))


def invited(invite: Invite, link: str, anyone: bool, texts: Texts) -> Message:
    """An invitation to pass on, seen only now."""
    return Message(text=texts.render("invite", invite=invite, link=link, anyone=anyone))


def entered(texts: Texts) -> Message:
    """What one who waited is told when they are let in."""
    return Message(text=texts("가입이 승인되었습니다. 이제 쓸 수 있습니다. 시작: /start"))


def _deeds(person: Person, texts: Texts) -> Keyboard:
    asking = {action: Button(texts(words), pack("uq", action, person.id)) for action, words in ANSWERS.items()}
    if person.role is Role.BLOCKED:
        return ()
    if person.role is Role.WAITING:
        return ((let_in_button(person.id, texts), asking["ub"]),)
    return ((asking["ub"],),) if person.role is Role.ADMIN else ((asking["ua"], asking["ub"]),)


def let_in_button(user_id: int, texts: Texts) -> Button:
    """Lets in one who waits."""
    return Button(texts("✅ 가입 승인"), pack("ui", user_id))


def _turning(page: Page, query: str, texts: Texts) -> Keyboard:
    """To the pages beside this one, where the query fits into a button."""
    carried = urlsafe_b64encode(query.encode(errors="ignore")).decode().rstrip("=")
    if len(carried) > _LONGEST_QUERY:
        return ()
    before = [Button(texts("◀ 이전"), pack("us", page.number - 1, carried))] if page.number > 1 else []
    after = [Button(texts("다음 ▶"), pack("us", page.number + 1, carried))] if page.number < page.last else []
    return ((*before, *after),) if before or after else ()
