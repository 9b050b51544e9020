"""Reports over recorded real days: every number a reader sees agrees with the record."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import text

from bot.demo import BEFORE_A_CONVERSATION, Demo, ask, running_demo, settle
from core.clock import ManualClock, kst
from core.reports.report import Report
from core.reports.service import newest_report
from core.settings import AppSettings, Settings
from jobs.registry import JOBS
from jobs.scheduler import run_due
from sim.replay import replayed_market
from tests.acceptance.marcap import allowance, amount, drawn, figures, read
from tests.samples import sample

RECORD = "krx/marcap-2026_part_20260102-20260220.parquet"
THIRD_DAY, LAST_DAY = date(2026, 1, 6), date(2026, 2, 20)
THREE_BARS = "450140"
"""Listed for three days of the record, then gone."""
STOCKS, SEED, AT_ONCE = 50, 20260220, 8
EVENING = time(15, 50)

_FIGURE = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?(?:%|원|주|배|건|개)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What was asked for, what a reader saw of it, of its evidence, and what is stored of it."""

    code: str
    day: date
    seen: str
    evidence: str
    report: Report


@dataclass(frozen=True, kw_only=True)
class Evening:
    """The demo on the last evening of the record, after everybody has got their report."""

    demo: Demo
    record: pl.DataFrame
    answers: tuple[Answer, ...]


@pytest.fixture(scope="module")
def record() -> pl.DataFrame:
    """The recorded days."""
    return read(sample(RECORD))


@pytest.fixture(scope="module")
async def evening(record: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Evening]:
    """One stock asked for on the third day, fifty on the last."""
    folder: Path = tmp_path_factory.mktemp("replay")
    clock = ManualClock(kst(THIRD_DAY, EVENING))
    settings = Settings(_env_file=None, app=AppSettings(data_dir=folder))
    market = replayed_market(sample(RECORD))
    async with running_demo(settings, folder / "demo", market, clock, jobs=False) as demo:
        demo.world.llm.latency = 0
        first = await reported(demo, [THREE_BARS], THIRD_DAY)
        clock.at = kst(LAST_DAY, EVENING)
        await run_due(demo.services, specs=[JOBS[name] for name in BEFORE_A_CONVERSATION])
        codes = drawn(record, STOCKS, SEED)
        rest = [answer for few in batches(codes) for answer in await reported(demo, few, LAST_DAY)]
        yield Evening(demo=demo, record=record, answers=(*first, *rest))


def batches(codes: list[str]) -> Iterable[list[str]]:
    """The codes asked for at once."""
    return (codes[start : start + AT_ONCE] for start in range(0, len(codes), AT_ONCE))


async def reported(demo: Demo, codes: list[str], day: date) -> list[Answer]:
    """Ask for each of the codes as a person of its own, all at once."""
    people = [demo.telegram.user(1_000 + place, f"손님{place}") for place in range(len(codes))]
    sent = [person.send(f"/report {code}") for person, code in zip(people, codes, strict=True)]
    await settle(demo, people[0])
    answers = []
    for person, question, code in zip(people, sent, codes, strict=True):
        *_, last = person.since(question)
        report = await newest_report(demo.services, code)
        assert report is not None, f"{code}: {last.text}"
        click = person.click(last.id, "🔎 근거")
        await settle(demo, person)
        evidence = "\n".join(part.text for part in person.since(click))
        answers.append(Answer(code=code, day=day, seen=last.text, evidence=evidence, report=report))
    return answers


def test_draw_holds_every_kind_of_stock(record: pl.DataFrame) -> None:
    codes = drawn(record, STOCKS, SEED)
    last = record.filter(pl.col("Date") == LAST_DAY, pl.col("Code").is_in(codes))
    assert last.height == STOCKS
    assert last.filter(~pl.col("Code").str.ends_with("0")).height >= 3
    assert last.filter(pl.col("Name").str.contains("스팩")).height >= 3
    assert last.filter(pl.col("Market") == "KONEX").height >= 3
    assert last.filter(pl.col("Volume") == 0).height >= 3
    assert last.filter(pl.col("Code").str.contains("[A-Z]")).height >= 3
    assert record.filter(pl.col("Code") == THREE_BARS).height == 3


@pytest.mark.timeout(240)
async def test_every_fact_of_fifty_stocks_agrees_with_the_record(evening: Evening) -> None:
    wrong = [problem for answer in evening.answers for problem in wrong_facts(evening.record, answer)]
    assert not wrong, "\n".join(wrong)
    assert len(evening.answers) == STOCKS + 1


def wrong_facts(record: pl.DataFrame, answer: Answer) -> Iterable[str]:
    """What the facts of a report have too much, too little or otherwise than the record."""
    expected = figures(record, answer.code, answer.day)
    facts = {fact.name: fact for fact in answer.report.facts}
    told = facts.keys() - {"session", "phase", "news_24h", "news_7d", "material_filings_30d"}
    if told != expected.keys():
        yield f"{answer.code}: too much {told - expected.keys()}, missing {expected.keys() - told}"
    if facts["session"].text != f"{answer.day}":
        yield f"{answer.code}: told of {facts['session'].text}"
    for name in sorted(told & expected.keys()):
        true, near = expected[name], allowance(name, expected)
        value = facts[name].value
        if value is None or abs(value - true) > near:
            yield f"{answer.code} {name}: {value} is not {true}"
        elif abs((said := amount(facts[name].text))[0] - value) > said[1] * 1.0001:
            yield f"{answer.code} {name}: {facts[name].text!r} does not say {value}"


async def test_no_number_is_shown_that_the_record_does_not_give(evening: Evening) -> None:
    wrong = []
    for answer in evening.answers:
        known = set(_FIGURE.findall(await all_it_may_say(evening, answer)))
        body = re.sub(r"^[123]\. ", "", answer.seen, flags=re.MULTILINE)
        wrong += [f"{answer.code}: {found}" for found in _FIGURE.findall(body) if found not in known]
    assert not wrong, "\n".join(wrong)


async def all_it_may_say(evening: Evening, answer: Answer) -> str:
    """Every text a number may stand in: the facts, which are checked elsewhere, and the sealed forecast."""
    report, rows = answer.report, evening.record.filter(pl.col("Code") == answer.code, pl.col("Date") <= answer.day)
    query = text(
        "SELECT short_target, long_target, confidence FROM prediction"
        " WHERE code = :code AND model_key = :model AND input_hash = :hash AND outcome = 'made'"
    )
    values = {"code": answer.code, "model": report.lead_model, "hash": report.input_hash}
    async with evening.demo.services.db.begin() as conn:
        forecast = (await conn.execute(query, values)).one()
    sure = max(min(forecast.confidence, 0.9) - 0.05 * len(report.missing), 0.05)
    return "\n".join(
        (
            rows["Name"][-1],
            answer.code,
            report.lead_model,
            *(f"{fact.label} {fact.text}" for fact in report.facts),
            f"{forecast.short_target:,}원 {forecast.long_target:,}원 {sure:.0%}",
            f"{answer.day} 15:30 {answer.day} 15:50",
            f"20일 60일 120일 60거래일 52주 일봉 {rows.height}개",
        )
    )


async def test_every_fact_is_in_the_evidence(evening: Evening) -> None:
    for answer in evening.answers:
        lines = answer.evidence.splitlines()
        missing = [fact for fact in answer.report.facts if f"• {fact.label}: {fact.text}" not in lines]
        assert not missing, answer.code


async def test_head_line_says_price_move_and_when_it_stood(evening: Evening) -> None:
    for answer in evening.answers:
        true = figures(evening.record, answer.code, answer.day)
        change = round(true["change_percent"], 2)
        arrow = "🔴▲" if true["change"] > 0 else "🔵▼" if true["change"] < 0 else "⚪"
        signed = f"{change:+.2f}%" if change else "0.00%"
        head = next(line for line in answer.seen.splitlines() if line.startswith(f"{true['price']:,}원"))
        assert head.startswith(f"{true['price']:,}원 {arrow} {signed} "), answer.code
        assert head.endswith(f"{answer.day} 15:30"), answer.code


async def test_stock_that_is_gone_is_shown_as_it_last_stood(evening: Evening) -> None:
    person = evening.demo.telegram.users[1_000]
    *_, last = await ask(evening.demo, person, f"/report {THREE_BARS}")
    assert "상장폐지된 종목입니다" in last.text
    head = next(line for line in last.text.splitlines() if line.startswith("7,290원 ⚪ 0.00%"))
    assert head.endswith(f"{THIRD_DAY} 15:30")
    *_, card = await ask(evening.demo, person, f"/price {THREE_BARS}")
    assert f"{THIRD_DAY} 15:30 KST" in card.text


async def test_several_become_buttons_and_none_says_so(evening: Evening) -> None:
    person = evening.demo.telegram.users[1_000]
    *_, several = await ask(evening.demo, person, "ㅅㅅㅈㅈ")
    assert labels(several) == ["삼성전자 · 005930 KOSPI", "상신전자 · 263810 KOSDAQ"]
    *_, group = await ask(evening.demo, person, "/report 한화")
    assert len(labels(group)) == 6
    assert labels(group)[0] == "한화 · 000880 KOSPI"
    assert all("한화" in label for label in labels(group))
    *_, none = await ask(evening.demo, person, "/report 없는회사")
    assert "없는회사" in none.text
    assert labels(none) == []
    *_, near = await ask(evening.demo, person, "/report 삼성전쟈")
    assert any("005930" in label for label in labels(near)) or "삼성전자 005930" in near.text


async def test_button_of_the_choice_opens_the_report(evening: Evening) -> None:
    person = evening.demo.telegram.users[1_000]
    *_, several = await ask(evening.demo, person, "/report ㅅㅅㅈㅈ")
    click = person.click(several.id, "상신전자 · 263810 KOSDAQ")
    await settle(evening.demo, person)
    *_, last = person.since(click)
    true = figures(evening.record, "263810", LAST_DAY)
    assert f"{true['price']:,}원" in last.text


def labels(message: Any) -> list[str]:
    """The buttons of a message."""
    return [button["text"] for row in message.buttons for button in row]
