"""Log rows."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bot.texts import Texts, clean
from bot.views.message import Message
from bot.views.split import MAX_CAPTION, MAX_TEXT, visible_length
from core.clock import KST
from core.log_records.record import Level, LogRecord

MARKS = {Level.WARNING: "🟡", Level.ERROR: "🔴", Level.CRITICAL: "⛔"}
LONGEST = 200
"""Characters of what a row holds that are shown in the list."""


def newest(records: Sequence[LogRecord], texts: Texts) -> Message:
    """Rows in a line or two each, or as a file with all they hold where that is too long."""
    return _or_file(_list(records, texts), records, texts)


def of_reference(records: Sequence[LogRecord], texts: Texts) -> Message:
    """All that the rows of one reference hold, tracebacks too; in a file under their list where that is too long."""
    details = [(record, _time(record), _whole(record)) for record in records]
    return _or_file(texts.render("log_reference", details=details, marks=MARKS), records, texts)


def _list(records: Sequence[LogRecord], texts: Texts) -> str:
    lines = [(record, _time(record), _brief(record)) for record in records]
    return texts.render("logs", lines=lines, marks=MARKS)


def _or_file(text: str, records: Sequence[LogRecord], texts: Texts) -> Message:
    if visible_length(text) <= MAX_TEXT:
        return Message(text=text)
    blocks = [f"{_time(each)} {each.level} {each.category} {each.event}\n{_whole(each)}" for each in records]
    caption = _list(records, texts)
    if visible_length(caption) > MAX_CAPTION:
        caption = texts("기록 {count}건이 길어서 파일로 보냅니다.", count=len(records))
    return Message(text=caption, document=clean("\n\n".join(blocks)).encode(), filename="logs.txt")


def _time(record: LogRecord) -> str:
    return record.at.astimezone(KST).strftime("%m-%d %H:%M:%S")


def _brief(record: LogRecord) -> str:
    """The fields in one line; of a traceback only its last line, which names the error."""
    fields = dict(record.fields)
    error = str(fields.pop("exception", "")).strip().rpartition("\n")[2]
    said = " ".join(" ".join([*(f"{name}={_shown(value)}" for name, value in fields.items()), error]).split())
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


def _whole(record: LogRecord) -> str:
    fields = dict(record.fields)
    traceback = str(fields.pop("exception", ""))
    lines = [f"{name}: {_shown(value)}" for name, value in {"logger": record.logger, **fields}.items()]
    return "\n".join([*lines, traceback.strip()]).strip()


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
