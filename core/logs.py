"""Logs: events with fields, secrets redacted, to the console and a rotating file."""

from __future__ import annotations

import json
import logging
import logging.handlers
import math
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import structlog

from core.settings import LogSettings

_SECRETS = re.compile(
    r"(?P<keep>\bbot)?(?<!\d)\d{6,16}:[A-Za-z0-9_-]{30,}"  # a Telegram token, also inside a URL
    r"|\b(?:sk|sk-or)-[A-Za-z0-9_-]{16,}"  # OpenAI, OpenRouter
    r"|\beyJ[A-Za-z0-9_-]{8,600}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"  # a JSON web token, as KIS gives
    r"|\bPS[A-Za-z0-9]{34}\b"  # a KIS app key
    r"|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{170,190}={0,2}(?![A-Za-z0-9+/=])"  # a KIS app secret: 180 of base64
    r"|(?<=Bearer )[A-Za-z0-9._~+/-]{6,}=*"
    r"|(?<=Basic )[A-Za-z0-9+/]{6,}=*"
    r"|(?<=hooks\.slack\.com/services/)[^\s\"'<>]+"
    r"|(?<=/api/webhooks/)[^\s\"'<>]+"
    r"|(?<=://)(?P<user>[^:/@\s\"'<>]*):[^@/\s\"'<>]+(?=@)",
)
_NAMES: Final = (
    r"app_?key|app_?secret|secret_?key|client_secret|naver-client-secret|access_token|refresh_token|approval_key"
    r"|api_?key|crtfc_key|secret_token|passw(?:or)?d"
)
_NAMED = re.compile(
    rf"(?P<name>(?:{_NAMES}|token|secret)[\"']?\s*=\s*[\"']?|(?:{_NAMES}|token|secret)\\?[\"']\s*:\s*b?\\?[\"']"
    rf"|(?:{_NAMES}):\s*)(?!\*\*\*|Bearer )[^\s\"'\\&,;}}\])<>]{{4,}}",
    re.IGNORECASE,
)
"""A secret by the name before it: in a query, in JSON, in headers as they are printed."""
_SECRET_NAMES = re.compile(r"token|secret|passw(or)?d|api_?key|app_?key|approval_key|crtfc_key|authorization", re.I)
_NO_SECRETS = re.compile(r"(?!)")
_literal = _NO_SECRETS

SHORTEST_SECRET: Final = 6
"""A configured value shorter than this is not looked for: masking it would make holes in ordinary words."""
_DEEPEST: Final = 6
_MOST_ITEMS: Final = 100
_LONGEST: Final = 20_000

_SPEAKS_FROM_WARNING = ("httpx", "httpcore", "httpx2", "httpcore2", "apscheduler", "pymilvus", "milvus_lite", "openai")


def hide(secrets: Iterable[str]) -> None:
    """From now on mask these very values, and the password or path of those that are URLs, wherever they occur.

    In capitals or not: the Telegram library changes the case of what Telegram says of an error.
    """
    global _literal
    values = {form for secret in secrets for part in _parts(secret) for form in (part, quote(part, safe=""))}
    long_enough = sorted((each for each in values if len(each) >= SHORTEST_SECRET), key=len, reverse=True)
    _literal = re.compile("|".join(map(re.escape, long_enough)), re.IGNORECASE) if long_enough else _NO_SECRETS


def _parts(secret: str) -> Iterable[str]:
    yield secret
    try:
        url = urlsplit(secret)
    except ValueError:
        return
    if url.password:
        yield url.password
        yield unquote(url.password)
    if url.scheme in {"http", "https"} and len(url.path) > 2 * SHORTEST_SECRET:
        yield url.path


def redact(value: str) -> str:
    """The text with every configured secret, and everything that looks like one, replaced by `***`."""
    shown = _literal.sub("***", value)
    shown = _SECRETS.sub(lambda found: f"{found['keep'] or ''}{found['user'] or ''}***", shown)
    return _NAMED.sub(lambda found: f"{found['name']}***", shown)


def redacted(value: Any, *, depth: int = 0) -> Any:
    """The value as plain JSON with its secrets masked, however deep they lie: what is nothing plain becomes its text.

    Text is capped and holds no character a database or a terminal would refuse.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, Mapping) and depth < _DEEPEST:
        pairs = list(value.items())[:_MOST_ITEMS]
        return {_plain(str(name)): _masked(str(name), each, depth) for name, each in pairs}
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
        return [redacted(each, depth=depth + 1) for each in list(value)[:_MOST_ITEMS]]
    return _plain(hex(value) if isinstance(value, int) else str(value))


def _masked(name: str, value: Any, depth: int) -> Any:
    if _SECRET_NAMES.search(name) and isinstance(value, str | bytes):
        return "***"
    return redacted(value, depth=depth + 1)


def _plain(text: str) -> str:
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"
    return redact(short.replace("\x00", "")).encode("utf-8", "replace").decode()


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if not name.startswith("_"):  # structlog's own
            event[name] = _masked(name, value, 0)
    return event


_SHARED: Final[list[Any]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    _redact_event,
]


def configure_logs(settings: LogSettings, *, secrets: Sequence[str] = ()) -> None:
    """Send every log line, ours and the libraries', through the redactor to the console and the file.

    `secrets` are masked literally. httpx and httpcore print whole URLs, which hold the bot's token, so they speak from
    WARNING only.
    """
    if secrets:
        hide(secrets)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.setLevel(settings.level)
    root.handlers = [_Console()]
    if settings.file is not None:
        settings.file.parent.mkdir(parents=True, exist_ok=True)
        root.handlers.append(_File(settings.file))
    for name in _SPEAKS_FROM_WARNING:
        logging.getLogger(name).setLevel(logging.WARNING)


def json_formatter() -> logging.Formatter:
    """Writes a record as one redacted JSON object: its event, logger, level and fields."""
    return _formatter(lambda _logger, _method, event: json.dumps(event, ensure_ascii=False))


def _formatter(renderer: Any) -> logging.Formatter:
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=[meta, _redact_event, renderer])


class Discreet(logging.Handler):
    """A handler that tells of a line it could not write without printing that line, which is not redacted yet."""

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - the name logging calls
        """Say what kind of error it was, on the error stream."""
        error = sys.exc_info()[0]
        if sys.stderr is not None and error is not None:
            sys.stderr.write(f"a log line could not be written: {error.__name__}\n")


class _Console(Discreet, logging.StreamHandler[Any]):
    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(_formatter(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())))


class _File(Discreet, logging.handlers.RotatingFileHandler):
    def __init__(self, file: Path) -> None:
        super().__init__(file, maxBytes=10_000_000, backupCount=5, encoding="utf-8")
        self.setFormatter(json_formatter())
