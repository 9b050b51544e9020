"""The stream of trades: one connection that tells of every trade of the stocks registered on it.

KIS allows one connection an app key and blocks who connects to and fro, so that a lost one is waited for, ever longer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Self

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from core.clock import Clock
from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError, Unavailable
from core.kis.errors import Refused
from core.kis.rows import Rejected
from core.kis.slots import MOST, changes
from core.kis.ticks import KNOWN_WIDTHS, LONGEST, Answer, Ping, Said, Trades, read_frame, registration
from core.kis.wire import Wire
from core.market.bar import Quote

SILENCE: Final = timedelta(minutes=3)
"""A connection with registrations that says nothing for so long, not even a ping, is taken for dead."""

SETTLED: Final = timedelta(minutes=1)
"""A connection that held so long was a good one: the waits begin anew."""

LONGEST_PAUSE: Final = 300.0

_KEY_LIFE: Final = timedelta(hours=23)
_IN_USE_PAUSE: Final = timedelta(minutes=1)
_BETWEEN_REGISTRATIONS: Final = 0.1
_CONNECT_SECONDS: Final = 15.0
_CLOSE_SECONDS: Final = 2.0
_MOST_REJECTED: Final = 100
_LONGEST_REJECTED: Final = 2_000

log = structlog.get_logger(__name__)


def pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 1, 2, 4, at most five minutes."""
    return min(2.0 ** min(failures - 1, 20), LONGEST_PAUSE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """The newest price of each stock since the last time, and what could not be read."""

    quotes: tuple[Quote, ...]
    rejected: tuple[Rejected, ...]


class TickStream:
    """The trades of the most-watched stocks. It connects, registers and connects again by itself inside `async with`.

    Without an address or an app key it never connects and tells of nothing.
    """

    def __init__(self, address: str, wire: Wire, *, clock: Clock) -> None:
        self._address, self._wire, self._clock = address, wire, clock
        self._task: asyncio.Task[None] | None = None
        self._approval: tuple[str, datetime] | None = None
        self._wanted: Mapping[str, int] = {}
        self._registering = asyncio.Lock()
        self._newest: dict[str, Quote] = {}
        self._told_at: dict[str, datetime] = {}
        self._rejected: deque[Rejected] = deque(maxlen=_MOST_REJECTED)
        self._odd_widths: set[int] = set()
        self._forget()

    async def __aenter__(self) -> Self:
        if self._address and self._wire.configured:
            self._task = asyncio.create_task(self._work(), name="kis_stream")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    @property
    def live(self) -> frozenset[str]:
        """The stocks whose trades come now."""
        return frozenset(code for code, confirmed in self._held.items() if confirmed)

    def told_since(self, at: datetime) -> frozenset[str]:
        """Those of them of which a trade came at `at` or later."""
        return frozenset(code for code in self.live if code in self._told_at and self._told_at[code] >= at)

    async def watch(self, wanted: Mapping[str, int]) -> None:
        """From now on tell of these stocks, by how many watch each. Call it every minute: it sees a silence too."""
        self._wanted = dict(wanted)
        socket = self._socket
        if socket is None:
            return
        if self._held and self._clock.now() - self._heard_at > SILENCE:
            log.info("kis_stream_silent", since=self._heard_at.isoformat(timespec="seconds"))
            await socket.close()
            return
        try:
            await self._register(socket)
        except (ClientError, OSError) as error:
            log.debug("kis_stream_lost", error=type(error).__name__)  # its reader finds out too, and connects again

    def take(self) -> Taken:
        """What came since the last time. Raises whatever ended the work of the stream, which nothing should."""
        if self._task is not None and self._task.done():
            self._task.result()
        taken = Taken(quotes=tuple(self._newest.values()), rejected=tuple(self._rejected))
        self._newest.clear()
        self._rejected.clear()
        return taken

    def _forget(self) -> None:
        """Nothing is known of a connection any more."""
        self._socket: ClientWebSocketResponse | None = None
        self._held: dict[str, bool] = {}
        self._refused: set[str] = set()
        self._most = MOST
        self._heard_at = self._clock.now()

    async def _work(self) -> None:
        failures = 0
        async with ClientSession(timeout=ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)) as session:
            while True:
                begun = self._clock.now()
                error = await self._until_lost(session)
                self._forget()
                failures = 1 if self._clock.now() - begun >= SETTLED else failures + 1
                wait = self._pause_after(error, failures)
                log.info("kis_stream_down", error=str(error) or type(error).__name__, seconds=wait)
                await self._clock.sleep(wait)

    def _pause_after(self, error: Exception, failures: int) -> float:
        if isinstance(error, QuotaExceeded) and error.retry_at is not None:
            return max(pause(failures), (error.retry_at - self._clock.now()).total_seconds())
        return LONGEST_PAUSE if isinstance(error, Blocked) else pause(failures)

    async def _until_lost(self, session: ClientSession) -> Exception:
        """Connect and listen; why that ended."""
        try:
            key = await self._approval_key()
            async with asyncio.timeout(_CONNECT_SECONDS):
                closing = ClientWSTimeout(ws_close=_CLOSE_SECONDS)
                socket = await session.ws_connect(self._address, max_msg_size=4 * LONGEST, timeout=closing)
            async with socket:
                self._socket, self._key, self._heard_at = socket, key, self._clock.now()
                log.info("kis_stream_up")
                await self._register(socket)
                async for message in socket:
                    await self._hear(socket, message.data if message.type is WSMsgType.TEXT else "")
            return Unavailable(f"KIS closed the stream ({socket.close_code})")
        except Refused as refusal:
            return refusal.error(self._clock.now())
        except (StockPilotError, ClientError, OSError) as error:
            return error

    async def _approval_key(self) -> str:
        """The key a connection is opened with: it lives a day, and only opening needs it."""
        now = self._clock.now()
        if self._approval is None or now - self._approval[1] >= _KEY_LIFE:
            self._approval = (await self._wire.approval_key(), now)
        return self._approval[0]

    async def _register(self, socket: ClientWebSocketResponse) -> None:
        """Make the registrations those that are wanted."""
        async with self._registering:
            wanted = {code: count for code, count in self._wanted.items() if code not in self._refused}
            found = changes(wanted, self._held.keys(), most=self._most)
            for code, on in (*((code, False) for code in found.leave), *((code, True) for code in found.take)):
                if socket is not self._socket:
                    return
                if on:
                    self._held[code] = False
                else:
                    self._held.pop(code, None)
                await socket.send_str(registration(code, approval_key=self._key, on=on))
                await self._clock.sleep(_BETWEEN_REGISTRATIONS)

    async def _hear(self, socket: ClientWebSocketResponse, raw: str) -> None:
        self._heard_at = self._clock.now()
        try:
            frame = read_frame(raw)
        except Malformed as error:
            shown = raw[:_LONGEST_REJECTED].replace(self._key, "***")
            self._rejected.append(Rejected(reason=str(error), raw=shown))
            return
        match frame:
            case Ping(raw=raw):
                await socket.send_str(raw)
            case Trades():
                self._note(frame)
            case Answer():
                self._answered(frame)

    def _note(self, trades: Trades) -> None:
        if trades.width not in KNOWN_WIDTHS and trades.width not in self._odd_widths and len(self._odd_widths) < 10:
            self._odd_widths.add(trades.width)
            log.warning("kis_stream_width", width=trades.width, known=KNOWN_WIDTHS)
        self._rejected.extend(trades.rejected)
        now = self._clock.now()
        for quote in trades.quotes:
            known = self._newest.get(quote.code)
            if quote.code in self._held and (known is None or quote.at >= known.at):
                # A clock of theirs that runs ahead of ours must not keep later prices out.
                self._newest[quote.code] = replace(quote, at=min(quote.at, now))
                self._told_at[quote.code] = now

    def _answered(self, answer: Answer) -> None:
        code, detail = answer.code, answer.detail.replace(self._key, "***")
        match answer.said:
            case Said.ON if code in self._held:
                self._held[code] = True
            case Said.FULL:
                self._held.pop(code, None)
                self._most = len(self._held)
                log.warning("kis_stream_full", places=self._most, detail=detail)
            case Said.AGAIN:
                self._held.pop(code, None)
            case Said.KEY:
                self._approval = None
                raise Unavailable(f"KIS: {detail}")
            case Said.IN_USE:
                raise QuotaExceeded(f"KIS: {detail}", retry_at=self._clock.now() + _IN_USE_PAUSE)
            case Said.REFUSED:
                self._held.pop(code, None)
                self._refused.add(code)
                log.warning("kis_stream_refused", code=code, detail=detail)
