"""People as the tests, the headless demo and the chat page drive them: they write, click, block and wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sim.telegram.chats import Chat, Click, InlineQuestion, Json, Message, Person
from sim.telegram.params import Params
from sim.telegram.sending import text_of
from sim.telegram.text import cut_at, with_plain_entities
from sim.telegram.world import World

Act = Message | Click | InlineQuestion


class Room:
    """A chat the bot can be in, seen from the people's side. Waiting is in real seconds."""

    def __init__(self, world: World, chat: Chat) -> None:
        self._world = world
        self.chat = chat
        self.clicks: list[Click] = []
        """Pressed buttons, with the bot's answers once they came."""

    @property
    def messages(self) -> list[Message]:
        """Everything in the chat as it now stands, oldest first: edits applied, deleted ones gone."""
        return list(self.chat.messages.values())

    def since(self, act: Act) -> list[Message]:
        """The bot's messages that are new or changed since `act`, oldest first."""
        return [m for m in self.messages if m.mark > act.mark and m.sender is self._world.bot]

    async def wait_answer(self, act: Act, timeout: float = 10.0) -> list[Message]:
        """Wait until the bot did anything visible here after `act`: a message, an edit, a deletion, an answered click.

        Returns its new and changed messages: none when it only answered the click. Raises `TimeoutError`.
        """
        await self.wait_until(lambda: self.chat.answered > act.mark, timeout)
        return self.since(act)

    async def wait_idle(self, act: Act, *, quiet: float = 0.5, timeout: float = 30.0) -> list[Message]:
        """Wait until the bot answered `act`, took every update, and made no call about this chat for `quiet` seconds.

        Returns its new and changed messages. Raises `TimeoutError`.
        """
        now = asyncio.get_running_loop().time

        def idle() -> bool:
            return self.chat.answered > act.mark and not self._world.updates and now() - self.chat.active_at >= quiet

        await self.wait_until(idle, timeout, look_every=quiet / 2)
        return self.since(act)

    async def wait_until(self, reached: Callable[[], bool], timeout: float = 10.0, look_every: float = 1.0) -> None:
        """Wait until `reached()` is true, looking after every event and every `look_every` seconds.

        Raises `TimeoutError`.
        """
        async with asyncio.timeout(timeout):
            while not reached():
                await self._world.change(look_every)

    def _say(self, person: Person, text: str, reply_to: Message | None, *, heard: bool = True) -> Message:
        """Post a person's text and, where the bot may hear it, queue the update."""
        entities = with_plain_entities(text, [])
        message = self._world.post(self.chat, person, text=text, entities=entities, reply_to=reply_to)
        if heard:
            self.chat.known = True
            self._world.updates.put("message", message.wire())
        return message

    def _click(self, person: Person, message_id: int, button: str) -> Click:
        message = self.chat.messages[message_id]
        pressed = next(
            (b for row in message.buttons for b in row if button in (b["text"], b.get("callback_data"))), None
        )
        if pressed is None or "callback_data" not in pressed:
            raise ValueError(f"message {message_id} has no button {button!r} to press")
        world, mark = self._world, self._world.next_mark()
        click = Click(
            id=str(10**18 + mark),
            chat=self.chat,
            message=message,
            data=pressed["callback_data"],
            asked=world.seconds(),
            mark=mark,
        )
        world.clicks[click.id] = click
        self.clicks.append(click)
        query = {
            "id": click.id,
            "from": person.wire(),
            "message": message.wire(),
            "chat_instance": str(self.chat.id),
            "data": click.data,
        }
        world.updates.put("callback_query", query)
        return click


class TelegramUser(Room):
    """One person and their private chat with the bot."""

    def __init__(self, world: World, chat: Chat, person: Person) -> None:
        super().__init__(world, chat)
        self.person = person
        self.id = person.id

    def send(self, text: str, reply_to: Message | None = None) -> Message:
        """Write to the bot; unblocks it first, as the app does on restart."""
        self.unblock()
        return self._say(self.person, text, reply_to)

    def click(self, message_id: int, button: str) -> Click:
        """Press an inline button by its text or its data. Raises `ValueError` when there is none such."""
        return self._click(self.person, message_id, button)

    def block(self) -> None:
        """Stop the bot: it gets `my_chat_member`, and 403 when it writes."""
        self._world.membership(self.chat, self.person, self._world.bot, "kicked")

    def unblock(self) -> None:
        """Let the bot write again."""
        self._world.membership(self.chat, self.person, self._world.bot, "member")

    def react(self, message_id: int, emoji: str) -> None:
        """Put one emoji on a message; the bot hears it if it asked for `message_reaction`."""
        message = self.chat.messages[message_id]
        old, message.reactions = message.reactions, [{"type": "emoji", "emoji": emoji}]
        update = {
            "chat": self.chat.wire(),
            "message_id": message_id,
            "user": self.person.wire(),
            "date": self._world.seconds(),
            "old_reaction": old,
            "new_reaction": message.reactions,
        }
        self._world.updates.put("message_reaction", update)

    def commands(self) -> list[Json]:
        """The command menu this person sees."""
        return self._world.menus.seen_in_private(self.id, self.person.language_code)

    def ask_inline(self, query: str, offset: str = "") -> InlineQuestion:
        """Type `@bot query` somewhere."""
        world, mark = self._world, self._world.next_mark()
        question = InlineQuestion(
            id=str(2 * 10**18 + mark), sender=self.person, query=query[:256], asked=world.seconds(), mark=mark
        )
        world.questions[question.id] = question
        body = {"id": question.id, "from": self.person.wire(), "query": question.query, "offset": offset}
        world.updates.put("inline_query", body | {"chat_type": "sender"})
        return question

    async def wait_results(self, question: InlineQuestion, timeout: float = 10.0) -> list[Json]:
        """The results offered for `question`. Raises `TimeoutError`."""
        await self.wait_until(lambda: question.answered, timeout)
        return question.results

    def choose(self, question: InlineQuestion, result_id: str) -> Message:
        """Send one of the offered results into this chat. Raises `StopIteration` for an unknown id."""
        result = next(result for result in question.results if result["id"] == result_id)
        content = result.get("input_message_content", {})
        text, entities = text_of(Params(content | {"text": content.get("message_text", result.get("title", ""))}))
        message = self._world.post(self.chat, self.person, text=text, entities=entities, via_bot=self._world.bot)
        message.buttons = (result.get("reply_markup") or {}).get("inline_keyboard", [])
        self.chat.known = True
        self._world.updates.put("message", message.wire())
        chosen = {"result_id": result_id, "from": self.person.wire(), "query": question.query}
        self._world.updates.put("chosen_inline_result", chosen)
        return message


class TelegramGroup(Room):
    """A group. The bot is in privacy mode: it hears commands, mentions of itself and replies to itself only."""

    def join(self, user: TelegramUser, status: str = "member") -> None:
        """Let a person in."""
        self._world.membership(self.chat, user.person, user.person, status)

    def send(self, user: TelegramUser, text: str, reply_to: Message | None = None) -> Message:
        """Write as `user`."""
        heard = self._bot_is_in() and self._concerns_bot(text, reply_to)
        return self._say(user.person, text, reply_to, heard=heard)

    def click(self, user: TelegramUser, message_id: int, button: str) -> Click:
        """Press an inline button as `user`. Raises `ValueError` when there is none such."""
        return self._click(user.person, message_id, button)

    def add_bot(self, user: TelegramUser) -> None:
        """`user` brings the bot in."""
        self.chat.known = True
        self._world.membership(self.chat, user.person, self._world.bot, "member")
        service = {"new_chat_members": [self._world.bot.wire()]}
        message = self._world.post(self.chat, user.person, service=service)
        self._world.updates.put("message", message.wire())

    def remove_bot(self, user: TelegramUser) -> None:
        """`user` throws the bot out; it gets 403 when it writes."""
        self._world.membership(self.chat, user.person, self._world.bot, "kicked")

    def upgrade(self, new_id: int) -> TelegramGroup:
        """Turn the group into a supergroup; writing to the old id gets 400 with `migrate_to_chat_id`."""
        old = self.chat
        new = Chat(id=new_id, kind="supergroup", title=old.title, members=dict(old.members), known=old.known)
        self._world.chats[new_id] = new
        creator = self._world.people[next(iter(old.members))]
        note = self._world.post(old, creator, service={"migrate_to_chat_id": new_id})
        old.moved_to = new_id
        self._world.updates.put("message", note.wire())
        return TelegramGroup(self._world, new)

    def _bot_is_in(self) -> bool:
        return self.chat.members.get(self._world.bot.id) in ("member", "administrator")

    def _concerns_bot(self, text: str, reply_to: Message | None) -> bool:
        if reply_to is not None and reply_to.sender is self._world.bot:
            return True
        name = f"@{self._world.bot.username}".lower()
        for entity in with_plain_entities(text, []):
            begin = cut_at(text, entity["offset"])
            word = text[begin : cut_at(text, entity["offset"] + entity["length"])].lower()
            if entity["type"] == "mention" and word == name:
                return True
            if entity["type"] == "bot_command" and ("@" not in word or word.endswith(name)):
                return True
        return False
