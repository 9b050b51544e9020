"""The page for admins: every command it names is answered, and every setting and metric it names exists."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.commands import COMMANDS
from core.chats.member import Role
from core.embedded import Addresses
from core.health.exposition import exposition
from core.settings import environment_names
from tests.integration.bot_stage import Stage, open_stage

ROOT = Path(__file__).parents[2]
PAGES = ("OPERATIONS.md", "OPERATIONS.ko.md")


@pytest.fixture(scope="module")
async def stage(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with open_stage(servers, template, tmp_path_factory.mktemp("stage"), app={"jobs": True}) as opened:
        yield opened


def written(page: str, pattern: str) -> list[str]:
    """What stands on a page between backticks and looks like `pattern`, each once, in order."""
    return list(dict.fromkeys(re.findall(f"`({pattern})`", (ROOT / page).read_text(encoding="utf-8"))))


@pytest.mark.parametrize("page", PAGES)
async def test_every_command_on_the_page_is_answered(stage: Stage, page: str) -> None:
    commands = [command for command in written(page, "/[a-z][^`]*") if command not in {"/newbot", "/user"}]
    for command in commands:
        answer = await stage.ask(command, stage.admin)
        assert "⚠️" not in answer, (command, answer)
    named = {command.split()[0].removeprefix("/") for command in written(page, "/[a-z][^`]*")}
    assert {command.name for command in COMMANDS if command.access is Role.ADMIN and command.name in OPERATED} <= named


def test_both_pages_name_the_same_commands_and_settings() -> None:
    for pattern in ("/[a-z][^`]*", "[A-Z]+_[A-Z_]+", "stockpilot_[a-z_]+ [^`]*"):
        assert set(written(PAGES[0], pattern)) == set(written(PAGES[1], pattern))


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_on_the_page_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", text)) <= set(environment_names())


async def test_every_metric_on_the_page_exists(stage: Stage) -> None:
    text = (ROOT / PAGES[0]).read_text(encoding="utf-8")
    exposed = (await exposition(stage.services)).decode()
    for name in set(re.findall(r"stockpilot_[a-z_]+", text)):
        assert f"\n{name}" in exposed, name


OPERATED = frozenset(
    {
        "health",
        "status",
        "metrics",
        "usage",
        "updates",
        "jobs",
        "run",
        "pause",
        "resume",
        "locks",
        "unlock",
        "sources",
        "strategies",
        "strategy",
        "audit",
        "logs",
        "users",
        "user",
    }
)
"""Commands by which the product is operated; those by which its content is managed are described elsewhere."""
