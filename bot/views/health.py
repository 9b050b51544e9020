"""The state of the system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from html import escape

from bot.texts import Texts, clean
from bot.views.message import Message
from bot.views.sources import FAILURES
from bot.views.sources import NAMES as SOURCES
from bot.views.split import MAX_TEXT, visible_length
from core.health.note import Note, NoteKind
from core.health.report import Component, HealthReport, Status

MARKS = {Status.HEALTHY: "🟢", Status.DEGRADED: "🟡", Status.UNHEALTHY: "🔴", Status.NOT_CONFIGURED: "⚪"}
WORDS = {
    Status.HEALTHY: "정상",
    Status.DEGRADED: "일부 문제",
    Status.UNHEALTHY: "장애",
    Status.NOT_CONFIGURED: "설정 안 됨",
}
UNWELL = (Status.UNHEALTHY, Status.DEGRADED)
NAMES: Mapping[str, str] = {
    **SOURCES,
    "postgresql": "데이터베이스",
    "redis": "캐시 서버",
    "milvus": "벡터 저장소",
    "kis": "한국투자증권",
    "dart": "DART 공시",
    "outbox": "보낼 메시지함",
    "strategies": "전략",
    "memory": "메모리",
    "disk": "디스크",
    "event_loop": "이벤트 루프",
    "usage_rows": "사용량 기록",
    "telegram": "텔레그램",
    "scheduler": "예약 작업",
    "log_rows": "로그 기록",
}
"""What the components are called beside the key they are asked for by."""

NOTES: Mapping[NoteKind, str] = {
    NoteKind.TEXT: "{text}",
    NoteKind.NO_ANSWER: "{seconds:.0f}초 안에 응답이 없습니다",
    NoteKind.ROBOTS_FORBID: "robots.txt와 약관이 자동 수집을 금지해 꺼 둠 · 켜려면 NEWS_SOURCES에 {source}",
    NoteKind.SERVER: "버전 {version}, {megabytes:,} MB",
    NoteKind.POOL: "연결 {most}개 중 {in_use}개 사용",
    NoteKind.KEPT: "메모리 {kilobytes:,} kB",
    NoteKind.VECTORS: "{embedding}, 벡터 {count:,}개",
    NoteKind.QUOTE: "{code} {price:,}원",
    NoteKind.MODELS: "모델 {count:,}개",
    NoteKind.LEAVING: "{model} {day} 종료 예정",
    NoteKind.JOBS: "작업 {count}개, 지연 {seconds:,}초",
    NoteKind.FAILING: "실패: {jobs}",
    NoteKind.LATE: "{job} 작업이 {minutes:,}분째 시작되지 않았습니다",
    NoteKind.MISSED: "지난 24시간 동안 {count:,}번 건너뜀",
    NoteKind.ITEMS: "지난번에 {count:,}건",
    NoteKind.FEW: "지난번에 {count:,}건뿐, 이 시각에는 보통 {usual:,}건",
    NoteKind.FAILED: "{times:,}번 연속 실패({reason})",
    NoteKind.NOT_YET_READ: "아직 읽지 않았습니다",
    NoteKind.FEED_ONLY: "공개 피드만 읽습니다 · 전체 목록을 읽으려면 DART_API_KEY",
    NoteKind.CALLS: "오늘 {used:,}/{most:,}번 호출",
    NoteKind.NOT_READ: "{minutes}분 넘게 읽지 못했습니다",
    NoteKind.NOTHING_FOLLOWED: "관심종목이 아직 없어 읽을 것이 없습니다",
    NoteKind.IN_USE: "{percent}% 사용",
    NoteKind.PROCESS: "프로세스 {megabytes:,} MB",
    NoteKind.FREE: "{gigabytes:,} GB 남음",
    NoteKind.LAG: "방금 {last:,} ms 늦음, 최근 1분 동안 99%는 {p99:,} ms 이하, 최대 {most:,} ms",
    NoteKind.WAITING: "{count:,}건 대기, 가장 오래된 것은 {minutes:,}분 전",
    NoteKind.UNSENT: "지난 24시간 동안 실패 {failed:,}, 기한 지남·수신 불가 {dropped:,}, 결과 모름 {parked:,}",
    NoteKind.NOTHING_WAITS: "기다리는 메시지가 없습니다",
    NoteKind.LOST: "{count:,}건을 저장하지 못했습니다",
    NoteKind.NOTHING_LOST: "빠짐없이 저장되고 있습니다",
    NoteKind.WORKERS: "전략 {most}개 중 {running}개 실행 중",
    NoteKind.WORKERS_DOWN: "멈춤: {workers}",
}
"""What each kind of note says."""


def health(report: HealthReport, detailed: bool, texts: Texts) -> Message:
    """Every component in a line, with latency and notes where detailed."""
    values = {"report": report, "detailed": detailed, "said": _said_by_name(report, texts)}
    return Message(text=texts.render("health", **values, marks=MARKS, words=WORDS, names=NAMES))


def summary(report: HealthReport, texts: Texts) -> Message:
    """How many components are how, and those that are not well."""
    counts = Counter(component.status for component in report.components)
    values = {"report": report, "counts": counts, "unwell": unwell(report), "said": _said_by_name(report, texts)}
    return Message(text=texts.render("health_summary", **values, marks=MARKS, words=WORDS, names=NAMES))


def component(found: Component, at: datetime, texts: Texts) -> Message:
    """One component with all that is known of it."""
    values = {"component": found, "said": said(found, texts), "at": at}
    return Message(text=texts.render("component", **values, marks=MARKS, words=WORDS, names=NAMES))


def as_json(report: HealthReport) -> Message:
    """The fixed schema as it is, as a file where it is too long for one message."""
    written = report.model_dump_json(indent=1)
    text = f"<pre>{escape(clean(written), quote=False)}</pre>"
    if visible_length(text) > MAX_TEXT:
        return Message(text="", document=written.encode(), filename="health.json")
    return Message(text=text)


def said(found: Component, texts: Texts) -> str:
    """What was seen of a component, in the reader's language."""
    return noted(found.notes, texts)


def noted(notes: Iterable[Note], texts: Texts) -> str:
    """Notes in the reader's language."""
    return ", ".join(texts(NOTES[note.kind], **_values(note, texts)) for note in notes)


def unwell(report: HealthReport) -> list[Component]:
    """The components that are not well, the worst first."""
    return [each for status in UNWELL for each in report.components if each.status is status]


def lasted(time: timedelta, texts: Texts) -> str:
    """A stretch of time in its two greatest units."""
    minutes = time // timedelta(minutes=1)
    if minutes < 60:
        return texts("{minutes}분", minutes=minutes)
    if minutes < 24 * 60:
        return texts("{hours}시간 {minutes}분", hours=minutes // 60, minutes=minutes % 60)
    return texts("{days}일 {hours}시간", days=minutes // 1440, hours=minutes % 1440 // 60)


def _values(note: Note, texts: Texts) -> Mapping[str, str | int | float]:
    source, _, kind = str(note.values.get("reason", "")).rpartition(" ")
    if (reason := FAILURES.get(kind)) is None:
        return note.values
    said = [SOURCES.get(source, source)] * bool(source) + [reason]
    return {**note.values, "reason": ": ".join(map(texts, said))}


def _said_by_name(report: HealthReport, texts: Texts) -> dict[str, str]:
    return {component.name: said(component, texts) for component in report.components}
