"""The stream of trades: approval keys, registrations, frames of the market as it stands, pings."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson
from aiohttp import WSMsgType, web

from core.clock import KST
from sim.http import Now
from sim.kis.price import changes
from sim.kis.tokens import MESSAGES, TokenDesk
from sim.market import SimMarket

TR_ID = "H0STCNT0"
MOST_RECORDS = 20
PING_SECONDS = 10.0

WORDS = {
    "OPSP0000": "SUBSCRIBE SUCCESS",
    "OPSP0001": "UNSUBSCRIBE SUCCESS",
    "OPSP0002": "ALREADY IN SUBSCRIBE",
    "OPSP0003": "UNSUBSCRIBE ERROR(not found!)",
    "OPSP0008": "MAX SUBSCRIBE OVER",
    "OPSP0011": "invalid approval : NOT FOUND",
    "OPSP8991": "invalid tr_id",
    "OPSP8992": "invalid tr_key",
    "OPSP8996": "ALREADY IN USE appkey",
}
SUCCESSES = ("OPSP0000", "OPSP0001")


@dataclass(eq=False, slots=True)
class Listener:
    """One open connection and what is registered on it."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    codes: list[str] = field(default_factory=list)


class TickDesk:
    """The stream of one app key: one connection at a time, `most` registrations on it.

    Nothing is told but on `publish`, unless `every` gives the real seconds between two looks at the market.
    `width` is how many fields a record has: 47, or 46 as before 2026-09-14.
    """

    def __init__(self, market: SimMarket, now: Now, tokens: TokenDesk) -> None:
        self._market, self._now, self._tokens = market, now, tokens
        self.most, self.width = 41, 47
        self.every: float | None = None
        self.connections = 0
        self.pongs = 0
        self.log: list[tuple[str, str]] = []
        """Every answer to a registration: its code and the stock."""
        self._keys: list[str] = []
        self._listener: Listener | None = None

    @property
    def codes(self) -> list[str]:
        """What is registered now, in the order it was."""
        return list(self._listener.codes) if self._listener else []

    def approve(self, body: dict[str, object]) -> tuple[int, dict[str, object]]:
        """Status and body of `POST /oauth2/Approval`."""
        key, secret = body.get("appkey"), body.get("secretkey")
        error = "EGW00101" if body.get("grant_type") != "client_credentials" else None
        error = error or self._tokens.credentials_error(str(key), str(secret))
        if error:
            return 403, {"error_description": MESSAGES[error], "error_code": error}
        self._keys.append(hashlib.sha256(f"approval {len(self._keys)}".encode()).hexdigest()[:36])
        return 200, {"approval_key": self._keys[-1]}

    def forget_keys(self) -> None:
        """Let every approval key be unknown."""
        self._keys = ["forgotten"] * len(self._keys)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection until it ends."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        mine = Listener(socket, request.transport)
        taken = self._listener is not None
        self._listener = self._listener or mine
        beside = [asyncio.create_task(self._pings(mine)), asyncio.create_task(self._looks(mine))]
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._hear(mine, message.data, taken=taken)
        finally:
            for task in beside:
                task.cancel()
            if self._listener is mine:
                self._listener = None
        return socket

    async def publish(self, codes: Iterable[str] | None = None) -> None:
        """A trade of each of these stocks (all registered ones if None) at the price of now, twenty a frame."""
        wanted = self.codes if codes is None else [code for code in codes if code in self.codes]
        records = [record for code in wanted if (record := self._record(code))]
        for start in range(0, len(records), MOST_RECORDS):
            some = records[start : start + MOST_RECORDS]
            await self.send(f"0|{TR_ID}|{len(some):03d}|{'^'.join(some)}")

    async def ping(self) -> None:
        """A PINGPONG, which is to be sent back."""
        await self.send(f'{{"header":{{"tr_id":"PINGPONG","datetime":"{self._now().astimezone(KST):%Y%m%d%H%M%S}"}}}}')

    async def send(self, raw: str) -> None:
        """Any text to whoever listens."""
        if self._listener is not None:
            with contextlib.suppress(ConnectionError):
                await self._listener.socket.send_str(raw)

    def drop(self) -> None:
        """Cut the connection without a word."""
        if self._listener is not None and self._listener.transport is not None:
            self._listener.transport.abort()

    async def _pings(self, mine: Listener) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            if self._listener is mine:
                await self.ping()

    async def _looks(self, mine: Listener) -> None:
        seen: dict[str, str | None] = {}
        while self.every is not None:
            await asyncio.sleep(self.every)
            if self._listener is not mine:
                continue
            moved = {code: record for code in self.codes if (record := self._state(code)) != seen.get(code)}
            seen |= moved
            await self.publish(moved)

    async def _hear(self, mine: Listener, raw: str, *, taken: bool) -> None:
        try:
            message = orjson.loads(raw)
            header, asked = message["header"], message.get("body", {}).get("input", {})
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return
        if header.get("tr_id") == "PINGPONG":
            self.pongs += 1
            return
        code = asked.get("tr_key", "")
        said = "OPSP8996" if taken else self._registered(mine, header, asked)
        self.log.append((said, code))
        rt_cd = "0" if said in SUCCESSES else "9" if said == "OPSP8996" else "1"
        body: dict[str, object] = {"rt_cd": rt_cd, "msg_cd": said, "msg1": WORDS[said]}
        if said in SUCCESSES:
            body["output"] = {"iv": "0123456789abcdef", "key": "0123456789abcdef0123456789abcdef"}
        answer = {"header": {"tr_id": asked.get("tr_id"), "tr_key": code, "encrypt": "N"}, "body": body}
        await mine.socket.send_str(orjson.dumps(answer).decode())

    def _registered(self, mine: Listener, header: dict[str, str], asked: dict[str, str]) -> str:
        code, on = asked.get("tr_key", ""), header.get("tr_type") == "1"
        if header.get("approval_key") not in self._keys:
            return "OPSP0011"
        if asked.get("tr_id") != TR_ID:
            return "OPSP8991"
        if code not in self._market.issues:
            return "OPSP8992"
        if not on:
            if code not in mine.codes:
                return "OPSP0003"
            mine.codes.remove(code)
            return "OPSP0001"
        if code in mine.codes:
            return "OPSP0002"
        if len(mine.codes) >= self.most:
            return "OPSP0008"
        mine.codes.append(code)
        return "OPSP0000"

    def _state(self, code: str) -> str | None:
        """What a new trade would change."""
        quote = self._market.quote(code, self._now())
        return f"{quote.bar.close} {quote.bar.volume}" if quote else None

    def _record(self, code: str) -> str | None:
        """The newest trade of a stock, None before the first of the day."""
        quote = self._market.quote(code, self._now())
        if quote is None or not quote.bar.volume:
            return None
        bar, at, told = quote.bar, self._now().astimezone(KST), changes(quote)
        fields = ["0"] * self.width
        for place, value in {
            0: code,
            1: f"{at:%H%M%S}",
            2: bar.close,
            3: told["prdy_vrss_sign"],
            4: told["prdy_vrss"],
            5: told["prdy_ctrt"],
            6: f"{bar.value / bar.volume:.2f}",
            7: bar.open,
            8: bar.high,
            9: bar.low,
            10: bar.close,
            11: bar.close,
            12: 1,
            13: bar.volume,
            14: bar.value,
            18: "100.00",
            21: 1,
            33: f"{at:%Y%m%d}",
            34: 20,
            35: "N",
            44: "",
        }.items():
            fields[place] = str(value)
        if self.width > 46:
            fields[46] = "2"
        return "^".join(fields)
