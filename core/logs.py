"""Logs: events with fields, secrets redacted, to the console and a rotating file."""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from core.settings import LogSettings

_SECRETS = re.compile(
    r"(?P<keep>\bbot)?\d{6,}:[A-Za-z0-9_-]{30,}"  # a Telegram token, also inside a URL
    r"|\b(?:sk|sk-or)-[A-Za-z0-9_-]{16,}"
    r"|(?<=Bearer )[A-Za-z0-9._~+/-]{16,}=*"
    r"|(?<=crtfc_key=)[0-9a-f]{40}"
    r"|(?<=://)(?P<user>[^:/@\s]*):[^@/\s]+(?=@)",
)
_SECRET_NAMES = re.compile(r"token|secret|password|api_key|app_key|appkey|authorization", re.IGNORECASE)


def redact(value: str) -> str:
    """The text with everything that looks like a secret replaced by `***`."""
    return _SECRETS.sub(lambda found: f"{found['keep'] or ''}{found['user'] or ''}***", value)


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if _SECRET_NAMES.search(name) and isinstance(value, str | bytes):
            event[name] = "***"
        elif isinstance(value, str):
            event[name] = redact(value)
    return event


def configure_logs(settings: LogSettings) -> None:
    """Send every log line, ours and the libraries', through the redactor to the console and the file.

    httpx and httpcore print whole URLs, which hold the bot's token, so they speak from WARNING only.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.setLevel(settings.level)
    root.handlers = [_console(shared)]
    if settings.file is not None:
        settings.file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            settings.file, maxBytes=10_000_000, backupCount=5, encoding="utf-8"
        )
        handler.setFormatter(_formatter(shared, structlog.processors.JSONRenderer(ensure_ascii=False)))
        root.handlers.append(handler)
    for name in ("httpx", "httpcore", "httpx2", "httpcore2", "apscheduler", "pymilvus", "milvus_lite", "openai"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _console(shared: list[Any]) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())))
    return handler


def _formatter(shared: list[Any], renderer: Any) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _redact_event, renderer],
    )
