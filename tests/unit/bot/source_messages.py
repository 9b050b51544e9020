"""What /sources answers, with realistic and with hostile values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from bot.texts import Texts
from bot.views import sources
from bot.views.message import Message
from core.outside.declared import Off, Quota, Why
from core.outside.registry import DECLARED
from core.outside.service import Detail, Seen
from core.sources.compare import Comparison
from core.sources.status import Circuit, SourceStatus
from core.sources.waiting import Waiting
from tests.unit.bot.builders import NOW


def make_seen(
    key: str, *, off: Off | None = None, quota: Quota | None = None, waiting: int = 0, said: str = ""
) -> Seen:
    """A source that has failed for good, with words of somebody else's."""
    status = SourceStatus(
        source=key,
        last_success_at=NOW - timedelta(hours=3),
        last_items=3,
        usual_items=1_234,
        few=True,
        last_failure_at=NOW,
        failure_kind="blocked",
        failure_message=said,
        failures=[{"at": NOW.isoformat(), "kind": kind, "message": said} for kind in ("blocked", "valueerror")],
        failures_in_row=12,
        failing_since=NOW - timedelta(hours=1),
        openings=3,
        open_until=NOW + timedelta(hours=4),
        failed=True,
        episode=2,
        told=True,
    )
    circuit = status.circuit(NOW)
    return Seen(declared=DECLARED[key], off=off, status=status, circuit=circuit, quota=quota, waiting=waiting)


def source_messages(words: Texts, evil: str) -> Iterator[tuple[str, Message]]:
    """Every message of theirs."""
    calls, cents = Quota(used=12_345, limit=25_000), Quota(used=310, limit=500, cents=True)
    fresh = [
        Seen(declared=each, off=None, status=SourceStatus(source=each.key), circuit=Circuit.CLOSED)
        for each in DECLARED.values()
    ]
    off = [make_seen("naver_main", off=Off(why=why, switch="NEWS_SOURCES=naver_main")) for why in Why]
    hurt = [make_seen("naver_search", quota=calls, waiting=7), make_seen("openai", quota=cents)]
    yield "sources never read", sources.sources(fresh, NOW, words)
    yield "sources hurt and off", sources.sources([*hurt, *off], NOW, words)
    row = Waiting(id=1, reason=evil, raw=evil * 100, seen_at=NOW, times=1_200)
    compared = Comparison(
        kind="daily_bars",
        day=date(2026, 2, 20),
        first="kis_daily",
        second="kis_multi",
        at=NOW,
        compared=30,
        only_first=1,
        only_second=2,
        differing=3,
        differences=[{"key": evil, "field": "close", "first": 1, "second": evil}],
    )
    detail = Detail(
        seen=make_seen("naver_main", quota=calls, waiting=9, said=evil), waiting=[row] * 3, compared=[compared]
    )
    yield "source in trouble", sources.source(detail, sources.Done(words(sources.PROBED), evil), NOW, words)
    yield "source never read", sources.source(Detail(seen=fresh[0], waiting=[], compared=[]), None, NOW, words)
    for each in off:
        assert each.off is not None
        yield f"source off {each.off.why}", sources.source(Detail(seen=each, waiting=[], compared=[]), None, NOW, words)
    for what, action in (("close", "sc"), ("probe", "sr")):
        yield (
            f"source confirm {what}",
            sources.confirm("naver_search", what, action, "naver_search:1:0123456789", words),
        )
