from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, time, timedelta

import httpx
import pytest

from core.clock import ManualClock, kst, kst_date
from sim.kis.server import KisServer
from sim.market import SimMarket

PRICE = "/uapi/domestic-stock/v1/quotations/inquire-price"
CHART = "/uapi/domestic-stock/v1/quotations/inquire-daily-itemchartprice"
DAILY = "/uapi/domestic-stock/v1/quotations/inquire-daily-price"
HOLIDAY = "/uapi/domestic-stock/v1/quotations/chk-holiday"
LOGIN = {"grant_type": "client_credentials", "appkey": "demo-key", "appsecret": "demo-secret"}


@pytest.fixture
async def server(market: SimMarket, clock: ManualClock) -> AsyncIterator[KisServer]:
    server = KisServer(market, clock.now)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(server: KisServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


async def login(client: httpx.AsyncClient) -> dict[str, str]:
    token = (await client.post("/oauth2/tokenP", json=LOGIN)).json()["access_token"]
    return {
        "authorization": f"Bearer {token}",
        "appkey": "demo-key",
        "appsecret": "demo-secret",
        "custtype": "P",
        "tr_id": "FHKST01010100",
    }


def chart_of(code: str, **changed: str) -> dict[str, str]:
    asked = {
        "FID_COND_MRKT_DIV_CODE": "J",
        "FID_INPUT_ISCD": code,
        "FID_INPUT_DATE_1": "19900101",
        "FID_INPUT_DATE_2": "20261231",
        "FID_PERIOD_DIV_CODE": "D",
        "FID_ORG_ADJ_PRC": "1",
    }
    return asked | changed


def price_of(code: str) -> dict[str, str]:
    return {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": code}


async def test_a_token_lives_a_day_and_names_its_end_in_seoul_time(client: httpx.AsyncClient) -> None:
    body = (await client.post("/oauth2/tokenP", json=LOGIN)).json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 86_400
    assert body["access_token_token_expired"] == "2026-11-21 15:50:00"


async def test_a_second_token_within_a_minute_is_refused(client: httpx.AsyncClient, clock: ManualClock) -> None:
    await client.post("/oauth2/tokenP", json=LOGIN)
    clock.move(timedelta(seconds=59))
    refused = await client.post("/oauth2/tokenP", json=LOGIN)
    assert refused.status_code == 403
    assert refused.json()["error_code"] == "EGW00133"
    assert "msg_cd" not in refused.json()


async def test_the_token_is_the_same_within_six_hours_and_new_after(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    tokens = []
    for wait in (0, 5 * 3600, 3600):
        clock.move(timedelta(seconds=wait))
        tokens.append((await client.post("/oauth2/tokenP", json=LOGIN)).json()["access_token"])
    assert tokens[0] == tokens[1] != tokens[2]


async def test_a_wrong_secret_gets_no_token(client: httpx.AsyncClient) -> None:
    refused = await client.post("/oauth2/tokenP", json=LOGIN | {"appsecret": "x"})
    assert (refused.status_code, refused.json()["error_code"]) == (403, "EGW00105")


async def test_an_expired_and_a_revoked_token_are_refused(client: httpx.AsyncClient, clock: ManualClock) -> None:
    headers = await login(client)
    clock.move(timedelta(hours=24))
    expired = await client.get(PRICE, params=price_of("005930"), headers=headers)
    assert (expired.status_code, expired.json()["msg_cd"]) == (500, "EGW00123")
    fresh = await login(client)
    revoked = {
        "appkey": "demo-key",
        "appsecret": "demo-secret",
        "token": fresh["authorization"].removeprefix("Bearer "),
    }
    assert (await client.post("/oauth2/revokeP", json=revoked)).json()["code"] == 200
    unknown = await client.get(PRICE, params=price_of("005930"), headers=fresh)
    assert (unknown.status_code, unknown.json()["msg_cd"]) == (500, "EGW00121")


@pytest.mark.parametrize(
    ("headers", "params", "code"),
    [
        ({"tr_id": "FHKST03010100"}, {}, "OPSQ0002"),
        ({"custtype": ""}, {}, "EGW00208"),
        ({"appsecret": "x"}, {}, "EGW00105"),
        ({}, {"FID_COND_MRKT_DIV_CODE": "Z"}, "OPSQ2001"),
    ],
)
async def test_a_wrong_request_is_named(
    client: httpx.AsyncClient, headers: dict[str, str], params: dict[str, str], code: str
) -> None:
    answer = await client.get(PRICE, params=price_of("005930") | params, headers=await login(client) | headers)
    assert answer.json()["msg_cd"] == code
    assert answer.json()["rt_cd"] != "0"


async def test_a_missing_parameter_is_named_and_a_blank_one_is_not_missing(client: httpx.AsyncClient) -> None:
    headers = await login(client) | {"tr_id": "FHKST03010100"}
    asked = chart_of("005930")
    del asked["FID_ORG_ADJ_PRC"]
    refused = (await client.get(CHART, params=asked, headers=headers)).json()
    assert (refused["msg_cd"], refused["msg1"]) == ("OPSQ2001", "ERROR INPUT FIELD NOT FOUND [FID_ORG_ADJ_PRC]")
    blank = await client.get(CHART, params=asked | {"fid_org_adj_prc": ""}, headers=headers)
    assert blank.json()["rt_cd"] == "0"


async def test_calls_over_the_rate_are_refused_until_a_second_has_passed(
    client: httpx.AsyncClient, server: KisServer, clock: ManualClock
) -> None:
    headers = await login(client)
    answers = [await client.get(PRICE, params=price_of("005930"), headers=headers) for _ in range(19)]
    assert [answer.status_code for answer in answers] == [200] * 18 + [500]
    assert answers[-1].json() == {"rt_cd": "1", "msg_cd": "EGW00201", "msg1": "초당 거래건수를 초과하였습니다."}
    assert server.refused_for_rate == 1
    clock.move(timedelta(seconds=1))
    assert (await client.get(PRICE, params=price_of("005930"), headers=headers)).status_code == 200


async def test_the_price_is_text_and_agrees_with_the_market(
    client: httpx.AsyncClient, market: SimMarket, clock: ManualClock
) -> None:
    quote = market.quote("005930", clock.now())
    answer = (await client.get(PRICE, params=price_of("005930"), headers=await login(client))).json()
    output = answer["output"]
    assert quote is not None
    assert all(isinstance(value, str) for value in output.values())
    assert output["stck_prpr"] == str(quote.bar.close)
    assert output["prdy_vrss"] == str(quote.change)
    assert output["hts_avls"] == str(quote.bar.close * quote.issue.shares // 100_000_000)
    assert int(output["stck_llam"]) < int(output["stck_sdpr"]) < int(output["stck_mxpr"])
    year = [bar for bar in market.bars("005930", until=clock.now()) if (kst_date(clock.now()) - bar.day).days < 364]
    assert output["w52_hgpr"] == str(max(bar.high for bar in year))
    assert answer["rt_cd"] == "0"


async def test_an_unknown_code_is_zeros_and_not_an_error(client: httpx.AsyncClient) -> None:
    headers = await login(client)
    price = (await client.get(PRICE, params=price_of("999999"), headers=headers)).json()
    assert (price["rt_cd"], price["output"]["stck_prpr"]) == ("0", "0")
    chart = await client.get(CHART, params=chart_of("999999"), headers=headers | {"tr_id": "FHKST03010100"})
    assert (chart.json()["output1"]["stck_prpr"], chart.json()["output2"]) == ("0", [{}])


async def test_the_chart_gives_a_hundred_rows_newest_first_and_the_next_page_by_date(
    client: httpx.AsyncClient, market: SimMarket, clock: ManualClock
) -> None:
    headers = await login(client) | {"tr_id": "FHKST03010100"}
    seen: list[str] = []
    last = "20261231"
    while True:
        rows = (await client.get(CHART, params=chart_of("005930", FID_INPUT_DATE_2=last), headers=headers)).json()
        days = [row["stck_bsop_date"] for row in rows["output2"]]
        assert days == sorted(days, reverse=True)
        assert len(days) <= 100
        seen += days
        if len(days) < 100:
            break
        last = str(int(days[-1]) - 1)
    assert seen[::-1] == [f"{bar.day:%Y%m%d}" for bar in market.bars("005930", until=clock.now())]


async def test_the_chart_carries_the_odd_key_and_the_newest_bar(
    client: httpx.AsyncClient, market: SimMarket, clock: ManualClock
) -> None:
    headers = await login(client) | {"tr_id": "FHKST03010100"}
    answer = (await client.get(CHART, params=chart_of("005930"), headers=headers)).json()
    bar = market.bars("005930", until=clock.now())[-1]
    assert "itewhol_loan_rmnd_ratem name" in answer["output1"]
    assert answer["output1"]["hts_kor_isnm"] == "삼성전자"
    newest = answer["output2"][0]
    names = ("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_clpr", "acml_vol", "acml_tr_pbmn")
    assert [newest[name] for name in names] == [
        str(value) for value in (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.value)
    ]


async def test_adjusted_prices_carry_a_split_back_and_the_two_services_read_the_flag_opposite(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    async def closes(path: str, tr_id: str, key: str, flag: str) -> list[int]:
        asked = chart_of("086520", FID_INPUT_DATE_2="20240425", FID_ORG_ADJ_PRC=flag)
        answer = (await client.get(path, params=asked, headers=headers | {"tr_id": tr_id})).json()
        return [int(row["stck_clpr"]) for row in answer[key][:2]]

    clock.at = kst(date(2024, 4, 25), time(16))
    headers = await login(client)
    raw, adjusted = [await closes(CHART, "FHKST03010100", "output2", flag) for flag in ("1", "0")]
    assert raw[1] > 4 * raw[0]
    assert adjusted[0] == raw[0]
    assert adjusted[1] == pytest.approx(raw[1] / 5, rel=0.001)
    assert await closes(DAILY, "FHKST01010400", "output", "0") == raw
    assert await closes(DAILY, "FHKST01010400", "output", "1") == adjusted


async def test_weeks_are_merged_from_their_days(
    client: httpx.AsyncClient, market: SimMarket, clock: ManualClock
) -> None:
    headers = await login(client) | {"tr_id": "FHKST03010100"}
    week = (await client.get(CHART, params=chart_of("005930", FID_PERIOD_DIV_CODE="W"), headers=headers)).json()
    days = market.bars("005930", until=clock.now())[-5:]
    newest = week["output2"][0]
    assert newest["stck_oprc"] == str(days[0].open)
    assert newest["stck_hgpr"] == str(max(bar.high for bar in days))
    assert newest["acml_vol"] == str(sum(bar.volume for bar in days))


async def test_the_calendar_lists_twenty_four_days(client: httpx.AsyncClient) -> None:
    headers = await login(client) | {"tr_id": "CTCA0903R"}
    asked = {"BASS_DT": "20260601", "CTX_AREA_NK": "", "CTX_AREA_FK": ""}
    days = (await client.get(HOLIDAY, params=asked, headers=headers)).json()["output"]
    assert len(days) == 24
    assert {day["bass_dt"]: day["opnd_yn"] for day in days}["20260603"] == "N"
    assert days[0]["wday_dvsn_cd"] == "02"


async def test_paper_does_not_serve_the_calendar(market: SimMarket, clock: ManualClock) -> None:
    server = KisServer(market, clock.now, paper=True, calls_per_second=1)
    async with httpx.AsyncClient(base_url=await server.start()) as client:
        asked = {"BASS_DT": "20260601", "CTX_AREA_NK": "", "CTX_AREA_FK": ""}
        headers = await login(client) | {"tr_id": "CTCA0903R"}
        assert (await client.get(HOLIDAY, params=asked, headers=headers)).json()["msg_cd"] == "EGW00213"
    await server.stop()
