"""How lists are fetched: by polite GETs, unless a source has a client of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from core.http import Explain
from core.services import Services
from core.settings import NewsSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One page of a list to fetch. `tag` is the stock whose own list it is."""

    url: str
    params: Mapping[str, str]
    tag: str | None = None

    def __str__(self) -> str:
        return " ".join([self.url.split("://")[-1], *(f"{name}={value}" for name, value in self.params.items())])


Read = Callable[[Listing], Awaitable[bytes]]
"""Fetches a list; raises `Unavailable` (`Blocked`, `QuotaExceeded`), `Malformed` or `Unsupported`."""

Reader = Callable[[Services], AbstractAsyncContextManager[Read]]
"""Opens what reads the lists of a source, and closes it."""

Headers = Callable[[NewsSettings], Mapping[str, str]]


def http(headers: Headers, *, explain: Explain | None = None) -> Reader:
    """GETs through the fetcher. `explain` knows what the refusals of the service mean."""

    @asynccontextmanager
    async def reader(services: Services) -> AsyncIterator[Read]:
        sent = headers(services.settings.news)

        async def read(listing: Listing) -> bytes:
            return await services.fetcher.get(listing.url, params=listing.params, headers=sent, explain=explain)

        yield read

    return reader
