"""/usage and /updates as an admin meets them, on the whole bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from core.embedded import Addresses
from core.reports.report import UpdateReason
from core.reports.service import make_report
from core.stocks.service import stock_resolver
from tests.integration.bot_stage import Stage, open_stage
from tests.usage_rows import add_rows, make_outside, make_row, rows_of


@pytest.fixture(scope="module")
async def stage(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with open_stage(servers, template, tmp_path_factory.mktemp("stage"), app={"language": "ko"}) as opened:
        now = opened.services.clock.now()
        rows = [make_row(at=now - timedelta(days=days), settled_at=now) for days in range(3)]
        await add_rows(opened.services.db, [*rows, make_row(at=now, cost_usd=Decimal(1)), make_outside(at=now)])
        stock = (await stock_resolver(opened.services)).get("005930")
        assert stock is not None
        await make_report(opened.services, stock, reason=UpdateReason.ASKED)
        yield opened


async def test_today_in_numbers(stage: Stage) -> None:
    answer = await stage.ask("/usage", stage.admin)
    for part in ("사용량 · 오늘", "모델 호출", "외부 조회", "예산", "모델별", "엔드포인트별", "용도별", "많은 오류"):
        assert part in answer


@pytest.mark.parametrize("span", ["today", "7d", "30d"])
async def test_a_span_comes_with_its_picture(stage: Stage, span: str) -> None:
    messages = await stage.messages(f"/usage {span}", stage.admin)
    assert sum(bool(message.media) for message in messages) == 1
    assert "모델 호출" in messages[-1].text


async def test_costs_and_alerts(stage: Stage) -> None:
    assert "월말 예상" in await stage.ask("/usage costs", stage.admin)
    alerts = await stage.ask("/usage alerts", stage.admin)
    assert "하루 예산 80%" in alerts
    assert "예산을 다 쓰면 모델 호출을 멈춥니다." in alerts


@pytest.mark.parametrize("said", ["/usage 8d", "/usage reset now", "/usage ٣", "/usage <b>"])
async def test_a_wrong_argument_is_told_what_is_expected(stage: Stage, said: str) -> None:
    assert "today, 7d, 30d, costs, alerts, reset" in await stage.ask(said, stage.admin)


async def test_a_reset_is_confirmed_once_and_audited(stage: Stage) -> None:
    question = (await stage.messages("/usage reset", stage.admin))[-1]
    assert "지우지 않습니다" in question.text
    assert "보관 묶음 #1" in await stage.press(question, "✅ 초기화", stage.admin)
    assert not question.buttons
    (audited,) = await rows_of(stage.services.db, "SELECT action, actor_id FROM audit WHERE action = 'usage_reset'")
    assert audited.actor_id == stage.admin.id
    assert "초기화 이후" in await stage.ask("/usage", stage.admin)
    forged = await stage.forge("1:cr:1:ffffffff:0123456789", stage.admin)
    assert "다른 사람에게 보낸 확인 버튼입니다." in forged


async def test_update_statistics_come_with_three_pictures(stage: Stage) -> None:
    messages = await stage.messages("/updates", stage.admin)
    assert [bool(message.media) for message in messages] == [False, True, True, True]
    assert "사용자 요청: 1건 (100%)" in messages[0].text
    assert [message.text for message in messages[1:]] == [
        "업데이트 사유",
        "요일과 시간별 업데이트",
        "하루 모델 비용",
    ]


@pytest.mark.parametrize("said", ["/updates 0", "/updates 31", "/updates week", "/updates -1", "/updates ٣"])
async def test_days_out_of_range_are_told_what_is_expected(stage: Stage, said: str) -> None:
    assert "1부터 30까지" in await stage.ask(said, stage.admin)


async def test_members_may_not(stage: Stage) -> None:
    for said in ("/usage", "/updates"):
        assert "관리자만" in await stage.ask(said)
