"""Scheduled work: what there is, how it went, and what was started."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.message import Button, Message, rows
from bot.views.timetable import timetable
from core.runs.control import Job, Missed, Started
from core.runs.queries import Lock, Standing
from core.runs.run import RunRecord, RunState
from core.runs.statistics import JobStats, Pattern

MARKS = {
    RunState.RUNNING: "▶️",
    RunState.SUCCEEDED: "✅",
    RunState.FAILED: "❌",
    RunState.TIMED_OUT: "⌛",
    RunState.INTERRUPTED: "⚠️",
    RunState.FENCED: "🔓",
}
STATES = {
    RunState.RUNNING: "실행 중",
    RunState.SUCCEEDED: "성공",
    RunState.FAILED: "실패",
    RunState.TIMED_OUT: "시간 초과",
    RunState.INTERRUPTED: "중단됨",
    RunState.FENCED: "강제 해제됨",
}
MISSED = {
    Missed.LATEST: "놓친 회차는 마지막 것만 실행합니다",
    Missed.BACKLOG: "마지막 회차가 밀린 일을 모두 합니다",
    Missed.EVERY_SLOT: "놓친 회차를 오래된 것부터 모두 실행합니다",
    Missed.TODAY: "당일 {span} 안에서만 뒤늦게 실행합니다",
}
LONGEST_CHECKPOINT = 300
SHOWN_WARNINGS = 5
SHOWN_PATTERNS = 5
_RUN = {"marks": MARKS, "states": STATES}


@dataclass(frozen=True, kw_only=True, slots=True)
class JobLine:
    """A job as the list shows it: its next slot, newest run, whether it is paused, and its lease while it runs."""

    job: Job
    next_slot: datetime | None
    newest: RunRecord | None
    paused: bool
    lock: Lock | None


@dataclass(frozen=True, kw_only=True, slots=True)
class JobDetail:
    """One job with its newest runs, newest first, and what the kept ones say together."""

    line: JobLine
    standing: Standing
    runs: Sequence[RunRecord]
    stats: JobStats | None
    patterns: Sequence[Pattern]


def overview(lines: Sequence[JobLine], now: datetime, texts: Texts) -> Message:
    """Every job: when, next, how it last went, how far it is."""
    when = {line.job.name: timetable(line.job.timetable, texts) for line in lines}
    buttons = rows([Button(line.job.name, pack("jb", line.job.name)) for line in lines], width=2)
    return Message(
        text=texts.render("jobs", lines=lines, when=when, now=now, **_RUN), keyboard=(*buttons, _elsewhere(texts))
    )


def detail(found: JobDetail, now: datetime, texts: Texts) -> Message:
    """One job with all that is known of it."""
    job, run = found.line.job, found.line.newest
    late = texts.span(job.late)
    text = texts.render(
        "job",
        found=found,
        job=job,
        when=timetable(job.timetable, texts),
        missed=texts(MISSED[job.missed], span=late),
        checkpoint=checkpoint(run) if run else "",
        warnings=run.warnings[-SHOWN_WARNINGS:] if run else (),
        patterns=found.patterns[:SHOWN_PATTERNS],
        now=now,
        **_RUN,
    )
    return Message(text=text, keyboard=_controls(job.name, found.line.paused, run, texts))


def one_run(run: RunRecord, now: datetime, texts: Texts) -> Message:
    """One run with everything its row says."""
    warnings = run.warnings[-SHOWN_WARNINGS:]
    text = texts.render("job_run", run=run, checkpoint=checkpoint(run), warnings=warnings, now=now, **_RUN)
    return Message(text=text, keyboard=((_job_button(run.job),),))


def recent(runs: Sequence[RunRecord], now: datetime, texts: Texts) -> Message:
    """The runs started last, of all jobs."""
    text = texts.render("jobs_recent", runs=runs, now=now, **_RUN)
    return Message(text=text, keyboard=(_elsewhere(texts),))


def statistics(found: Sequence[JobStats], patterns: Sequence[Pattern], now: datetime, texts: Texts) -> Message:
    """The kept runs of every job, and the failures that are alike."""
    text = texts.render("jobs_stats", found=found, patterns=patterns, states=STATES, now=now)
    return Message(text=text, keyboard=(_elsewhere(texts),))


def started(found: Started, texts: Texts) -> Message:
    """A run has begun, anew or from where another attempt stood."""
    before = found.taken_up
    text = texts.render("job_started", run=found.run, before=before, checkpoint=checkpoint(found.run))
    return Message(text=text, keyboard=((_job_button(found.run.job), _lock_button(found.run.job, texts)),))


def ended(run: RunRecord, now: datetime, texts: Texts) -> Message:
    """How a run that was started here has ended."""
    text = texts.render("job_ended", run=run, checkpoint=checkpoint(run), warnings=run.warnings, now=now, **_RUN)
    again = () if run.state is RunState.SUCCEEDED else (Button(texts("⏯ 이어서 실행"), pack("je", run.job)),)
    return Message(text=text, keyboard=((_job_button(run.job), *again),))


def held(lock: Lock, texts: Texts) -> Message:
    """Somebody else runs the job now."""
    return Message(
        text=texts.render("job_held", lock=lock), keyboard=((_job_button(lock.job), _lock_button(lock.job, texts)),)
    )


def paused(job: str, news: bool, texts: Texts) -> Message:
    """A job is left out of the schedule from now on."""
    button = Button(texts("▶️ 다시 시작"), pack("je", job))
    return Message(text=texts.render("job_paused", job=job, news=news), keyboard=((button, _job_button(job)),))


def resumed(job: str, news: bool, newest: RunRecord | None, next_slot: datetime | None, texts: Texts) -> Message:
    """A job is in the schedule again, or was all along; no unfinished run was there to take up."""
    text = texts.render("job_resumed", job=job, news=news, newest=newest, next_slot=next_slot)
    return Message(text=text, keyboard=((_job_button(job),),))


def choose(names: Mapping[str, str], action: str, example: str, query: str, texts: Texts) -> Message:
    """Which job is meant: every one, or those whose names are close to what was written."""
    text = texts.render("choose_job", query=query, found=bool(names), example=example)
    buttons = [Button(_called(name, summary, texts), pack(action, name)) for name, summary in names.items()]
    return Message(text=text, keyboard=rows(buttons, width=1 if query else 2))


def checkpoint(run: RunRecord) -> str:
    """What a run committed last, as JSON, capped; empty when there is nothing."""
    if not run.checkpoint:
        return ""
    written = json.dumps(dict(run.checkpoint), ensure_ascii=False)
    return written if len(written) <= LONGEST_CHECKPOINT else f"{written[: LONGEST_CHECKPOINT - 1]}…"


def _called(name: str, summary: str, texts: Texts) -> str:
    return f"{name} · {texts(summary)}" if summary else name


def _controls(job: str, is_paused: bool, run: RunRecord | None, texts: Texts) -> tuple[tuple[Button, ...], ...]:
    first = [Button(texts("▶️ 지금 실행"), pack("jr", job))]
    if run is not None and run.open:
        first.append(Button(texts("⏯ 이어서 실행"), pack("je", job)))
    if is_paused:
        second = Button(texts("▶️ 다시 시작"), pack("je", job))
    else:
        second = Button(texts("⏸ 일시정지"), pack("jp", job))
    refresh = Button(texts("🔄 새로고침"), pack("jb", job))
    return tuple(first), (second, _lock_button(job, texts)), (refresh, Button(texts("📋 모든 작업"), pack("jo")))


def _elsewhere(texts: Texts) -> tuple[Button, ...]:
    return (
        Button(texts("📋 모든 작업"), pack("jo")),
        Button(texts("🕘 최근 실행"), pack("jn")),
        Button(texts("📈 통계"), pack("js")),
        Button(texts("🔒 잠금"), pack("la")),
    )


def _job_button(job: str) -> Button:
    return Button(f"📋 {job}", pack("jb", job))


def _lock_button(job: str, texts: Texts) -> Button:
    return Button(texts("🔒 잠금"), pack("lk", job))
