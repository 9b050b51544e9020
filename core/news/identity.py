"""Which article is which: canonical ids and addresses, and the fingerprint of an exact repeat.

An article is known by `naver:{office}:{number}`, `hankyung:{id}`, `mk:{number}`, `reddit:{fullname}`, or
`url:{digest}` of its normalised address, the first of these that can be told.
"""

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

_HANKYUNG_PATH: Final = re.compile(r"/article/([0-9]{12,13}[a-z]?)(?![0-9a-z])")
_MK_PATH: Final = re.compile(r"/(?:news/[a-z0-9-]{2,30}|amp)/([0-9]{5,10})/?")

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


def naver_url(canonical_id: str) -> str:
    """The address a reader of a Naver article is sent to."""
    _, office, number = canonical_id.split(":")
    return f"https://n.news.naver.com/mnews/article/{office}/{number}"


def hankyung_id(url: str) -> str | None:
    """The canonical id of an address of Hankyung's articles, None for any other address."""
    host, path = _host_and_path(url)
    found = _HANKYUNG_PATH.search(path) if host == "hankyung.com" else None
    return f"hankyung:{found[1]}" if found else None


def mk_id(url: str) -> str | None:
    """The canonical id of an address of Maeil's articles, None for any other; the number counts, not the section."""
    host, path = _host_and_path(url)
    found = _MK_PATH.fullmatch(path) if host == "mk.co.kr" else None
    return f"mk:{found[1]}" if found else None


def identity_of(url: str) -> str | None:
    """The canonical id of whatever article stands at a web address; None for what is no web address."""
    host, _ = _host_and_path(url)
    if not host:
        return None
    known = naver_id_in(url) if host == "naver.com" or host.endswith(".naver.com") else None
    return known or hankyung_id(url) or mk_id(url) or f"url:{_digest(normalised_url(url) or url)[:32]}"


def _host_and_path(url: str) -> tuple[str, str]:
    normal = normalised_url(url)
    parts = urlsplit(normal) if normal else urlsplit("")
    return parts.hostname or "", parts.path


def _digest(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()


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
    return _digest(f"{headline_of(title)}\n{folded(summary)}")


def headline_of(title: str) -> str:
    """The headline without the tags around it ([단독], (종합)), folded."""
    return folded(_TAGS_BEHIND.sub("", _TAGS_AHEAD.sub("", title)) or title)


def folded(text: str) -> str:
    """Text for comparing: no spaces, no quotes, one case, one width of letters."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().translate(_QUOTES).split())
