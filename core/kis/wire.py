"""One HTTP exchange with KIS: a capped JSON object, or a refusal by its code. Knows nothing of retries."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import httpx
import orjson

from core.errors import NotConfigured
from core.http import Account, Told, authorities, tell_nobody
from core.kis.errors import Reaction, Refused, reaction_to
from core.logs import redact
from core.settings import KisSettings

MAX_BYTES: Final = 2_000_000
"""The largest reply believed; a chart of 100 rows is some 30 kB."""

Left = Callable[[], Awaitable[None]]

_LONGEST_MESSAGE: Final = 120
_APPROVAL_KEY: Final = re.compile(r"[!-~]{8,500}")


def name_of_key(settings: KisSettings) -> str:
    """The app key at its environment, as all processes call it that use it; it does not give the key away."""
    app_key = settings.app_key.get_secret_value() if settings.app_key else ""
    return hashlib.sha256(f"{settings.address}\n{app_key}".encode()).hexdigest()


class Wire:
    """The connections to KIS under one app key. The secrets never leave it, not even in a message sent back."""

    def __init__(
        self, settings: KisSettings, *, transport: httpx.AsyncBaseTransport | None = None, told: Told = tell_nobody
    ) -> None:
        self._told = told
        self._key = settings.app_key.get_secret_value() if settings.app_key else ""
        self._secret = settings.app_secret.get_secret_value() if settings.app_secret else ""
        self._http = httpx.AsyncClient(
            base_url=settings.address,
            timeout=httpx.Timeout(10, connect=5),
            headers={"Content-Type": "application/json; charset=utf-8"},
            trust_env=False,
            verify=authorities(),
            transport=transport,
        )

    @property
    def configured(self) -> bool:
        """Whether there is an app key with its secret."""
        return bool(self._key and self._secret)

    async def issue_token(self) -> Mapping[str, Any]:
        """`POST /oauth2/tokenP`. Raises `Refused`."""
        body = {"grant_type": "client_credentials", "appkey": self._key, "appsecret": self._secret}
        return await self._exchange(self._http.build_request("POST", "/oauth2/tokenP", json=body))

    async def approval_key(self) -> str:
        """`POST /oauth2/Approval`: the key that opens the stream of trades. Raises `Refused`."""
        body = {"grant_type": "client_credentials", "appkey": self._key, "secretkey": self._secret}
        answer = await self._exchange(self._http.build_request("POST", "/oauth2/Approval", json=body))
        key = answer.get("approval_key")
        if not isinstance(key, str) or not _APPROVAL_KEY.fullmatch(key):
            raise Refused(Reaction.GARBLED, "an answer without an approval key")
        return key

    async def quotation(
        self, name: str, *, tr_id: str, token: str, params: Mapping[str, str], left: Left | None = None
    ) -> Mapping[str, Any]:
        """`GET quotations/{name}` of the domestic stocks, or `GET {name}` if it names its group. Raises `Refused`.

        Every documented parameter has to be in `params`, blank ones too: KIS refuses a call that lacks one. `left` is
        told when the request goes out, which a connection that has to be made first delays.
        """
        headers = {
            "authorization": f"Bearer {token}",
            "appkey": self._key,
            "appsecret": self._secret,
            "tr_id": tr_id,
            "tr_cont": "",
            "custtype": "P",
        }
        path = f"/uapi/domestic-stock/v1/{name if '/' in name else f'quotations/{name}'}"
        request = self._http.build_request("GET", path, params=dict(params), headers=headers)
        if left is not None:
            request.extensions["trace"] = _tells(left)
        return await self._exchange(request)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _exchange(self, request: httpx.Request) -> Mapping[str, Any]:
        if not self.configured:
            raise NotConfigured("KIS: KIS_APP_KEY and KIS_APP_SECRET are not set")
        with Account(self._told, "kis", request.url.path.rpartition("/")[2]) as account:
            try:
                return await self._answer(request, account)
            except Refused as refusal:
                account.error = refusal.code or refusal.reaction
                raise

    async def _answer(self, request: httpx.Request, account: Account) -> Mapping[str, Any]:
        try:
            response = await self._http.send(request, stream=True)
            account.status = response.status_code
            try:
                raw = await _read(response)
            finally:
                await response.aclose()
        except httpx.DecodingError:
            raise Refused(Reaction.GARBLED, "undecodable reply") from None
        except httpx.HTTPError as error:
            # Without its text or its cause: they may hold the request and its secrets.
            raise Refused(Reaction.TRANSIENT, type(error).__name__) from None
        return self._judged(response.status_code, raw)

    def _judged(self, status: int, raw: bytes) -> Mapping[str, Any]:
        """The reply as an object if it says success, by `rt_cd` and not by `msg_cd`, of which success has several."""
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, dict):
            raise Refused(reaction_to(status, "", ""), f"status {status} without a readable answer")
        if status == httpx.codes.OK and _word(body.get("rt_cd", "0")) == "0" and "error_code" not in body:
            return body
        code = redact(_word(body.get("msg_cd") or body.get("error_code")))[:20].strip()
        message = redact(_word(body.get("msg1") or body.get("error_description")))[:_LONGEST_MESSAGE].strip()
        raise Refused(
            reaction_to(status, code, message),
            self._without_secrets(f"{code or f'status {status}'} {message}".strip()),
            code=self._without_secrets(code),
        )

    def _without_secrets(self, text: str) -> str:
        for secret in (self._key, self._secret):
            text = text.replace(secret, "***")
        return text


def _word(value: object) -> str:
    """What a reply says in a field; nothing for lists and objects, which may be nested without end."""
    return str(value) if isinstance(value, str | int) else ""


def _tells(left: Left) -> Callable[[str, Mapping[str, Any]], Awaitable[None]]:
    async def trace(event: str, _info: Mapping[str, Any]) -> None:
        if event == "http11.send_request_headers.complete":
            await left()

    return trace


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Refused(Reaction.GARBLED, f"reply over {MAX_BYTES:,} bytes")
    return bytes(body)
