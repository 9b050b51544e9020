"""python -m bot [run|demo|check|migrate|backup|restore]: the command line of the product."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from core.clock import KST
from core.errors import StockPilotError
from core.logs import configure_logs
from core.settings import Settings, load_settings, secret_values


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; a known failure is one clear line and exit code 1."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings()
        code: int = asyncio.run(options.run(settings, options))
        return code
    except StockPilotError as error:
        print(f"stockpilot: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130


async def _run(settings: Settings, _options: argparse.Namespace) -> int:
    from bot.process import running

    configure_logs(settings.log, secrets=secret_values(settings))
    async with running(settings):
        await until_stopped()
    return 0


def _demo(settings: Settings, options: argparse.Namespace) -> Coroutine[Any, Any, int]:
    from bot.demo import demo

    return demo(
        settings,
        say=options.say,
        admin=options.who == "admin",
        replay=options.replay,
        at=options.at,
        port=options.port,
        patience=options.patience,
    )


def _check(settings: Settings, options: argparse.Namespace) -> Coroutine[Any, Any, int]:
    if options.quick:
        from bot.quick_check import quick_check

        return quick_check(settings)
    from bot.check import check

    return check(settings)


async def _migrate(settings: Settings, _options: argparse.Namespace) -> int:
    from core.db import migrate
    from core.errors import BadSettings

    if settings.database.url is None:
        raise BadSettings("DATABASE_URL: needed; the private server is migrated at every start")
    await migrate(settings.database.url.get_secret_value())
    return 0


def _backup(settings: Settings, options: argparse.Namespace) -> Coroutine[Any, Any, int]:
    from bot.backup import backup

    return backup(settings, options.file)


def _restore(settings: Settings, options: argparse.Namespace) -> Coroutine[Any, Any, int]:
    from bot.backup import restore

    return restore(settings, options.file, replace=options.replace)


async def until_stopped() -> None:
    """Wait for SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="StockPilot")
    parser.set_defaults(run=_run)
    commands = parser.add_subparsers()
    commands.add_parser("run", help="production (the default)").set_defaults(run=_run)
    check = commands.add_parser("check", help="say what is configured, reachable and missing")
    check.set_defaults(run=_check)
    check.add_argument(
        "--quick", action="store_true", help="only the stores, through the running process where HTTP_PORT is set"
    )
    commands.add_parser("migrate", help="bring DATABASE_URL to the newest schema").set_defaults(run=_migrate)
    backup = commands.add_parser("backup", help="write everything the database holds to a file; the bot may run")
    backup.set_defaults(run=_backup)
    backup.add_argument("file", type=Path, metavar="FILE", help="a file that does not exist yet")
    restore = commands.add_parser("restore", help="bring a backup back, into an empty database; the bot may not run")
    restore.set_defaults(run=_restore)
    restore.add_argument("file", type=Path, metavar="FILE", help="what backup wrote")
    restore.add_argument("--replace", action="store_true", help="give up what the database holds")
    demo = commands.add_parser("demo", help="the same product on simulated services, with a chat page")
    demo.set_defaults(run=_demo)
    demo.add_argument("--say", action="append", default=[], metavar="TEXT", help="send this, print the answer, exit")
    demo.add_argument("--as", dest="who", choices=("user", "admin"), default="user", help="who says it")
    demo.add_argument(
        "--replay", nargs="+", type=Path, default=[], metavar="FILE", help="real daily bars, marcap layout"
    )
    demo.add_argument("--port", type=int, default=8585, help="where the chat page is served (%(default)s; 0: any)")
    demo.add_argument(
        "--patience", type=float, default=90.0, metavar="SECONDS", help="longest wait for an answer (%(default)g)"
    )
    demo.add_argument("--at", type=_moment, default=None, metavar="'YYYY-MM-DD HH:MM'", help="the moment, Seoul time")
    return parser


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=KST)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not like '2026-02-20 15:50'") from None


if __name__ == "__main__":
    sys.exit(main())
