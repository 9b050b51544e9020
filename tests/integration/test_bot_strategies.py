"""/strategies and /strategy on the simulated Telegram: what admins read, press and write, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.audit.trail import newest
from core.embedded import Addresses
from core.prediction.forecast import Direction
from core.prediction.signals import Signal
from core.services import Services
from core.strategies.queries import add_signal, declare, list_states, lock_state, store_state
from core.strategies.registry import STRATEGIES
from core.strategies.state import Status, failed
from core.strategies.supervisor import Supervisor
from core.strategies.worker import Worker
from tests.integration.bot_stage import Stage, open_stage
from tests.sheets import LAST_DAY, SAMSUNG


@pytest.fixture(scope="module")
async def stage(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("strategies")
    async with open_stage(servers, template, folder) as opened:
        await opened.services.cache.clear()
        yield opened


@pytest.fixture
async def supervisor(stage: Stage) -> AsyncIterator[Supervisor]:
    """Every strategy at work, each doing nothing but living."""

    async def live(_services: Services, worker: Worker) -> None:
        await worker.save({"stocks": 3})
        await asyncio.Event().wait()

    supervisor = Supervisor(
        stage.services,
        [replace(strategy, run=live) for strategy in STRATEGIES.values()],
        look_every=timedelta(milliseconds=20),
    )
    await supervisor.start()
    yield supervisor
    await supervisor.stop()


async def test_every_strategy_is_listed_with_how_it_stands(stage: Stage, supervisor: Supervisor) -> None:
    answer = await stage.ask("/strategies", stage.admin)
    assert "7개 실행 중 / 모두 7개" in answer
    for id in STRATEGIES:
        assert id in answer
    assert answer.count("🟢") >= 2 * len(STRATEGIES)
    assert "하트비트 방금" in answer


async def test_one_strategy_shows_its_memory_its_error_and_its_signals(stage: Stage, supervisor: Supervisor) -> None:
    services = stage.services
    signal = Signal(day=LAST_DAY, direction=Direction.UP, figures={"close": 70_500, "rsi_before": 28.1, "rsi": 31.4})
    async with services.db.begin() as conn:
        assert await add_signal(conn, "rsi", SAMSUNG.code, signal, at=services.clock.now())
        assert not await add_signal(conn, "rsi", SAMSUNG.code, signal, at=services.clock.now())
    answer = await stage.ask("/strategies RSI", stage.admin)
    assert "RSI 반전" in answer
    assert "종목: 3" in answer
    assert "🔴▲ 삼성전자 005930 · 2026-02-20 · 종가 70,500원, RSI 31.4" in answer
    assert "아직 찾은 신호가 없습니다" in await stage.ask("/strategies new_high", stage.admin)


async def test_a_stop_by_command_takes_effect_stays_and_is_audited(stage: Stage, supervisor: Supervisor) -> None:
    answer = await stage.ask("/strategy stop price_feed", stage.admin)
    assert "멈췄습니다" in answer
    assert "⚪ 실시간 시세 수신 price_feed · 꺼짐" in answer
    await until(lambda: "price_feed" not in supervisor.running)
    assert "이미 꺼져 있습니다" in await stage.ask("/strategy stop price_feed", stage.admin)
    assert "시작하도록 했습니다" in await stage.ask("/strategy start price_feed", stage.admin)
    await until(lambda: "price_feed" in supervisor.running)
    async with stage.services.db.read() as conn:
        entries = [(each.action, each.target, each.actor_id) for each in await newest(conn, limit=2)]
    assert entries == [
        ("strategy_start", "price_feed", stage.admin.id),
        ("strategy_stop", "price_feed", stage.admin.id),
    ]


async def test_the_buttons_lead_to_a_strategy_stop_it_start_it_and_lead_back(
    stage: Stage, supervisor: Supervisor
) -> None:
    listed = (await stage.messages("/strategies", stage.admin))[-1]
    detail = await stage.press(listed, "🟢 52주 신고가", stage.admin)
    assert "new_high · 실행 중" in detail
    assert "new_high · 꺼짐" in await stage.press(listed, "⏹ 멈추기", stage.admin)
    assert "new_high · 시작 대기" in await stage.press(listed, "▶️ 시작", stage.admin)
    await until(lambda: "new_high" in supervisor.running)
    assert "new_high · 실행 중" in await stage.press(listed, "🔄 새로고침", stage.admin)
    assert "모두 7개" in await stage.press(listed, "◀️ 전략 목록", stage.admin)


@pytest.mark.parametrize("said", ["/strategies nonsense", "/strategy start nonsense", "/strategy stop <b>&"])
async def test_a_wrong_name_is_answered_with_the_right_ones(stage: Stage, said: str) -> None:
    answer = await stage.ask(said, stage.admin)
    assert "없습니다. 있는 것: outbox_sender, price_feed" in answer


@pytest.mark.parametrize("said", ["/strategy", "/strategy rsi", "/strategy start", "/strategy restart rsi"])
async def test_a_wrong_word_is_answered_with_an_example(stage: Stage, said: str) -> None:
    assert "예: /strategy stop price_feed" in await stage.ask(said, stage.admin)


async def test_a_member_can_neither_read_nor_press(stage: Stage, supervisor: Supervisor) -> None:
    for said in ("/strategies", "/strategy stop rsi"):
        assert "관리자만" in await stage.ask(said)
    for data in ("1:sl", "1:sv:rsi", "1:ss:stop:rsi"):
        assert "관리자만" in await stage.forge(data)
    async with stage.services.db.read() as conn:
        assert (await list_states(conn))["rsi"].wanted


@pytest.mark.parametrize("data", ["1:ss:pause:rsi", "1:sv:RSI", "1:sv:" + "a" * 40, "1:ss:stop"])
async def test_a_forged_button_does_nothing(stage: Stage, data: str) -> None:
    assert "오래된 버튼" in await stage.forge(data, stage.admin)


async def test_a_failed_strategy_is_shown_red_with_its_error_and_can_be_started(stage: Stage) -> None:
    services = stage.services
    async with services.db.begin() as conn:
        await declare(conn, ["volume_surge"], at=services.clock.now())
        state = await lock_state(conn, "volume_surge")
        assert state is not None
        hurt = failed(state, "ValueError: <b>&", now=services.clock.now())
        await store_state(conn, replace(hurt, wanted=True, status=Status.FAILED, restarts=5))
    message = (await stage.messages("/strategies volume_surge", stage.admin))[-1]
    assert "🔴" in message.text
    assert "재시도 끝에 멈춤" in message.text
    assert "재시작: 5/5" in message.text
    assert "ValueError: <b>&" in message.text
    assert "시작 대기" in await stage.press(message, "▶️ 시작", stage.admin)


async def test_a_strategy_that_lacks_a_setting_says_which(servers: Addresses, template: str, tmp_path: Path) -> None:
    async with open_stage(servers, template, tmp_path, kis={"app_key": None, "app_secret": None}) as without:
        answer = await without.ask("/strategies price_feed", without.admin)
        assert "설정 안 됨" in answer
        assert "KIS_APP_KEY" in answer
        assert "KIS_APP_KEY" in await without.ask("/strategy start price_feed", without.admin)


async def until(holds: object) -> None:
    """Wait until something holds that another task brings about."""
    assert callable(holds)
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - the supervisor polls too
            await asyncio.sleep(0.01)
