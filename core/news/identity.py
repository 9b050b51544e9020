"""Which article is which: canonical ids and addresses, and the fingerprint of an exact repeat."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

_IDS: Final = re.compile(r"([0-9]{1,3})[:/]([0-9]{1,10})|([0-9]{3})([0-9]{10})")
_ARTICLE_PATH: Final = re.compile(r"/article/([0-9]{1,3})/([0-9]{1,10})(?![0-9])")
_ID_PARAMETERS: Final = (("office_id", "article_id"), ("oid", "aid"), ("officeId", "articleId"))

_DROPPED: Final = frozenset({"ref", "sid", "ntype", "cds", "rc", "mode", "page", "sm", "from", "input"})
"""Query parameters that say where a reader came from; those that name the article (`idxno`, `aid`, `no`…) stay."""

_TAGS_AHEAD: Final = re.compile(r"^(?:\s*(?:\[[^\[\]]{1,30}\]|【[^【】]{1,30}】))+")
_TAGS_BEHIND: Final = re.compile(r"(?:\s*(?:\[[^\[\]]{1,30}\]|\((?:종합[0-9]?보?|상보|속보|[0-9]보)\)))+\s*$")
_QUOTES: Final = str.maketrans("", "", "'\"‘’“”`´「」『』")


def naver_id(office: str, number: str) -> str | None:
    """The canonical id `naver:{office}:{article}`, padded to 3 and 10 digits; None if these are no such numbers."""
    if not re.fullmatch("[0-9]{1,3}", office) or not re.fullmatch("[0-9]{1,10}", number):
        return None
    return f"naver:{office:0>3}:{number:0>10}"


def naver_id_in(text: str) -> str | None:
    """The canonical id in an address (old or new) or in an id written in one piece; None where there is none."""
    text = text.strip().removeprefix("naver:")
    if found := _IDS.fullmatch(text):
        return naver_id(*(part for part in found.groups() if part))
    if found := _ARTICLE_PATH.search(text):
        return naver_id(*found.groups())
    try:
        asked = parse_qs(urlsplit(text).query)
    except ValueError:
        return None
    for office, number in _ID_PARAMETERS:
        if office in asked and number in asked:
            return naver_id(asked[office][0], asked[number][0])
    return None


def article_path(canonical_id: str) -> str:
    """The path of the article page of a canonical Naver id."""
    _, office, number = canonical_id.split(":")
    return f"/mnews/article/{office}/{number}"


def article_url(canonical_id: str) -> str:
    """The address a reader is sent to."""
    return f"https://n.news.naver.com{article_path(canonical_id)}"


def normalised_url(url: str) -> str | None:
    """The address without what only says where the reader came from: https, lower-case host, no `m.` or `www.`.

    None for what is no web address. Good for comparing; it need not lead anywhere.
    """
    if not url.isprintable():
        return None
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or "." not in host:
        return None
    host = re.sub(r"^(?:www\.|m\.)+(?=[^.]+\.)", "", host) + (f":{port}" if port not in {None, 80, 443} else "")
    kept = [pair for pair in parse_qsl(parts.query) if pair[0] not in _DROPPED and not pair[0].startswith("utm_")]
    return urlunsplit(("https", host, parts.path.rstrip("/"), urlencode(kept, errors="replace"), ""))


def fingerprint(title: str, summary: str) -> str:
    """Equal for texts that differ only in quotes, spaces, width of letters and the tags around the headline."""
    headline = _TAGS_BEHIND.sub("", _TAGS_AHEAD.sub("", title)) or title
    return sha256(f"{_folded(headline)}\n{_folded(summary)}".encode(errors="replace")).hexdigest()


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().translate(_QUOTES).split())
