"""What admins do with scheduled work in the chat: see it, run it, stop it, take it up, take it away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from core.embedded import Addresses
from core.errors import Unavailable
from core.runs.lease import acquire
from core.runs.queries import recent_runs
from core.runs.run import Run, RunRecord, RunState
from core.services import Services
from jobs.control import Control
from jobs.due import due_slots
from jobs.registry import JOBS
from jobs.run import run_job
from jobs.scheduler import run_due
from jobs.spec import JobSpec
from sim.telegram.chats import Message
from sim.telegram.console import render
from tests.integration.bot_stage import MOMENT, Stage, open_stage, shown
from tests.unit.jobs.specs import forever, make_spec

EVIL = "<b>A&B</b>"


@pytest.fixture(scope="module")
async def stage(servers: Addresses, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("batch")
    async with open_stage(servers, template, folder) as opened:
        yield opened


@pytest.fixture(autouse=True)
async def _no_history(stage: Stage) -> AsyncIterator[None]:
    table = stage.demo.application.bot_data["jobs"]
    async with stage.services.db.begin() as conn:
        await conn.execute(text("TRUNCATE job_run, job_lease, job_lock, audit"))
    yield
    await stage.demo.application.bot_data["jobs"].stop()
    stage.demo.application.bot_data["jobs"] = table


def given(stage: Stage, *specs: JobSpec) -> Control:
    """A table of just these jobs behind the bot."""
    control = Control(stage.services, specs)
    stage.demo.application.bot_data["jobs"] = control
    return control


async def until(stage: Stage, message: Message, words: str) -> str:
    """Wait until a message of the admin's chat says this; the whole of it."""
    await stage.admin.wait_until(lambda: words in message.text, look_every=0.05)
    return render(message)


async def newest(stage: Stage, job: str) -> RunRecord:
    """The newest run of a job."""
    async with stage.services.db.begin() as conn:
        return (await recent_runs(conn, job=job, limit=1))[0]


async def trail(stage: Stage) -> list[tuple[str, str]]:
    """Who did what, oldest first, by the table itself."""
    async with stage.services.db.begin() as conn:
        rows = await conn.execute(
            text("SELECT action, target FROM audit WHERE actor_id = :id ORDER BY id"), _admin(stage)
        )
        return [(action, target) for action, target in rows]


def _admin(stage: Stage) -> dict[str, int]:
    return {"id": stage.admin.id}


def counting(until: int, *, stop_at: int | None = None) -> Callable[[Services, Run], Awaitable[None]]:
    """A job of so many steps with a checkpoint each, that fails on the way at `stop_at` the first time."""
    failed: list[int] = []

    async def count(_services: Services, run: Run) -> None:
        run.progress(total=until)
        for step in range(run.checkpoint.get("step", 0) + 1, until + 1):
            if step == stop_at and not failed:
                failed.append(step)
                raise Unavailable(f"page {step} of '{EVIL}' is gone")
            async with run.begin(checkpoint={"step": step}, done=1):
                pass

    return count


class Gate:
    """A job that begins, and goes on when it is let."""

    def __init__(self) -> None:
        self.began, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, _services: Services, run: Run) -> None:
        run.progress(done=3, total=9)
        self.began.set()
        await self.go.wait()


# Seeing


async def test_jobs_lists_every_job_with_its_schedule_its_next_slot_and_its_last_run(stage: Stage) -> None:
    await run_due(stage.services, specs=[JOBS["crawl_news"]])
    answer = await stage.ask("/jobs", stage.admin)
    assert all(f"{spec.name} {spec.summary}" in answer for spec in JOBS.values())
    assert "10분마다 · 다음 16:00" in answer or "10분마다 · 다음 15:50" in answer
    assert "거래일 10:00, 13:00, 15:45 · 다음 02-23 10:00" in answer
    assert "✅ 15:5" in answer
    assert "아직 실행한 적이 없습니다" in answer


async def test_jobs_shows_a_running_job_with_its_progress_and_a_paused_one_with_its_mark(stage: Stage) -> None:
    given(stage, make_spec(name="busy"), make_spec(name="idle"))
    await hold(stage, "busy")
    async with stage.services.db.begin() as conn:
        await conn.execute(text("UPDATE job_lease SET done = 30, failed = 3, total = 99"))
    await stage.ask("/pause idle", stage.admin)
    answer = await stage.ask("/jobs", stage.admin)
    assert "진행 33/99 (33%) · 실패 3" in answer
    assert "idle 정리 · ⏸ 일시정지" in answer


async def test_one_job_in_detail_tells_its_error_its_checkpoint_and_its_patterns(stage: Stage) -> None:
    spec = make_spec(name="walk", run=counting(5, stop_at=3), after=("earlier",))
    given(stage, spec)
    await run_job(stage.services, spec, MOMENT, owner="a", missed=2)
    message = (await stage.messages("/jobs walk", stage.admin))[-1]
    answer = render(message)
    for expected in (
        "walk 정리",
        "놓친 회차는 마지막 것만 실행합니다",
        "제한 시간 20초",
        "먼저 끝나야 하는 작업: earlier",
        "1번 이어서 실패했습니다",
        '체크포인트 {"step": 2}',
        f"오류: Unavailable: page 3 of '{EVIL}' is gone",
        "2 slots before this one were missed",
        "성공률 0%",
        "Unavailable: page # of TEXT is gone",
        "최대 메모리",
        "처리 2/5",
    ):
        assert expected in answer, expected
    assert {button["text"] for row in message.buttons for button in row} >= {
        "▶️ 지금 실행",
        "⏯ 이어서 실행",
        "⏸ 일시정지",
        "🔒 잠금",
    }


async def test_a_run_is_shown_in_full_by_its_number(stage: Stage) -> None:
    spec = make_spec(name="walk", run=counting(5))
    given(stage, spec)
    await run_job(stage.services, spec, MOMENT, owner="a")
    run = await newest(stage, "walk")
    answer = await stage.ask(f"/jobs #{run.id}", stage.admin)
    assert f"#{run.id}" in answer
    assert "처리 5/5" in answer
    assert "초당" in answer
    assert "CPU" in answer
    assert "없습니다" in await stage.ask("/jobs #999999", stage.admin)


async def test_recent_runs_are_those_of_all_jobs_and_as_many_as_asked_for(stage: Stage) -> None:
    for minutes, name in enumerate(("one", "two", "three")):
        spec = make_spec(name=name)
        await run_job(stage.services, spec, MOMENT + timedelta(minutes=minutes), owner="a")
    answer = await stage.ask("/jobs recent 2", stage.admin)
    assert "three" in answer
    assert "two" in answer
    assert "one 성공" not in answer


@pytest.mark.parametrize(
    "said", ["/jobs recent 0", "/jobs recent 51", "/jobs recent x", "/jobs recent 1 2", "/audit -1"]
)
async def test_a_wrong_number_is_answered_with_what_is_expected_and_an_example(stage: Stage, said: str) -> None:
    answer = await stage.ask(said, stage.admin)
    assert "1에서 50 사이의 숫자" in answer
    assert f"{said.split()[0]} " in answer


async def test_statistics_group_failures_that_are_alike_and_say_when_they_fall(stage: Stage) -> None:
    async with stage.services.db.begin() as conn:
        await conn.execute(
            text(
                "INSERT INTO job_run (job, slot, epoch, state, started_at, finished_at, seconds, done,"
                " peak_memory, error)"
                " SELECT 'walk', at, 1, CASE WHEN n % 4 = 0 THEN 'failed' ELSE 'succeeded' END, at, at, n, 10 * n,"
                " 1048576 * n, CASE WHEN n % 4 = 0 THEN 'Unavailable: no answer from 10.0.0.' || n END"
                " FROM generate_series(1, 100) n, LATERAL (SELECT CAST(:at AS timestamptz) - n * INTERVAL '6 h') s(at)"
            ),
            {"at": MOMENT},
        )
    answer = await stage.ask("/jobs stats", stage.admin)
    assert "walk 100회 · 성공률 75%" in answer
    assert "p50 50초 · p95 1분 35초 · 초당 10.0건" in answer
    assert "최대 메모리 100 MB" in answer
    assert "25회 Unavailable: no answer from #" in answer
    assert "100%가 15시대에" in answer


# Running


async def test_run_answers_at_once_and_changes_when_it_is_done(stage: Stage) -> None:
    gate = Gate()
    given(stage, make_spec(name="gated", run=gate))
    message = (await stage.messages("/run gated", stage.admin))[-1]
    assert "실행을 시작했습니다" in message.text
    await gate.began.wait()
    gate.go.set()
    answer = await until(stage, message, "✅ 성공")
    assert "처리 3/9" in answer
    run = await newest(stage, "gated")
    assert (run.state, run.asked_by, run.slot.microsecond) == (RunState.SUCCEEDED, stage.admin.id, 0)
    assert await trail(stage) == [("run", "gated")]


async def test_a_second_run_is_told_who_holds_the_job(stage: Stage) -> None:
    gate = Gate()
    given(stage, make_spec(name="gated", run=gate))
    await stage.ask("/run gated", stage.admin)
    await gate.began.wait()
    answer = await stage.ask("/run gated", stage.admin)
    assert "이미 실행 중입니다" in answer
    async with stage.services.db.begin() as conn:
        owner = (await conn.execute(text("SELECT owner FROM job_lease"))).scalar_one()
    assert owner in answer
    assert await trail(stage) == [("run", "gated")]


async def test_the_chat_answers_other_questions_while_a_job_runs(stage: Stage) -> None:
    gate = Gate()
    given(stage, make_spec(name="gated", run=gate))
    await stage.ask("/run gated", stage.admin)
    await gate.began.wait()
    assert "/report" in await stage.ask("/help", stage.admin)
    assert "지금 실행 중" in await stage.ask("/jobs gated", stage.admin)


async def test_a_run_that_fails_says_why_and_offers_to_go_on_from_its_checkpoint(stage: Stage) -> None:
    gate, count = Gate(), counting(5, stop_at=3)

    async def walk(services: Services, run: Run) -> None:
        if run.checkpoint:
            await gate.go.wait()
        await count(services, run)

    given(stage, make_spec(name="walk", run=walk))
    message = (await stage.messages("/run walk", stage.admin))[-1]
    answer = await until(stage, message, "❌ 실패")
    assert EVIL in answer
    click = stage.admin.click(message.id, "⏯ 이어서 실행")
    await stage.after(click, stage.admin)
    again = stage.admin.since(click)[-1]
    assert '{"step": 2}' in again.text
    assert "이미 한 일 2건" in again.text
    gate.go.set()
    await until(stage, again, "✅ 성공")
    run = await newest(stage, "walk")
    assert (run.attempts, run.done, run.checkpoint) == (2, 5, {"step": 5})
    assert await trail(stage) == [("run", "walk"), ("run_again", "walk")]


async def test_a_run_cut_off_by_the_end_of_the_process_says_so_and_is_taken_up_again(stage: Stage) -> None:
    gate = Gate()
    spec = make_spec(name="gated", run=gate, schedule="0 4 * * *")
    control = given(stage, spec)
    message = (await stage.messages("/run gated", stage.admin))[-1]
    await gate.began.wait()
    await control.stop()
    await until(stage, message, "⚠️ 중단됨")
    with pytest.raises(Unavailable):
        await control.start("gated", by=1)
    run = await newest(stage, "gated")
    now = stage.services.clock.now()
    assert run.slot in [due.slot for due in await due_slots(stage.services, [spec], now)]
    gate.go.set()
    await run_due(stage.services, specs=[spec])
    assert (await newest(stage, "gated")).state is RunState.SUCCEEDED
    assert [due for due in await due_slots(stage.services, [spec], now) if due.slot == run.slot] == []


async def test_a_run_asked_for_does_not_count_as_one_of_the_schedule(stage: Stage) -> None:
    spec = make_spec(name="walk", schedule="0 * * * *")
    given(stage, spec)
    hour = MOMENT.replace(minute=0)
    await run_job(stage.services, spec, hour - timedelta(hours=3), owner="a")
    message = (await stage.messages("/run walk", stage.admin))[-1]
    await until(stage, message, "✅ 성공")
    (due,) = await due_slots(stage.services, [spec], hour + timedelta(minutes=5))
    assert (due.slot, due.missed) == (hour, 2)


@pytest.mark.parametrize("command", ["run", "pause", "resume", "unlock"])
async def test_without_a_name_the_jobs_are_offered(stage: Stage, command: str) -> None:
    message = (await stage.messages(f"/{command}", stage.admin))[-1]
    assert "어느 작업인가요" in message.text
    assert sum(map(len, message.buttons)) == len(JOBS)


@pytest.mark.parametrize("command", ["jobs", "run", "pause", "resume", "locks", "unlock"])
async def test_an_unknown_name_is_answered_with_the_closest_ones(stage: Stage, command: str) -> None:
    message = (await stage.messages(f"/{command} crawl_newz<b>", stage.admin))[-1]
    assert "crawl_newz<b>" in message.text
    assert "crawl_news · 뉴스 수집" in message.buttons[0][0]["text"]
    assert "모든 작업을 볼 수 있습니다" in await stage.ask(f"/{command} ㅁㄴㅇㄹ", stage.admin)
    assert await trail(stage) == []


async def test_a_name_is_known_however_it_is_spelled_and_a_button_does_what_was_asked(stage: Stage) -> None:
    given(stage, make_spec(name="collect_all"))
    assert "collect_all" in await stage.ask("/pause Collect All", stage.admin)
    message = (await stage.messages("/resume colect", stage.admin))[-1]
    assert "다시 일정에 넣었습니다" in await stage.press(message, "collect_all · 정리", stage.admin)


# Pausing and resuming


async def test_a_paused_job_is_skipped_until_it_is_resumed_and_both_are_noted_once(stage: Stage) -> None:
    spec = make_spec(name="walk")
    given(stage, spec)
    assert "일시정지했습니다" in await stage.ask("/pause walk", stage.admin)
    assert "이미 일시정지되어 있습니다" in await stage.ask("/pause walk", stage.admin)
    assert await due_slots(stage.services, [spec], MOMENT) == []
    assert "다시 일정에 넣었습니다" in await stage.ask("/resume walk", stage.admin)
    assert "일시정지되어 있지 않습니다" in await stage.ask("/resume walk", stage.admin)
    assert len(await due_slots(stage.services, [spec], MOMENT)) == 1
    assert await trail(stage) == [("pause", "walk"), ("resume", "walk")]


async def test_resuming_a_job_that_runs_or_has_succeeded_starts_nothing(stage: Stage) -> None:
    gate = Gate()
    given(stage, make_spec(name="gated", run=gate), make_spec(name="done"))
    await stage.ask("/run gated", stage.admin)
    assert "지금 실행 중이라" in await stage.ask("/resume gated", stage.admin)
    await run_job(stage.services, make_spec(name="done"), MOMENT, owner="a")
    assert "성공해서 이어서 할 것이 없습니다" in await stage.ask("/resume done", stage.admin)


async def test_resuming_without_a_checkpoint_says_that_it_starts_over(stage: Stage) -> None:
    given(stage, make_spec(name="walk", run=counting(3, stop_at=1)))
    message = (await stage.messages("/run walk", stage.admin))[-1]
    await until(stage, message, "❌ 실패")
    again = (await stage.messages("/resume walk", stage.admin))[-1]
    await until(stage, again, "✅ 성공")
    assert (await newest(stage, "walk")).attempts == 2


# Locks


async def hold(stage: Stage, job: str, *, expired: bool = False) -> None:
    """Let another process hold a job, alive or dead."""
    async with stage.services.db.begin() as conn:
        length = timedelta(seconds=-1) if expired else timedelta(minutes=5)
        await acquire(conn, job, MOMENT, owner=f"other:{EVIL}", length=length, at=stage.services.clock.now())


async def test_locks_are_listed_with_owner_epoch_ages_and_progress(stage: Stage) -> None:
    given(stage, make_spec(name="alive"), make_spec(name="dead"), make_spec(name="free"))
    await hold(stage, "alive")
    await hold(stage, "dead", expired=True)
    every = await stage.ask("/locks", stage.admin)
    assert "잡힌 작업 (2)" in every
    assert f"other:{EVIL}" in every
    expired = await stage.ask("/locks expired", stage.admin)
    assert "만료된 잠금 (1)" in expired
    assert "dead" in expired
    assert "alive" not in expired
    one = await stage.ask("/locks alive", stage.admin)
    for expected in (f"other:{EVIL} · 세대 1", "심장박동", "만료까지", "회차 2026-02-20 15:50", "진행 0건"):
        assert expected in one
    assert "아무도 잡고 있지 않습니다" in await stage.ask("/locks free", stage.admin)


async def test_cleanup_takes_the_expired_ones_alone_and_is_noted(stage: Stage) -> None:
    await hold(stage, "alive")
    await hold(stage, "dead", expired=True)
    assert "정리했습니다.: dead" in await stage.ask("/locks cleanup", stage.admin)
    assert "만료된 잠금이 없습니다" in await stage.ask("/locks cleanup", stage.admin)
    assert (await newest(stage, "dead")).state is RunState.INTERRUPTED
    assert (await newest(stage, "alive")).state is RunState.RUNNING
    assert await trail(stage) == [("locks_cleanup", "dead")]


async def test_unlock_asks_first_then_fences_the_run_and_raises_the_epoch(stage: Stage) -> None:
    given(stage, make_spec(name="alive"))
    await hold(stage, "alive")
    message = (await stage.messages("/unlock alive", stage.admin))[-1]
    assert "강제로 해제할까요" in message.text
    assert (await newest(stage, "alive")).state is RunState.RUNNING
    answer = await stage.press(message, "🔓 예, 강제로 해제합니다", stage.admin)
    assert "세대를 올렸습니다" in answer
    assert "더 이상 아무것도 쓸 수 없습니다" in answer
    run = await newest(stage, "alive")
    assert (run.state, run.finished_at is None) == (RunState.FENCED, False)
    assert "세대 2" in await stage.ask("/locks alive", stage.admin)
    assert await trail(stage) == [("unlock", "alive")]


async def test_a_confirmation_is_good_for_the_holder_it_was_shown_for_alone(stage: Stage) -> None:
    given(stage, make_spec(name="alive"))
    await hold(stage, "alive", expired=True)
    message = (await stage.messages("/unlock alive", stage.admin))[-1]
    await hold(stage, "alive")
    assert "바꾼 것이 없습니다" in await stage.press(message, "🔓 예, 강제로 해제합니다", stage.admin)
    assert (await newest(stage, "alive")).state is RunState.RUNNING
    assert await trail(stage) == []


async def test_a_confirmation_is_no_use_to_anybody_else(stage: Stage) -> None:
    given(stage, make_spec(name="alive"))
    await hold(stage, "alive")
    message = (await stage.messages("/unlock alive", stage.admin))[-1]
    data = message.buttons[0][0]["callback_data"]
    assert "관리자만" in await stage.forge(data, stage.member)
    assert (await newest(stage, "alive")).state is RunState.RUNNING


async def test_a_lock_of_a_job_the_table_no_longer_has_can_be_released(stage: Stage) -> None:
    await hold(stage, "renamed")
    message = (await stage.messages("/unlock renamed", stage.admin))[-1]
    await stage.press(message, "🔓 예, 강제로 해제합니다", stage.admin)
    assert (await newest(stage, "renamed")).state is RunState.FENCED


async def test_a_released_run_tells_the_admin_who_started_it(stage: Stage) -> None:
    stage.demo.application.bot_data["jobs"] = Control(
        stage.services, [make_spec(name="endless", run=forever)], lease=timedelta(milliseconds=300)
    )
    started = (await stage.messages("/run endless", stage.admin))[-1]
    message = (await stage.messages("/unlock endless", stage.admin))[-1]
    await stage.press(message, "🔓 예, 강제로 해제합니다", stage.admin)
    assert "잠금이 해제되어 멈췄습니다" in await until(stage, started, "🔓 강제 해제됨")


# The audit trail


async def test_audit_tells_who_did_what_with_names_escaped(stage: Stage) -> None:
    async with stage.services.db.begin() as conn:
        await conn.execute(
            text(
                "INSERT INTO audit (at, actor_id, action, target, detail)"
                " SELECT CAST(:at AS timestamptz) + n * INTERVAL '1 s', CASE n WHEN 59 THEN 424242 ELSE :id END,"
                " 'try', 't' || n, jsonb_build_object('why', CAST(:why AS text)) FROM generate_series(0, 59) n"
            ),
            {"at": MOMENT, "why": EVIL + "x" * 4_000} | _admin(stage),
        )
    answer = await stage.ask("/audit 50", stage.admin)
    assert "관리 기록 (50)" in answer
    assert f"{stage.admin.id}) try t58 · why={EVIL}" in answer
    assert "? (424242) try t59" in answer
    assert "t9 " not in answer
    assert "x" * 200 not in answer
    assert "관리 기록 (20)" in await stage.ask("/audit", stage.admin)


async def test_an_empty_trail_says_so(stage: Stage) -> None:
    assert "아직 기록이 없습니다" in await stage.ask("/audit", stage.admin)


# For whom and in which language


async def test_details_go_to_the_private_chat_when_asked_for_in_a_group(stage: Stage) -> None:
    group = stage.telegram.group(-777, "운영", stage.admin)
    group.add_bot(stage.admin)
    sent = group.send(stage.admin, f"/jobs@{stage.demo.application.bot.username}")
    await stage.settled()
    assert "개인 대화로 보냈습니다" in shown(group.since(sent))
    assert "예약 작업" in stage.admin.messages[-1].text


async def test_every_form_is_english_for_those_who_chose_it(stage: Stage) -> None:
    failing = make_spec(name="walk", run=counting(5, stop_at=3), summary="뉴스 수집")
    given(stage, failing, make_spec(name="daily", summary="정리", schedule="0 1 * * sun"))
    await run_job(stage.services, failing, MOMENT, owner="a")
    await hold(stage, "daily", expired=True)
    await stage.ask("/start", stage.admin)
    await stage.forge("1:l:en", stage.admin)
    for said in (
        *("/jobs", "/jobs walk", "/jobs daily", "/jobs recent", "/jobs stats", "/jobs recent 99", "/jobs nix", "/run"),
        *(
            "/locks",
            "/locks daily",
            "/locks walk",
            "/locks expired",
            "/unlock daily",
            "/locks cleanup",
            "/locks cleanup",
        ),
        *(
            "/pause walk",
            "/pause walk",
            "/jobs",
            "/resume walk",
            "/resume daily",
            "/audit",
            "/run walk",
            "/resume walk",
        ),
    ):
        answer = (await stage.ask(said, stage.admin)).replace("관리자", "")
        assert not [letter for letter in answer if "가" <= letter <= "힣"], (said, answer)
    await stage.forge("1:l:ko", stage.admin)
