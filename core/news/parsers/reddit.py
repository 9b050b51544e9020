"""Listings of Reddit (`/r/{subreddits}/new`, `/api/info`), as asked for with `raw_json=1`. Times are epoch seconds.

Nothing of the author is kept. Of the two times `created_utc` is the true one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import Malformed
from core.news.article import Headline, Parsed, Rejected
from core.news.parsers.json_rows import cut_raw, listed, loaded
from core.news.parsers.text import LONGEST_BODY, LONGEST_PRESS, LONGEST_SUMMARY, LONGEST_TITLE, instant, plain

VERSION: Final = 1
_REMOVED: Final = frozenset({"[removed]", "[deleted]"})
_POST: Final = "t3"


class _Post(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    name: str
    title: str
    permalink: str
    created_utc: float
    selftext: str = ""
    subreddit: str = ""
    over_18: bool = False
    stickied: bool = False
    removed_by_category: str | None = None

    @property
    def removed(self) -> bool:
        """Taken down by its author or by somebody else."""
        return self.removed_by_category is not None or self.selftext.strip() in _REMOVED


def parse_listing(body: bytes, *, at: datetime) -> Parsed:
    """The posts of a listing read at `at`; raises `Malformed` if it is no listing.

    Removed posts, pinned ones (the same thread every day) and those for adults are left out.
    """
    headlines: dict[str, Headline] = {}
    rejected: list[Rejected] = []
    for raw in _children(body):
        try:
            post = _post(raw)
            if not (post.removed or post.stickied or post.over_18):
                headline = _headline(post, at)
                headlines.setdefault(headline.canonical_id, headline)
        except Malformed as error:
            rejected.append(Rejected(reason=str(error), raw=cut_raw(raw)))
    if rejected and not headlines:
        raise Malformed(f"no usable post of {len(rejected)}: {rejected[0].reason}")
    return Parsed(headlines=tuple(headlines.values()), rejected=tuple(rejected))


def parse_removed(body: bytes, asked: Iterable[str]) -> frozenset[str]:
    """Those of the `asked` full names that a reply of `/api/info` says are taken down; what it omits is not known."""
    wanted, removed = set(asked), set()
    for raw in _children(body):
        try:
            post = _post(raw)
        except Malformed:
            continue
        if post.removed and post.name in wanted:
            removed.add(post.name)
    return frozenset(removed)


def _children(body: bytes) -> list[Any]:
    reply = loaded(body)
    return listed(reply.get("data") if isinstance(reply, dict) else None, "children")


def _post(raw: Any) -> _Post:
    if not isinstance(raw, dict) or raw.get("kind") != _POST:
        raise Malformed("not a post")
    try:
        return _Post.model_validate(raw.get("data"))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise Malformed(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None


def _headline(post: _Post, at: datetime) -> Headline:
    title = plain(post.title, LONGEST_TITLE, resolve=1)
    if not title or not post.permalink.startswith("/r/") or not post.name.isascii() or ":" in post.name:
        raise Malformed("no title" if not title else "not the address of a post")
    try:
        written = datetime.fromtimestamp(post.created_utc, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        raise Malformed(f"not a time: {post.created_utc!r}"[:60]) from None
    lines = [plain(line, LONGEST_BODY, resolve=1) for line in post.selftext.splitlines()]
    body = "\n".join(line for line in lines if line)[:LONGEST_BODY].rstrip()
    return Headline(
        canonical_id=f"reddit:{post.name[:20]}",
        title=title,
        summary=plain(body.replace("\n", " "), LONGEST_SUMMARY, resolve=0),
        press=plain(f"r/{post.subreddit}", LONGEST_PRESS),
        published_at=instant(written, at=at),
        url=f"https://www.reddit.com{plain(post.permalink, 300)}",
        body=body or None,
    )
