"""The simulated Reddit over HTTP: the token endpoint, `/r/{subreddits}/new` and `/api/info`, behind a bearer token."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from sim.http import Now, SimServer, json_response
from sim.naver.newsdesk import Article, NewsDesk

TOKEN = "sim-reddit-token"
PER_WINDOW, WINDOW_SECONDS = 600, 600
NAMES = {
    "005930": "Samsung Electronics",
    "000660": "SK Hynix",
    "005380": "Hyundai Motor",
    "373220": "LG Energy Solution",
    "035720": "Kakao",
}
"""Stocks that are talked about, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """A post. `removed` says that somebody took it down."""

    name: str
    subreddit: str
    title: str
    text: str
    created: float
    removed: bool = False

    def row(self) -> dict[str, object]:
        """As a listing shows it."""
        short = self.name.removeprefix("t3_")
        permalink = f"/r/{self.subreddit}/comments/{short}/post/"
        data: dict[str, object] = {
            "name": self.name,
            "id": short,
            "title": self.title,
            "selftext": "[removed]" if self.removed else self.text,
            "subreddit": self.subreddit,
            "permalink": permalink,
            "url": f"https://www.reddit.com{permalink}",
            "domain": f"self.{self.subreddit}",
            "is_self": True,
            "author": None if self.removed else "someone",
            "created": self.created + 28_800,
            "created_utc": self.created,
            "score": 1,
            "num_comments": 0,
            "edited": False,
            "over_18": False,
            "stickied": False,
            "removed_by_category": "moderator" if self.removed else None,
        }
        return {"kind": "t3", "data": data}


class RedditServer(SimServer):
    """Posts that follow some of the newsroom's articles by a quarter of an hour. `removed` are names taken down."""

    def __init__(self, newsdesk: NewsDesk, now: Now, *, client_id: str, client_secret: str) -> None:
        super().__init__(now)
        self.newsdesk = newsdesk
        self.removed: set[str] = set()
        self._key = f"Basic {b64encode(f'{client_id}:{client_secret}'.encode()).decode()}"
        self._used = 0

    def routes(self) -> list[web.RouteDef]:
        """Token, new posts, state of posts."""
        return [
            web.post("/api/v1/access_token", self._token),
            web.get("/r/{subreddits}/new", self._new),
            web.get("/api/info", self._info),
        ]

    def posts(self) -> list[Post]:
        """What was posted in the last two days, newest first."""
        until = self.now() - timedelta(minutes=15)
        articles = self.newsdesk.articles(until=until, days=2)
        return [self._post(each) for each in articles if any(code in NAMES for code in each.codes)]

    def _post(self, article: Article) -> Post:
        name, told = f"t3_{int(article.id):x}", next(NAMES[code] for code in article.codes if code in NAMES)
        return Post(
            name=name,
            subreddit="stocks" if article.lot % 3 else "korea",
            title=f"{told}: what do you make of today's news & the price?",
            text=f"Korean press: {article.title}\n\nIs {told} still a buy?",
            created=(article.at + timedelta(minutes=15)).timestamp(),
            removed=name in self.removed,
        )

    async def _token(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != self._key:
            return json_response({"message": "Unauthorized", "error": 401}, 401)
        return json_response({"access_token": TOKEN, "token_type": "bearer", "expires_in": 86_400, "scope": "*"})

    async def _new(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        wanted = request.match_info["subreddits"].split("+")
        shown = [post.row() for post in self.posts() if post.subreddit in wanted]
        limit = int(request.query.get("limit", "25"))
        return self._listing([row for row in shown if not self._is_removed(row)][:limit])

    async def _info(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        asked = set(request.query.get("id", "").split(","))
        return self._listing([post.row() for post in self.posts() if post.name in asked])

    def _is_removed(self, row: dict[str, object]) -> bool:
        data = row["data"]
        return isinstance(data, dict) and data["removed_by_category"] is not None

    def _refused(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") != f"bearer {TOKEN}":
            return json_response({"message": "Unauthorized", "error": 401}, 401)
        return None

    def _listing(self, rows: list[dict[str, object]]) -> web.Response:
        self._used += 1
        headers = {
            "x-ratelimit-remaining": f"{max(PER_WINDOW - self._used, 1)}.0",
            "x-ratelimit-used": str(self._used),
            "x-ratelimit-reset": str(WINDOW_SECONDS // 2),
        }
        data = {"after": None, "dist": len(rows), "modhash": None, "children": rows}
        return json_response({"kind": "Listing", "data": data}, headers=headers)
