"""Reading Reddit through asyncpraw, which sees to tokens and to Reddit's own rate limit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import orjson

from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError, Unavailable
from core.http import Account
from core.news.reading import Listing, Read
from core.services import Services
from core.settings import NewsSettings

if TYPE_CHECKING:
    import asyncpraw

MOST_ASKED: Final = 100
"""Posts one call of `/api/info` is asked about."""
_SECONDS: Final = 15


@asynccontextmanager
async def reader(services: Services) -> AsyncIterator[Read]:
    """What reads listings; raises as `Read` does."""
    async with _client(services) as get:

        async def read(listing: Listing) -> bytes:
            return await get(urlsplit(listing.url).path.lstrip("/"), listing.params)

        yield read


async def states(services: Services, names: Sequence[str]) -> bytes:
    """What Reddit says now of at most a hundred posts, by full name; raises as `Read` does."""
    async with _client(services) as get:
        return await get("api/info", {"id": ",".join(names[:MOST_ASKED]), "raw_json": "1"})


def new_posts(news: NewsSettings, _at: datetime, _codes: Sequence[str]) -> list[Listing]:
    """The newest posts of all the subreddits together."""
    if not news.reddit_subreddits:
        return []
    url = f"{news.reddit_api_url.rstrip('/')}/r/{'+'.join(news.reddit_subreddits)}/new"
    return [Listing(url=url, params={"limit": str(MOST_ASKED), "raw_json": "1"})]


@asynccontextmanager
async def _client(services: Services) -> AsyncIterator[Callable[[str, Mapping[str, str]], Awaitable[bytes]]]:
    import asyncpraw

    news = services.settings.news
    assert news.reddit_client_id is not None
    assert news.reddit_client_secret is not None
    client = asyncpraw.Reddit(
        client_id=news.reddit_client_id.get_secret_value(),
        client_secret=news.reddit_client_secret.get_secret_value(),
        user_agent=news.reddit_user_agent,
        reddit_url=news.reddit_url.rstrip("/"),
        oauth_url=news.reddit_api_url.rstrip("/"),
        check_for_updates=False,
        timeout=_SECONDS,
    )

    async def get(path: str, params: Mapping[str, str]) -> bytes:
        with Account(services.calls, urlsplit(news.reddit_api_url).hostname or "", path.split("/")[0]) as account:
            try:
                reply = await _asked(client, path, params, services.clock.now())
            except StockPilotError as error:
                account.error = str(error)[:40]
                raise
            account.status = 200
            return orjson.dumps(reply)

    try:
        yield get
    finally:
        await client.close()


async def _asked(client: asyncpraw.Reddit, path: str, params: Mapping[str, str], at: datetime) -> object:
    from aiohttp import ContentTypeError
    from asyncprawcore import exceptions as reddit

    try:
        return await client.request(method="GET", path=path, params=dict(params))
    except reddit.TooManyRequests as error:
        wait = str(error.response.headers.get("retry-after") or "")
        seconds = min(float(wait), 86_400.0) if wait.replace(".", "", 1).isdecimal() else 60.0
        raise QuotaExceeded("Reddit: too many calls", retry_at=at + timedelta(seconds=seconds)) from None
    except (reddit.Forbidden, reddit.InvalidToken, reddit.OAuthException, reddit.UnavailableForLegalReasons) as error:
        raise Blocked(f"Reddit: {type(error).__name__}") from None
    except (reddit.NotFound, reddit.Redirect, reddit.BadRequest, reddit.BadJSON) as error:
        raise Malformed(f"Reddit: {type(error).__name__}: is every name of NEWS_REDDIT_SUBREDDITS right?") from None
    except reddit.ResponseException as error:
        refused = error.response.status in {401, 403}
        raise (Blocked if refused else Unavailable)(f"Reddit: status {error.response.status}") from None
    except reddit.RequestException as error:
        if isinstance(error.original_exception, ContentTypeError | ValueError):
            raise Malformed("Reddit: a reply that is no JSON") from None
        raise Unavailable(f"Reddit: {type(error.original_exception).__name__}") from None
    except reddit.AsyncPrawcoreException as error:
        raise Unavailable(f"Reddit: {type(error).__name__}") from None
