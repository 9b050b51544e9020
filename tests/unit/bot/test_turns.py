"""Updates of one chat are handled in order, those of different chats side by side, a double click once."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from telegram import Bot, Update

from bot.turns import WORKING, PerChat


class Clicked:
    """A bot that only takes acknowledgements."""

    def __init__(self) -> None:
        self.acknowledged: list[str] = []

    async def answer_callback_query(self, callback_query_id: str, **_options: Any) -> bool:
        self.acknowledged.append(callback_query_id)
        return True


def message(number: int, chat: int) -> Update:
    body = {"message_id": number, "date": 0, "chat": {"id": chat, "type": "private"}, "text": "x"}
    update = Update.de_json({"update_id": number, "message": body})
    assert update is not None
    return update


def press(number: int, chat: int, bot: Clicked, data: str = "1:p:005930") -> Update:
    person = {"id": chat, "is_bot": False, "first_name": "x"}
    shown = {"message_id": 1, "date": 1, "chat": {"id": chat, "type": "private"}, "text": "x"}
    query = {"id": str(number), "from": person, "chat_instance": "1", "data": data, "message": shown}
    update = Update.de_json({"update_id": number, "callback_query": query}, cast(Bot, bot))
    assert update is not None
    return update


async def test_one_chat_stays_in_order_also_when_the_next_comes_as_one_ends() -> None:
    turns, handled, busy = PerChat(), list[int](), 0

    async def handle(number: int) -> None:
        nonlocal busy
        busy += 1
        assert busy == 1, "two at once in one chat"
        await asyncio.sleep(0)
        handled.append(number)
        busy -= 1

    async def arrive(number: int) -> None:
        for _ in range(number % 7):
            await asyncio.sleep(0)
        await turns.process_update(message(number, 5), handle(number))

    for start in range(0, 100, 10):
        await asyncio.gather(*(arrive(number) for number in range(start, start + 10)))
    assert sorted(handled) == list(range(100))


async def test_arrival_decides_the_order() -> None:
    turns, handled, gate = PerChat(), list[int](), asyncio.Event()

    async def handle(number: int) -> None:
        await gate.wait()
        handled.append(number)

    waiting = [asyncio.create_task(turns.process_update(message(n, 5), handle(n))) for n in range(20)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*waiting)
    assert handled == list(range(20))


async def test_chats_go_side_by_side_even_behind_a_flood_of_one() -> None:
    turns, gate, answered = PerChat(), asyncio.Event(), asyncio.Event()

    async def stuck() -> None:
        await gate.wait()

    async def answer() -> None:
        answered.set()

    flood = [asyncio.create_task(turns.process_update(message(n, 5), stuck())) for n in range(3 * WORKING)]
    other = asyncio.create_task(turns.process_update(message(999, 6), answer()))
    await asyncio.wait_for(answered.wait(), 5)
    gate.set()
    await asyncio.gather(*flood, other)


async def test_a_button_pressed_again_while_it_works_is_acknowledged_and_has_no_effect() -> None:
    turns, bot, effects, gate = PerChat(), Clicked(), list[int](), asyncio.Event()

    async def work(number: int) -> None:
        await gate.wait()
        effects.append(number)

    presses = [asyncio.create_task(turns.process_update(press(n, 5, bot), work(n))) for n in (1, 2, 3)]
    presses.append(asyncio.create_task(turns.process_update(press(4, 5, bot, "1:n:-"), work(4))))
    for _ in range(5):
        await asyncio.sleep(0)
    assert bot.acknowledged == ["1", "2", "3", "4"]
    gate.set()
    await asyncio.gather(*presses)
    assert effects == [1, 4]
    await turns.process_update(press(5, 5, bot), work(5))
    assert effects == [1, 4, 5]


async def test_nothing_is_kept_of_a_chat_that_was_answered() -> None:
    turns = PerChat()

    async def fail() -> None:
        raise LookupError

    for n in range(10):
        await asyncio.gather(turns.process_update(message(n, n), fail()), return_exceptions=True)
    await asyncio.sleep(0)
    assert len(turns._chats) == 0
    assert not turns._pressed
