"""One exchange: what comes back, and what is never said."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from core.errors import NotConfigured
from core.kis.errors import Reaction, Refused
from core.kis.wire import MAX_BYTES, Wire
from core.settings import KisSettings

SECRET = "s3cr3t-" + "x" * 40


def wire(answer: Callable[[httpx.Request], httpx.Response]) -> Wire:
    settings = KisSettings(
        app_key=SecretStr("the-app-key"), app_secret=SecretStr(SECRET), base_url="http://127.0.0.1:1"
    )
    return Wire(settings, transport=httpx.MockTransport(answer))


async def refusal(answer: Callable[[httpx.Request], httpx.Response]) -> Refused:
    client = wire(answer)
    with pytest.raises(Refused) as caught:
        await client.quotation("inquire-price", tr_id="FHKST01010100", token="t", params={})
    await client.close()
    return caught.value


async def test_blank_parameters_and_every_header_are_sent() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"rt_cd": "0", "msg_cd": "KIOK0530"})

    client = wire(answer)
    body = await client.quotation("inquire-price", tr_id="TR", token="tok", params={"A": "", "B": "1"})
    await client.close()
    assert body["msg_cd"] == "KIOK0530"
    assert seen[0].url.query == b"A=&B=1"
    sent = {name: seen[0].headers[name] for name in ("authorization", "appkey", "appsecret", "tr_id", "custtype")}
    assert sent == {
        "authorization": "Bearer tok",
        "appkey": "the-app-key",
        "appsecret": SECRET,
        "tr_id": "TR",
        "custtype": "P",
    }
    assert seen[0].headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("response", "reaction"),
    [
        (httpx.Response(500, json={"rt_cd": "1", "msg_cd": "EGW00201", "msg1": "초당"}), Reaction.RATE),
        (httpx.Response(200, json={"rt_cd": "2", "msg_cd": "OPSQ2001", "msg1": "TIME LIMIT"}), Reaction.TIME_GATE),
        (
            httpx.Response(403, json={"error_code": "EGW00133", "error_description": "1분당 1회"}),
            Reaction.TOKEN_TOO_SOON,
        ),
        (httpx.Response(200, html="<html>점검</html>"), Reaction.GARBLED),
        (httpx.Response(502, html="<html>bad gateway</html>"), Reaction.TRANSIENT),
        (httpx.Response(200, content=b""), Reaction.GARBLED),
        (httpx.Response(200, content=b'{"rt_cd":"0","outp'), Reaction.GARBLED),
        (httpx.Response(200, content=b"[1]"), Reaction.GARBLED),
        (httpx.Response(200, content=b"[" * 100_000), Reaction.GARBLED),
        (httpx.Response(200, content='{"rt_cd":"0","msg1":"정상"}'.encode("cp949")), Reaction.GARBLED),
        (httpx.Response(302, headers={"location": "http://127.0.0.1:2/"}), Reaction.GARBLED),
        (httpx.Response(200, content=b" " * (MAX_BYTES + 1)), Reaction.GARBLED),
        (httpx.Response(401, content=b""), Reaction.TOKEN),
    ],
)
async def test_whatever_is_no_success_is_a_typed_refusal(response: httpx.Response, reaction: Reaction) -> None:
    assert (await refusal(lambda _: response)).reaction is reaction


async def test_a_dead_network_is_transient_and_names_no_address() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"cannot reach {request.headers['appsecret']}")

    refused = await refusal(answer)
    assert (refused.reaction, refused.detail) == (Reaction.TRANSIENT, "ConnectError")
    assert refused.__cause__ is None


async def test_secrets_that_are_sent_back_are_not_said() -> None:
    body = {"rt_cd": "1", "msg_cd": "EGW00103", "msg1": f"the-app-key {SECRET}"}
    refused = await refusal(lambda _: httpx.Response(500, json=body))
    assert "the-app-key" not in refused.detail
    assert SECRET not in refused.detail


async def test_a_long_message_is_cut() -> None:
    body = {"rt_cd": "1", "msg_cd": "X" * 5_000, "msg1": "y" * 5_000}
    assert len((await refusal(lambda _: httpx.Response(200, json=body))).detail) < 200


async def test_without_a_key_nothing_is_sent() -> None:
    client = Wire(KisSettings(), transport=httpx.MockTransport(lambda _: httpx.Response(200, json={})))
    with pytest.raises(NotConfigured):
        await client.issue_token()
    await client.close()


@given(st.integers(200, 599), st.binary(max_size=300) | st.builds(lambda x: json.dumps(x).encode(), st.text()))
async def test_any_reply_is_an_object_or_a_refusal(status: int, content: bytes) -> None:
    client = wire(lambda _: httpx.Response(status, content=content))
    try:
        body = await client.quotation("inquire-price", tr_id="TR", token="t", params={})
    except Refused:
        return
    finally:
        await client.close()
    assert isinstance(body, dict)
