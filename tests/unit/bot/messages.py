"""Every view with realistic and with hostile values, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from string import Formatter

from bot.commands import COMMANDS
from bot.progress import WORDS
from bot.texts import Texts, texts
from bot.views import basics, health, logs, market, news, reports, status, stocks, users, watchlist
from bot.views.message import Message, Picture
from core.chats.invites import Invite
from core.chats.member import Language, Role
from core.chats.people import Card, Changed, Page
from core.health.note import NoteKind, note
from core.health.queries import Today
from core.health.report import Status
from core.log_records.record import Category, Level, LogRecord
from core.market.overview import Depth
from core.reports.report import Record, Sentence, Wording
from core.settings import LLMSettings
from core.stocks.resolver import Ambiguous, Unknown
from core.usage.overview import OwnUse
from tests.sheets import SAMSUNG, make_quote
from tests.unit.bot.alert_messages import alert_messages
from tests.unit.bot.brief_messages import brief_messages
from tests.unit.bot.builders import (
    NOW,
    make_article,
    make_component,
    make_evidence,
    make_health,
    make_member,
    make_opinion,
    make_overview,
    make_person,
    make_report,
    make_sentence,
    make_stock,
    make_vitals,
)
from tests.unit.bot.market_messages import DEPTH, MARKET, NO_MARKET
from tests.unit.bot.source_messages import source_messages
from tests.unit.bot.strategy_messages import strategy_messages
from tests.unit.bot.usage_messages import usage_messages

EVIL = "A&B<b>\u202e\u0000</i> &amp; \"'`"
PNG = b"\x89PNG"


OWN_USE = OwnUse(
    calls_today=3, cost_today=Decimal("0.01"), calls_month=1_200, cost_month=Decimal("3.456"), tokens_month=9
)
LOG_ROW = LogRecord(
    at=NOW,
    level=Level.ERROR,
    category=Category.SYSTEM,
    event="update_failed",
    logger="bot.errors",
    fields={"kind": "RuntimeError", "update": 3, "exception": "Traceback:\n  line\nRuntimeError: x"},
    reference="a1b2c3",
)
EVIL_LOG_ROW = replace(LOG_ROW, event=EVIL * 9, fields={EVIL: [EVIL], "exception": EVIL * 40}, repeated=1_200)


async def _draw() -> bytes:
    return PNG


PICTURE = Picture("a picture", _draw)

FULL = make_quote(
    NOW, open=69_000, high=70_500, low=68_800, high_52w=88_000, low_52w=52_000, market_cap=419 * 10**12, per=13.2, pbr=1
)
BARE = make_quote(NOW, change=0, change_percent=0.0, volume=0, value=0)
EVIL_STOCK = make_stock(code="0126Z0", name=EVIL, administrative=True)
EVIL_ARTICLE = make_article(3, title=EVIL, summary=EVIL * 200, press=EVIL, partial=True)
EVIL_SENTENCE = make_sentence(EVIL, press=EVIL)
EVIL_REPORT = make_report(
    stock=replace(EVIL_STOCK, halted=True),
    reasons=(EVIL_SENTENCE,) * 3,
    counter_case=EVIL_SENTENCE,
    change_of_view=EVIL_SENTENCE,
    risks=(EVIL_SENTENCE,),
    evidence=tuple(make_evidence(n, title=EVIL, press=EVIL, similar=n % 2 == 0) for n in range(1, 14)),
    opinions=(make_opinion(f"openai:{EVIL}", outcome="failed", failure=EVIL, odds={}),),
    missing=("20일 지표, 52주 범위 (일봉 3개)", EVIL),
)
NEW_REPORT = make_report(
    stock=make_stock(active=False),
    since_last=None,
    short_target=None,
    long_target=None,
    missing=(),
    risks=(),
    evidence=(),
    facts=make_report().facts[:2],
    lead_model="rule:base_rate",
    wording=Wording.FACTS_ONLY,
    reasons=(Sentence(text="최근 5거래일 동안 내렸습니다."),),
    record_here=Record(calls=0, hits=0, days=0),
    record_everywhere=Record(calls=3, hits=1, days=3),
)
NOTES_OF_ALL_KINDS = [
    note(kind, **{name: 7 for _, name, _, _ in Formatter().parse(health.NOTES[kind]) if name}) for kind in NoteKind
]
HEALTH = make_health(
    make_component("postgresql", critical=True, notes=tuple(NOTES_OF_ALL_KINDS)),
    make_component("kis", Status.NOT_CONFIGURED, notes=(note(NoteKind.TEXT, text="KIS_APP_KEY"),)),
    make_component("openai", Status.UNHEALTHY, notes=(note(NoteKind.TEXT, text=EVIL),)),
    make_component("naver_main", Status.DEGRADED, last_success_at=NOW),
)


READ, NOT_READ = news.Reading(configured=True, at=NOW), news.Reading(configured=False, at=None)


def _messages(words: Texts) -> Iterator[tuple[str, Message]]:
    yield "greeting", basics.greeting(make_member(words.language, name=EVIL), words)
    yield "help", basics.help_(COMMANDS, words)
    yield "choose", stocks.choose(Ambiguous((SAMSUNG, EVIL_STOCK)), "r", words)
    yield "choose watched", stocks.choose_watched([EVIL_STOCK] * 20, "w", "/watch 삼성전자", words)
    yield "choose nothing", stocks.choose_watched([], "w", "/watch 삼성전자", words)
    yield "unknown", stocks.unknown(Unknown(EVIL, ()), "p", words)
    yield "closest", stocks.unknown(Unknown(EVIL, (SAMSUNG, EVIL_STOCK)), "p", words)
    for name, stock, quote in (("full", SAMSUNG, FULL), ("evil", EVIL_STOCK, FULL), ("bare", SAMSUNG, BARE)):
        for depth_name, depth in (("", Depth()), (" with depth", DEPTH)):
            yield f"quote {name}{depth_name}", stocks.quote_card(stock, quote, depth, False, None, words)
    for name, now in (("market", MARKET), ("market unknown", NO_MARKET)):
        yield name, market.market(now, words)
    yield "news", news.listing([make_article(n) for n in range(1, 9)], SAMSUNG, 2, True, READ, NOW, words)
    yield "news evil", news.listing([EVIL_ARTICLE], EVIL_STOCK, 1, False, READ, NOW, words)
    yield "no news", news.listing([], None, 1, False, NOT_READ, NOW, words)
    yield "no news yet", news.listing([], None, 1, False, replace(NOT_READ, configured=True), NOW, words)
    yield "no more news", news.listing([], SAMSUNG, 9, False, replace(READ, at=NOW - timedelta(hours=5)), NOW, words)
    cases = [news.Case(article=EVIL_ARTICLE), news.Case(article=make_article(), stock=SAMSUNG, after_percent=-1.2)]
    yield "article", news.article(make_article(), [SAMSUNG], cases, NOW, words)
    moved = {SAMSUNG.code: (-2.15, NOW.date())}
    yield "article moved", news.article(make_article(), [SAMSUNG], [], NOW, words, (), moved)
    yield "article evil", news.article(EVIL_ARTICLE, [EVIL_STOCK], None, NOW, words)
    shared = replace(make_article(), presses=4, gone=True)
    yield "news shared", news.listing([shared], None, 1, False, READ, NOW, words)
    yield "article shared", news.article(shared, [], [], NOW, words, [(EVIL, 'https://press.example/?a=1&b="2"')] * 20)
    yield "article bare", news.article(make_article(summary=""), [], [], NOW, words)
    for name, found in (("full", make_report()), ("evil", EVIL_REPORT), ("new", NEW_REPORT)):
        yield f"report {name}", reports.report(found, True, PICTURE, NOW + timedelta(days=3), words)
        yield f"evidence {name}", reports.evidence(found, words)
        yield f"opinions {name}", reports.opinions(found, words)
        yield f"document {name}", reports.document(found, PNG if name == "full" else None, words)
    yield "chart", reports.chart(EVIL_REPORT, "1M", PICTURE, words)
    items = [(SAMSUNG, FULL), (EVIL_STOCK, None), (SAMSUNG, replace(FULL, at=NOW - timedelta(days=1)))]
    yield "watchlist", watchlist.watched(items, NOW, words)
    yield "long watchlist", watchlist.watched([(EVIL_STOCK, FULL)] * 100, NOW, words)
    yield "empty watchlist", watchlist.watched([], NOW, words)
    for done in (True, False):
        yield f"watching {done}", watchlist.watching(EVIL_STOCK, done, words)
        yield f"not watching {done}", watchlist.not_watching(EVIL_STOCK, done, words)
    for detailed in (True, False):
        yield f"health {detailed}", health.health(HEALTH, detailed, words)
    yield "health json", health.as_json(HEALTH)
    yield "health summary", health.summary(HEALTH, words)
    yield "status", status.status(make_overview(HEALTH), LLMSettings(), words)
    idle = Today(
        members=0,
        reports=0,
        failed_reports=0,
        failed_runs=0,
        newest_article_at=None,
        newest_quote_at=None,
        newest_bar_on=None,
    )
    well = make_health(make_component("postgresql", critical=True))
    idle_system = make_overview(well, running=(), today=idle, leader=None)
    yield "status of a new system", status.status(idle_system, LLMSettings(), words)
    leader = make_overview(well).leader
    assert leader is not None
    silent = replace(leader, expired=True)
    yield "status when the leader is silent", status.status(make_overview(well, leader=silent), LLMSettings(), words)
    yield "metrics", status.metrics(make_vitals(), words)
    yield "metrics at the start", status.metrics(make_vitals(lag=None, open_files=None, uptime=timedelta()), words)
    for component in HEALTH.components:
        yield f"component {component.name}", health.component(component, NOW, words)
    yield from brief_messages(words, EVIL)
    yield from alert_messages(words, EVIL)
    yield from usage_messages(words, PICTURE, EVIL)
    yield from strategy_messages(words, EVIL)
    yield from source_messages(words, EVIL)
    stages = list(WORDS.values())
    yield "progress", Message(text=words.render("progress", subject=EVIL, done=stages[:-1], now=stages[-1]))
    yield "logs", logs.newest([LOG_ROW, EVIL_LOG_ROW], words)
    yield "many logs", logs.newest([EVIL_LOG_ROW] * 50, words)
    yield "no logs", logs.newest([], words)
    yield "log reference", logs.of_reference([LOG_ROW, EVIL_LOG_ROW], words)
    everybody = [make_person(role=each) for each in Role]
    counts = dict.fromkeys(Role, 1234)
    listed = Page(people=(*everybody, make_person(name=EVIL)), number=2, found=25, counts=counts)
    yield "users", users.listed(listed, EVIL, NOW, words)
    nobody = Page(people=(), number=1, found=0, counts=dict.fromkeys(Role, 0))
    yield "no users", users.listed(nobody, "", NOW, words)
    for person in (*everybody, make_person(id=7, name="", owner=True, role=Role.ADMIN), make_person(name=EVIL)):
        yield f"user {person}", users.card(Card(person=person, watched=3), OWN_USE, make_member(id=1), NOW, words)
        yield f"user changed {person}", users.changed(Changed(person=person, before=Role.WAITING), words)
    for action in users.QUESTIONS:
        yield f"user confirm {action}", users.confirm(make_person(name=EVIL), action, "101:69980000:0123456789", words)
    invite = Invite(code="A" * 22, uses=3, expires_at=NOW)
    for anyone in (True, False):
        yield f"invite {anyone}", users.invited(invite, "https://t.me/x?start=i_A", anyone, words)
    yield "entered", users.entered(words)
    yield "error", Message(text=words.render("error", words=EVIL, reference="abc123"))
    yield "refusal", Message(text=words.render("error", words=EVIL, reference=None))


MESSAGES = {f"{language} {name}": made for language in Language for name, made in _messages(texts(language))}
"""By language and name."""
