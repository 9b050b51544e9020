"""What buttons carry: made by one function, checked at one door."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.callbacks import MAX_BYTES, pack, unpack
from bot.commands import ACTIONS
from core.errors import UserError
from tests.unit.bot.messages import MESSAGES

arguments = st.lists(st.from_regex(r"[0-9A-Za-z-]{1,10}", fullmatch=True), max_size=3)


@given(st.sampled_from(sorted(ACTIONS)), arguments)
def test_what_was_packed_is_unpacked(action: str, args: list[str]) -> None:
    data = pack(action, *args)
    assert len(data.encode()) <= MAX_BYTES
    assert unpack(data) == (action, ":".join(args))


@given(st.text(max_size=64) | st.from_regex(r"1:[a-z_]{0,3}(:[^:]{0,8}){0,3}", fullmatch=True))
def test_no_data_breaks_the_door(data: str) -> None:
    try:
        name, rest = unpack(data)
    except UserError:
        return
    found = re.fullmatch(ACTIONS[name].arguments, rest) if name in ACTIONS else None
    assert found is None or rest.isascii()


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_every_button_a_view_makes_is_one_its_action_takes(name: str) -> None:
    for button in (button for row in MESSAGES[name].keyboard for button in row if not button.url):
        action, rest = unpack(button.data)
        assert re.fullmatch(ACTIONS[action].arguments, rest), button
