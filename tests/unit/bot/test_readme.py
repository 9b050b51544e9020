"""The tables of commands in the readme, beside the one table of commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.commands import COMMANDS
from core.chats.member import Role

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("README.md", "README.ko.md")


def rows(page: str) -> list[tuple[set[str], str]]:
    """The rows of the table of commands: the commands named in the first column, and what the second says."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"^\| (`/.*?`) \| (.*) \|$", text, flags=re.MULTILINE)
    return [(set(re.findall(r"`/([a-z]+)", commands)), said) for commands, said in found]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_stands_in_the_table_once_and_no_other(page: str) -> None:
    named = [command for commands, _ in rows(page) for command in commands]
    assert sorted(named) == sorted(command.name for command in COMMANDS)


@pytest.mark.parametrize(("page", "admins"), [("README.md", "admins:"), ("README.ko.md", "관리자:")])
def test_what_only_admins_may_do_is_marked_so(page: str, admins: str) -> None:
    access = {command.name: command.access for command in COMMANDS}
    for commands, said in rows(page):
        assert {access[command] is Role.ADMIN for command in commands} == {said.startswith(admins)}, commands
