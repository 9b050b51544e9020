"""Fetching from the outside: an allow-list, one call at a time and evenly paced per host, capped and typed.

A host is allowed when a setting names it. A name that resolves to a private address is refused unless
the setting itself names such an address (a simulation on the loopback does).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import takewhile
from time import perf_counter
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

import httpx

from core.clock import Clock
from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError, Unavailable, Unsupported

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Safari/537.36"
MAX_BYTES = 2_000_000
_EXPLAINED_BYTES = 4_096
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class OutsideCall:
    """One exchange with an outside service that is over. `error` is None where it brought what was asked for."""

    provider: str
    endpoint: str
    status: int | None
    error: str | None
    response_ms: int


Explain = Callable[[int, bytes, datetime], StockPilotError | None]
"""What a reply other than 200 means, by its status, the beginning of its body and the time; None for the usual."""

Told = Callable[[OutsideCall], None]
"""Who is told of every exchange. It must neither wait nor raise."""


def tell_nobody(_call: OutsideCall) -> None:
    """Nobody keeps account."""


class Account:
    """The account of one exchange, told of when its block ends, however it ends.

    Set `status` when it is known, and `error` where it says more than the class of what is raised.
    """

    def __init__(self, told: Told, provider: str, endpoint: str) -> None:
        self._told, self._provider, self._endpoint = told, provider, endpoint
        self._began = perf_counter()
        self.status: int | None = None
        self.error: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._told(
            OutsideCall(
                provider=self._provider,
                endpoint=self._endpoint,
                status=self.status,
                error=None if kind is None else self.error or kind.__name__,
                response_ms=round((perf_counter() - self._began) * 1000),
            )
        )


class Fetcher:
    """Polite GETs. `allowed` are base addresses; anything else is refused before a packet leaves."""

    def __init__(
        self,
        allowed: Iterable[str],
        *,
        clock: Clock,
        seconds_between_calls: float = 0.5,
        told: Told = tell_nobody,
    ) -> None:
        self._allowed = {host for address in allowed if (host := urlsplit(address).netloc.lower())}
        self._clock, self._told = clock, told
        self._gap = timedelta(seconds=seconds_between_calls)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._free_at: dict[str, datetime] = {}
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(15, connect=5),
            headers={"User-Agent": _BROWSER, "Accept-Language": "ko,en;q=0.5"},
            trust_env=False,
        )

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] = _NOTHING,
        headers: Mapping[str, str] = _NOTHING,
        max_bytes: int = MAX_BYTES,
        explain: Explain | None = None,
    ) -> bytes:
        """The body at `url`, at most `max_bytes`, following at most three redirects inside the allow-list.

        `explain` may know better what a refusal of this service means: what it returns is raised. Raises
        `Unsupported` (not on the allow-list), `Blocked` (401, 403, 410, 451), `QuotaExceeded` (429),
        `Malformed` (404, too large) or `Unavailable` (network, timeout, 5xx).
        """
        for _ in range(4):
            host = self._check(url)
            async with self._locks[host]:
                await self._pace(host)
                reply = await self._read(url, params, headers, max_bytes, explain)
            if isinstance(reply, bytes):
                return reply
            url, params = reply, _NOTHING
        raise Malformed(f"{host}: too many redirects")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _check(self, url: str) -> str:
        parts = urlsplit(url)
        host = parts.netloc.lower()
        if parts.scheme not in {"http", "https"} or host not in self._allowed:
            raise Unsupported(f"address not on the allow-list: {parts.hostname}")
        return host

    async def _pace(self, host: str) -> None:
        wait = self._free_at.get(host, self._clock.now()) - self._clock.now()
        if wait > timedelta():
            await self._clock.sleep(wait.total_seconds())
        self._free_at[host] = self._clock.now() + self._gap

    async def _read(
        self, url: str, params: Mapping[str, str], headers: Mapping[str, str], max_bytes: int, explain: Explain | None
    ) -> bytes | str:
        host = urlsplit(url).hostname or ""
        await _refuse_private(host, urlsplit(url).port)
        try:
            with Account(self._told, host, endpoint_of(url)) as account:
                async with self._client.stream("GET", url, params=params or None, headers=headers) as response:
                    account.status = response.status_code
                    if response.is_redirect:
                        return str(response.next_request.url) if response.next_request else ""
                    if response.status_code != httpx.codes.OK:
                        account.error = f"http_{response.status_code}"
                        if explain and (
                            known := explain(response.status_code, await _beginning(response), self._clock.now())
                        ):
                            raise known
                    _raise_for(response, host, self._clock.now())
                    body = bytearray()
                    async for chunk in response.aiter_bytes():
                        body += chunk
                        if len(body) > max_bytes:
                            raise Malformed(f"{host}: reply over {max_bytes:,} bytes")
                    return bytes(body)
        except httpx.DecodingError as error:
            raise Malformed(f"{host}: undecodable reply") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"{host}: {type(error).__name__}") from error


async def _beginning(response: httpx.Response) -> bytes:
    async for chunk in response.aiter_bytes(_EXPLAINED_BYTES):
        return chunk
    return b""


def endpoint_of(url: str) -> str:
    """The fixed part of an address: at most three steps of its path, up to the first with a digit in it."""
    steps = [step for step in urlsplit(url).path.split("/") if step]
    return "/".join(takewhile(lambda step: not any(mark.isdigit() for mark in step), steps[:3])) or "/"


async def _refuse_private(host: str, port: int | None) -> None:
    if host == "localhost" or _is_address(host):
        return
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unavailable(f"{host}: name not found") from error
    if not all(ipaddress.ip_address(entry[4][0]).is_global for entry in found):
        raise Unsupported(f"{host} resolves to a private address")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _raise_for(response: httpx.Response, host: str, at: datetime) -> None:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise QuotaExceeded(f"{host}: too many calls", retry_at=_retry_at(response.headers.get("retry-after"), at))
    if status in {401, 403, 410, 451}:
        raise Blocked(f"{host}: refused with {status}")
    if status >= 500:
        raise Unavailable(f"{host}: status {status}")
    if status != httpx.codes.OK:
        raise Malformed(f"{host}: status {status}")


def _retry_at(value: str | None, at: datetime) -> datetime:
    """When to try again by a Retry-After of seconds or of a date; a minute from now if it says nothing usable."""
    if value is None:
        return at + timedelta(minutes=1)
    try:
        return at + timedelta(seconds=min(int(value), 86_400))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return at + timedelta(minutes=1)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
