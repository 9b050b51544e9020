"""The bot over the wire: what every command answers to whom, and what it says to nonsense."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.commands import COMMANDS, Command
from core.chats.member import Role
from core.embedded import Addresses
from core.news.service import crawl
from core.news.sources import SOURCES
from core.search.service import embed_pending
from sim.telegram.people import TelegramUser
from tests.integration.bot_stage import NEW_ADMIN_ID, Stage, open_stage, shown

OLD = "오래된 버튼"
MEMBERS = [command for command in COMMANDS if command.access is not Role.ADMIN]


@pytest.fixture(scope="module")
async def stage(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("bot")
    async with open_stage(servers, template, folder) as opened:
        await opened.services.cache.clear()
        await crawl(opened.services, SOURCES["naver_main"])
        await embed_pending(opened.services)
        yield opened


@pytest.fixture
def somebody(stage: Stage, request: pytest.FixtureRequest) -> TelegramUser:
    """A person nobody has met yet."""
    number = 10_000 + len(stage.telegram.users)
    return stage.telegram.user(number, request.node.name[:30])


def sent(stage: Stage) -> int:
    """How many messages the bot has written or changed anywhere."""
    return sum(call.method.startswith(("send", "edit")) for call in stage.telegram.requests)


def by_name(command: Command) -> str:
    return command.name


# What is answered to whom


FIRST_ANSWERS = {
    "report": "확신도",
    "price": "거래대금",
    "market": "다음 거래일",
    "news": "뉴스",
    "disclosures": "삼성전자 공시 목록",
    "watch": "관심종목에 담았습니다",
    "unwatch": "관심종목에서 뺐습니다",
    "watchlist": "관심종목이 아직 없습니다",
    "alerts": "방해 금지",
    "settings": "아침 브리핑",
    "start": "StockPilot",
    "help": "/report",
    "health": "postgresql",
    "status": "StockPilot 0.",
    "metrics": "CPU",
    "usage": "사용량 · 최근 7일",
    "updates": "리포트 업데이트",
    "sources": "한국경제 RSS",
    "strategies": "실시간 시세",
    "strategy": "RSI 반전",
    "jobs": "최근 실행",
    "run": "실행을 시작했습니다",
    "pause": "일시정지했습니다",
    "resume": "다시 일정에 넣었습니다",
    "locks": "만료된 잠금",
    "unlock": "아무도 잡고 있지 않습니다",
    "audit": "관리 기록",
    "logs": "기록",
    "users": "사용자",
    "user": "?start=i_",
}


@pytest.mark.parametrize("command", COMMANDS, ids=by_name)
async def test_an_admin_is_answered_every_command(stage: Stage, command: Command) -> None:
    answer = await stage.ask(command.example, stage.admin)
    assert FIRST_ANSWERS[command.name] in answer
    assert "참조 번호" not in answer


@pytest.mark.parametrize("command", MEMBERS, ids=by_name)
async def test_a_member_and_a_stranger_are_answered_member_commands(
    stage: Stage, command: Command, somebody: TelegramUser
) -> None:
    for person in (stage.member, somebody):
        answer = await stage.ask(f"/{command.name}", person)
        assert "관리자만" not in answer
        assert "참조 번호" not in answer


def wire(text: str, *, chat: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A message as it travels, its command marked."""
    entities = [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}] if text.startswith("/") else []
    return {"message_id": 900_000, "date": 1_771_570_200, "chat": chat, "text": text, "entities": entities} | fields


async def test_an_edited_message_is_not_a_new_question(stage: Stage) -> None:
    person = {"id": stage.member.id, "is_bot": False, "first_name": "김하늘"}
    before = sent(stage)
    for text in ("/price 삼성전자", "삼성전자", "/nonsense"):
        chat = {"id": stage.member.id, "type": "private"}
        await stage.raw("edited_message", wire(text, chat=chat, edit_date=1_771_570_300) | {"from": person})
    assert sent(stage) == before


# Finding the stock


@pytest.mark.parametrize("said", ["삼성전자", "삼전", "ㅅㅅㅈㅈ", "005930", " 삼성 전자 ", "/price A005930"])
async def test_whatever_means_the_stock_brings_its_card(stage: Stage, said: str) -> None:
    card = (await stage.messages(said))[-1]
    assert card.text.startswith("삼성전자 005930 KOSPI\n")
    assert card.media is not None
    assert card.media.kind == "photo"


@pytest.mark.parametrize(("command", "proof"), [("/price", "거래대금"), ("/report", "확신도"), ("/news", "뉴스")])
async def test_an_ambiguous_name_is_asked_back_and_the_button_works(stage: Stage, command: str, proof: str) -> None:
    question = (await stage.messages(f"{command} 한화"))[-1]
    assert "어느 종목인가요" in question.text
    buttons = [button["text"] for row in question.buttons for button in row]
    assert 2 <= len(buttons) <= 6
    assert "한화시스템 · 272210 KOSPI" in buttons
    answer = await stage.press(question, "한화시스템 · 272210 KOSPI")
    assert "한화시스템" in answer
    assert proof in answer


async def test_an_unknown_name_says_so(stage: Stage) -> None:
    assert (await stage.ask("없는회사")).startswith("없는회사에 맞는 종목을 찾지 못했습니다.")


async def test_a_slip_of_the_finger_offers_the_closest(stage: Stage) -> None:
    offered = (await stage.messages("SK하이닉수수"))[-1]
    assert "찾지 못했습니다" in offered.text or "SK하이닉스" in offered.text


@pytest.mark.parametrize("command", ["report", "price", "watch", "unwatch"])
async def test_a_command_without_its_argument_offers_the_watchlist_or_an_example(
    stage: Stage, command: str, somebody: TelegramUser
) -> None:
    assert f"예: /{command} 삼성전자" in await stage.ask(f"/{command}", somebody)
    await stage.ask("/watch 카카오", somebody)
    question = (await stage.messages(f"/{command}", somebody))[-1]
    assert [[button["text"] for button in row] for row in question.buttons] == [["카카오 · 035720 KOSPI"]]
    assert "카카오" in await stage.press(question, "카카오 · 035720 KOSPI", somebody)


# Nonsense


NONSENSE = [
    "가" * 4000,
    "😀" * 300,
    "<b>삼성전자</b><script>alert(1)</script>",
    '\'; DROP TABLE "user"; --',
    "삼성\u0000전자\u202e",
    "%s %(x)s {0} {name} {{ 7*7 }}",
    "\\ud800 \\x00 \t\n\r",
    "99999999999999999999",
    "٣ ٤ ٥",
    "#0 #99999999999999999999",
    "-1",
    "detailed detailed",
    "s_",
    "[f1] @stockpilot_demo_bot /health",
]


FAILED = re.compile("참조 번호 [0-9a-f]{6}")
"""What an answer says whose command failed."""


@pytest.mark.parametrize("nonsense", NONSENSE, ids=range(len(NONSENSE)))
async def test_nonsense_after_any_command_gets_a_clear_answer(stage: Stage, nonsense: str) -> None:
    for command in COMMANDS:
        answer = await stage.ask(f"/{command.name} {nonsense}", stage.admin)
        assert not FAILED.search(answer), command.name
    assert not FAILED.search(await stage.ask(nonsense))


async def test_an_unknown_command_points_to_help(stage: Stage) -> None:
    assert "/help" in await stage.ask("/buy 삼성전자")


@pytest.mark.parametrize(
    "data",
    [
        "1:p",
        "1:p:",
        "1:p:005930:x",
        "1:p:00593",
        "1:p:삼성전자",
        "1:rc:005930:9Y",
        "1:rc:005930",
        "1:n:-:abc",
        "1:n:005930:99999",
        "1:n:-:٣",
        "1:a:x",
        "1:a:9999999999999999",
        "1:l:fr",
        "1:zz:005930",
        "1:__class__:005930",
        "1",
        "1:",
        ":",
        "0:p:005930",
        "2:p:005930",
        "p:005930",
        "1:health:",
        "1:p:005930\n",
    ],
)
async def test_a_forged_or_old_button_is_answered_and_not_obeyed(stage: Stage, data: str) -> None:
    assert OLD in await stage.forge(data)


@pytest.mark.parametrize("action", ["r", "rr", "re", "ro", "rd", "p", "n", "w", "u"])
async def test_a_button_of_a_stock_that_is_gone_says_so(stage: Stage, action: str) -> None:
    answer = await stage.forge(f"1:{action}:999999")
    assert "찾을 수 없습니다" in answer or "아직 리포트가 없습니다" in answer


async def test_a_report_button_before_any_report_says_how_to_make_one(stage: Stage) -> None:
    assert "/report 003550" in await stage.forge("1:re:003550")


# Pressing


async def test_every_button_of_a_report_works(stage: Stage) -> None:
    report = (await stage.messages("/report SK하이닉스"))[-1]
    expected = {
        "🔎 근거": "기준 거래일",
        "🤖 다른 모델": "규칙: 추세 지속",
        "📄 문서": "[문서: ",
        "1M": "[사진: ",
        "1Y": "[사진: ",
        "관심 담기": "관심종목에 담았습니다",
        "📰 뉴스": "뉴스",
        "🔄 새로고침": "확신도",
    }
    for button, proof in expected.items():
        assert proof in await stage.press(report, button), button


async def test_a_report_stands_under_its_picture_with_its_buttons(stage: Stage) -> None:
    (report,) = await stage.messages("/report SK하이닉스")
    assert report.media is not None
    assert report.buttons
    assert "확신도" in report.text


async def test_a_double_click_has_one_effect(stage: Stage) -> None:
    card = (await stage.messages("카카오"))[-1]
    first, second = stage.member.click(card.id, "📊 리포트"), stage.member.click(card.id, "📊 리포트")
    await stage.settled()
    assert first.answered
    assert second.answered
    assert shown(stage.member.since(first)).count("확신도") == 1


async def test_the_progress_message_is_gone_when_the_report_is_there(stage: Stage) -> None:
    deleted = len(stage.telegram.calls("deleteMessage"))
    answer = await stage.ask("/report 기아")
    assert len(stage.telegram.calls("deleteMessage")) == deleted + 1
    assert "⏳" not in answer
    texts = [str(call.params.get("text")) for call in stage.telegram.requests if call.params.get("text")]
    assert any("모델들에게 묻고 있습니다" in text for text in texts)
    assert any("숫자를 대조하고 있습니다" in text for text in texts)


# Languages


async def test_english_and_back(stage: Stage, somebody: TelegramUser) -> None:
    greeting = (await stage.messages("/start", somebody))[-1]
    assert "this is StockPilot" in await stage.press(greeting, "English", somebody)
    assert "Report and chart" in await stage.ask("/help", somebody)
    assert "Only admins" in await stage.ask("/health", somebody)
    assert "안녕하세요" in await stage.press(greeting, "한국어", somebody)
    assert "관리자만" in await stage.ask("/health", somebody)


async def test_the_app_s_language_decides_until_one_is_chosen(stage: Stage) -> None:
    visitor = stage.telegram.user(20_001, "Ann", language_code="de")
    assert "this is StockPilot" in await stage.ask("/start", visitor)


async def test_menus_are_set_by_language_and_for_the_admin_once_they_wrote(stage: Stage) -> None:
    await stage.ask("/start", stage.admin)
    visitor = stage.telegram.user(20_002, "Bob", language_code="en")
    assert {"command": "watch", "description": "Watch a stock"} in visitor.commands()
    assert {"command": "watch", "description": "관심종목 담기"} in stage.member.commands()
    assert "health" not in [each["command"] for each in stage.member.commands()]
    assert "health" in [each["command"] for each in stage.admin.commands()]


# Links and lists


async def test_a_shared_link_opens_the_card(stage: Stage) -> None:
    assert "SK하이닉스 000660" in await stage.ask("/start s_000660")


@pytest.mark.parametrize("payload", ["s_999999", "s_", "x_005930", "s_005930_x", "ㅋㅋ"])
async def test_a_bad_link_greets(stage: Stage, payload: str) -> None:
    assert "안녕하세요" in await stage.ask(f"/start {payload}")


async def test_a_number_after_a_stock_is_a_page_of_its_news(stage: Stage) -> None:
    first, second = await stage.ask("/news 삼성전자"), await stage.ask("/news 삼성전자 2")
    assert "1. " in first
    assert first.splitlines()[1:] != second.splitlines()[1:]


async def test_news_turns_pages_and_opens_an_article(stage: Stage) -> None:
    first = (await stage.messages("/news"))[-1]
    second = await stage.press(first, "다음 ▶")
    assert "· 2쪽" in second
    assert "◀ 이전" in second
    assert "· 2쪽" in await stage.ask("/news 2")
    assert "더 이상 기사가 없습니다" in await stage.ask("/news 999")
    article = await stage.press(first, "1")
    assert "[🔗 원문 보기]" in article
    number = article.partition("#")[2].partition(" ")[0]
    assert article.split("\n\n")[0] in await stage.ask(f"/news #{number}")


async def test_a_missing_article_is_missing(stage: Stage) -> None:
    assert "999번 기사는 없습니다" in await stage.ask("/news #999")


@pytest.mark.parametrize("wrong", ["#", "#abc", "#1 2", "-1", "12345", "99999999"])
async def test_a_number_that_is_neither_a_page_nor_an_article_is_answered_with_examples(
    stage: Stage, wrong: str
) -> None:
    assert "예: /news 2, /news #12" in await stage.ask(f"/news {wrong}")
    assert "예: /disclosures 2, /disclosures #12" in await stage.ask(f"/disclosures {wrong}")


async def test_news_says_when_it_was_read(stage: Stage) -> None:
    assert "마지막 수집 방금" in await stage.ask("/news")


async def test_the_watchlist_has_prices_at_once(stage: Stage, somebody: TelegramUser) -> None:
    await stage.ask("/watch 두산", somebody)
    answer = await stage.ask("/watchlist", somebody)
    assert "두산" in answer
    assert "원 (" in answer
    assert "시세 없음" not in answer


# Health


async def test_health_of_one_component_and_in_detail(stage: Stage) -> None:
    brief = await stage.ask("/health", stage.admin)
    assert "telegram" in brief
    detailed = await stage.ask("/health detailed", stage.admin)
    assert "연결 " in detailed
    assert "연결 " not in brief
    assert (await stage.ask("/health redis", stage.admin)).startswith("🟢 캐시 서버 redis · 정상")
    assert "없습니다. 있는 것: postgresql" in await stage.ask("/health nothing", stage.admin)


# Groups


async def test_in_a_group_the_bot_speaks_only_when_mentioned_or_commanded(stage: Stage) -> None:
    group = stage.telegram.group(-1_000_000_000_001, "투자방", stage.member)
    group.add_bot(stage.member)
    await stage.settled()
    before = sent(stage)
    chat = {"id": group.chat.id, "type": "supergroup", "title": "투자방"}
    person = {"from": {"id": stage.member.id, "is_bot": False, "first_name": "김하늘"}}
    namesake = {"entities": [{"type": "mention", "offset": 0, "length": 21}]}
    for text, fields in (
        ("삼성전자", {}),
        ("/nonsense", {}),
        ("/price@other_bot 삼성전자", {}),
        ("@stockpilot_demo_bot2 삼성전자", namesake),
        ("me@stockpilot_demo_bot 삼성전자", {}),
    ):
        await stage.raw("message", wire(text, chat=chat) | person | fields)
    assert sent(stage) == before
    for text in ("@stockpilot_demo_bot 삼성전자", "/price 삼성전자", "/price@stockpilot_demo_bot 삼성전자"):
        act = group.send(stage.member, text)
        await stage.settled()
        assert "005930" in shown(group.since(act)), text


async def test_operational_detail_asked_in_a_group_goes_to_private_chat(stage: Stage) -> None:
    await stage.ask("/start", stage.admin)
    group = stage.telegram.group(-1_000_000_000_002, "운영방", stage.admin)
    group.add_bot(stage.admin)
    act = group.send(stage.admin, "/health")
    await stage.settled()
    assert "postgresql" in shown(stage.admin.since(act))
    assert shown(group.since(act)) == "개인 대화로 보냈습니다.\n[💬 개인 대화 열기]"


async def test_an_admin_who_never_wrote_or_blocked_the_bot_is_told_in_the_group(stage: Stage) -> None:
    newcomer = stage.telegram.user(NEW_ADMIN_ID, "새 관리자")
    group = stage.telegram.group(-1_000_000_000_003, "운영방", newcomer)
    group.add_bot(newcomer)
    for refused in ({}, {"status": 403}):
        if refused:
            stage.telegram.fail_next("sendMessage", chat_id=NEW_ADMIN_ID, **refused)  # type: ignore[arg-type]
        act = group.send(newcomer, "/health")
        await stage.settled()
        assert "postgresql" not in shown(group.since(act))
        assert "먼저 저에게 개인 메시지를" in shown(group.since(act))


# Order


async def test_one_chat_in_order_while_others_go_on(stage: Stage, somebody: TelegramUser) -> None:
    """The first answer to one chat hangs; its second question waits for it, another chat's does not."""
    stage.telegram.fail_next("sendMessage", chat_id=stage.member.id, hang=1.0)
    first = stage.member.send("/help")
    stage.member.send("/watchlist")
    other = somebody.send("/help")
    await somebody.wait_until(lambda: bool(somebody.since(other)), 5, look_every=0.02)
    assert not stage.member.since(first)
    await stage.settled()
    answers = [message.text for message in stage.member.since(first)]
    assert ["쓸 수 있는 명령" in answers[0], "관심종목" in answers[1]] == [True, True]


async def test_a_flood_from_one_chat_holds_up_nobody(stage: Stage, somebody: TelegramUser) -> None:
    stage.telegram.fail_next("sendMessage", chat_id=stage.member.id, hang=1.0)
    flood = [stage.member.send("/help") for _ in range(100)]
    other = somebody.send("/help")
    await somebody.wait_until(lambda: bool(somebody.since(other)), 5, look_every=0.02)
    assert not stage.member.since(flood[0])
    await stage.settled()
    assert len(stage.member.since(flood[0])) == 100


async def test_two_who_ask_for_the_same_report_share_it(stage: Stage, somebody: TelegramUser) -> None:
    asked = len(stage.world.llm.requests) if hasattr(stage.world.llm, "requests") else None
    mine, theirs = stage.member.send("/report 현대차"), somebody.send("/report 현대차")
    await asyncio.gather(stage.settled(), stage.settled())
    for answers in (shown(stage.member.since(mine)), shown(somebody.since(theirs))):
        assert "현대차" in answers
        assert "확신도" in answers
    assert asked is None or len(stage.world.llm.requests) - asked <= 2 * 2
