"""Fetching from the outside: an allow-list, one call at a time and evenly paced per host, capped and typed.

A host is allowed when a setting names it. What its name stands for is looked up once a call and checked, and that very
address is connected to; private ones are refused, but for this machine where the setting itself names it (as the
simulation does). Redirects pass the same checks, carry no keys to another host and never leave TLS.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import takewhile
from time import perf_counter
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

import httpx

from core.addresses import Resolve, checked, resolved
from core.clock import Clock
from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError, Unavailable, Unsupported

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Safari/537.36"
MAX_BYTES = 2_000_000
MOST_SECONDS = 60.0
"""The most one call may take, however slowly its bytes drip."""
_EXPLAINED_BYTES = 4_096
_LONGEST_QUIET = timedelta(days=1)
_MOST_REMEMBERED = 64
_MOST_REMEMBERED_BYTES = 262_144
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


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A reply that may be asked for again with "only if it changed"."""

    body: bytes
    asking: Mapping[str, str]


@cache
def authorities() -> ssl.SSLContext:
    """Who certifies hosts, for all connections of the process: reading it stops everything for thirty milliseconds."""
    return httpx.create_ssl_context()


class _Pinned(httpx.AsyncBaseTransport):
    """Connects to the address that was checked, under the host's own name: for TLS, and in the Host header.

    Each host has connections of its own, so that none is shared by two names that stand for one address.
    """

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._inner: defaultdict[str, httpx.AsyncHTTPTransport] = defaultdict(
            lambda: httpx.AsyncHTTPTransport(verify=authorities())
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The reply of the first of the host's addresses that can be connected to."""
        host, inner = request.url.host, self._inner[request.url.netloc.decode("ascii")]
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        *others, last = await checked(host, port, resolve=self._resolve)
        for address in others:
            try:
                return await inner.handle_async_request(pinned(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await inner.handle_async_request(pinned(request, last))

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in self._inner.values():
            await transport.aclose()


def pinned(request: httpx.Request, address: str) -> httpx.Request:
    """The same request, to be sent to `address`; its Host header and the name TLS verifies stay the host's."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


class Fetcher:
    """Polite GETs. `allowed` are base addresses; anything else is refused before a packet leaves."""

    def __init__(
        self,
        allowed: Iterable[str],
        *,
        clock: Clock,
        seconds_between_calls: float = 0.5,
        most_seconds: float = MOST_SECONDS,
        told: Told = tell_nobody,
        resolve: Resolve = resolved,
    ) -> None:
        self._allowed = {host for address in allowed if (host := urlsplit(address).netloc.lower())}
        self._clock, self._told, self._most_seconds = clock, told, most_seconds
        self._gap = timedelta(seconds=seconds_between_calls)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._free_at: dict[str, datetime] = {}
        self._quiet_until: dict[str, datetime] = {}
        self._remembered: OrderedDict[tuple[object, ...], _Remembered] = OrderedDict()
        self._client = httpx.AsyncClient(
            transport=_Pinned(resolve),
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

        A reply that came with a mark of its version is asked for again only if it changed. A host that says when to
        come back (`Retry-After`) is not called before. `explain` may know better what a refusal of this service means:
        what it returns is raised. Raises `Unsupported` (not on the allow-list, a private address), `Blocked` (401,
        403, 410, 451), `QuotaExceeded` (429, or too soon), `Malformed` (404, too large) or `Unavailable` (network,
        over a minute, 5xx).
        """
        for _ in range(4):
            host = self._check(url)
            async with self._locks[host]:
                await self._pace(host)
                reply = await self._read(url, params, headers, max_bytes, explain)
            if isinstance(reply, bytes):
                return reply
            if urlsplit(url).scheme == "https" and urlsplit(reply).scheme != "https":
                raise Unsupported(f"{host}: a redirect out of TLS")
            headers = headers if urlsplit(reply).netloc.lower() == host else _NOTHING
            url, params = reply, _NOTHING
        raise Malformed(f"{host}: too many redirects")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _check(self, url: str) -> str:
        try:
            parts = urlsplit(url)
        except ValueError:
            raise Unsupported("not an address") from None
        host = parts.netloc.lower()
        if parts.scheme not in {"http", "https"} or host not in self._allowed:
            raise Unsupported(f"address not on the allow-list: {(parts.hostname or '')[:100]}")
        return host

    async def _pace(self, host: str) -> None:
        quiet = self._quiet_until.get(host)
        if quiet is not None and self._clock.now() < quiet:
            raise QuotaExceeded(f"{host}: asked us to come back later", retry_at=quiet)
        wait = self._free_at.get(host, self._clock.now()) - self._clock.now()
        if wait > timedelta():
            await self._clock.sleep(wait.total_seconds())
        self._free_at[host] = self._clock.now() + self._gap

    async def _read(
        self, url: str, params: Mapping[str, str], headers: Mapping[str, str], max_bytes: int, explain: Explain | None
    ) -> bytes | str:
        host = urlsplit(url).hostname or ""
        try:
            with Account(self._told, host, endpoint_of(url)) as account:
                async with asyncio.timeout(self._most_seconds):
                    return await self._exchange(url, params, headers, max_bytes, explain, account)
        except TimeoutError as error:
            raise Unavailable(f"{host}: took over {self._most_seconds:g} s") from error
        except httpx.DecodingError as error:
            raise Malformed(f"{host}: undecodable reply") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(f"{host}: {type(error).__name__}") from error

    async def _exchange(
        self,
        url: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        max_bytes: int,
        explain: Explain | None,
        account: Account,
    ) -> bytes | str:
        host = urlsplit(url).hostname or ""
        key = (url, *sorted(params.items()), *sorted(headers.items()))
        known = self._remembered.get(key)
        asking = {**headers, **(known.asking if known else {})}
        async with self._client.stream("GET", url, params=params or None, headers=asking) as response:
            account.status = response.status_code
            if known is not None and response.status_code == httpx.codes.NOT_MODIFIED:
                self._remembered.move_to_end(key)
                return known.body
            if response.is_redirect:
                return str(response.next_request.url) if response.next_request else ""
            if response.status_code != httpx.codes.OK:
                account.error = f"http_{response.status_code}"
                self._hush(urlsplit(url).netloc.lower(), response)
                if explain and (
                    meaning := explain(response.status_code, await _beginning(response), self._clock.now())
                ):
                    raise meaning
            _raise_for(response, host, self._clock.now())
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > max_bytes:
                    raise Malformed(f"{host}: reply over {max_bytes:,} bytes")
            return self._kept(key, bytes(body), response)

    def _hush(self, host: str, response: httpx.Response) -> None:
        """Leave the host alone for as long as it asks."""
        if (asked := response.headers.get("retry-after")) is not None:
            self._quiet_until[host] = _retry_at(asked, self._clock.now())

    def _kept(self, key: tuple[object, ...], body: bytes, response: httpx.Response) -> bytes:
        """The body, remembered where the reply is marked with its version and is no giant."""
        marks = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
        asking = {ours: mark for ours, theirs in marks.items() if (mark := response.headers.get(theirs))}
        self._remembered.pop(key, None)
        if asking and len(body) <= _MOST_REMEMBERED_BYTES:
            self._remembered[key] = _Remembered(body, asking)
            if len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return body


async def _beginning(response: httpx.Response) -> bytes:
    async for chunk in response.aiter_bytes(_EXPLAINED_BYTES):
        return chunk
    return b""


def endpoint_of(url: str) -> str:
    """The fixed part of an address: at most three steps of its path, up to the first with a digit in it."""
    steps = [step for step in urlsplit(url).path.split("/") if step]
    return "/".join(takewhile(lambda step: not any(mark.isdigit() for mark in step), steps[:3])) or "/"


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
    """When to try again by a Retry-After of seconds or of a date, within a day; a minute from now if it says nothing
    usable."""
    moment = at + timedelta(minutes=1)
    if value is not None and value.strip().isascii() and value.strip().isdecimal():
        moment = at + timedelta(seconds=int(value.strip()[:10]))
    elif value is not None:
        with suppress(ValueError, TypeError, OverflowError, IndexError):
            said = parsedate_to_datetime(value)
            moment = said if said.tzinfo else said.replace(tzinfo=UTC)
    return min(max(moment, at), at + _LONGEST_QUIET)
