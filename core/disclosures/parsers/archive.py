"""OpenDART's zip files: the numbers of all companies, and the text of a filing."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from lxml import etree

from core.disclosures.filing import Corp
from core.disclosures.parsers.replies import Reply
from core.disclosures.parsers.text import corp_code, day, decoded, line, stock_code
from core.errors import Malformed

VERSION: Final = 1

MOST_ZIPPED: Final = 50_000_000
MOST_UNZIPPED: Final = 150_000_000
"""Of all members together: the numbers of all companies are some thirty million bytes."""
LONGEST_TEXT: Final = 20_000
_MOST_MEMBERS: Final = 50
_PROLOG: Final = re.compile(r"\A\s*<\?xml[^>]*\?>", re.IGNORECASE)
_BARE: Final = re.compile(r"&(?!#?[A-Za-z0-9]{1,10};)|<(?![A-Za-z/!?])")
"""Signs that are text and not markup: nobody escapes them."""
_HIDDEN: Final = ("SUMMARY", "EXTRACTION", "FORMULA-VERSION", "IMAGE", "STYLE", "SCRIPT", "HEAD")
_BLOCKS: Final = frozenset(
    ("P", "TR", "TITLE", "COVER-TITLE", "DOCUMENT-NAME", "COMPANY-NAME", "DIV", "BR", "LI", "H1", "H2", "H3", "TABLE")
)


def zipped(body: bytes) -> bool:
    """Whether a reply is a zip file; refusals of these services come as XML instead."""
    return body.startswith(b"PK")


def parse_refusal(body: bytes) -> Reply:
    """The status in `<result><status/><message/></result>`; raises `Malformed` if there is none."""
    root = _tree(decoded(body[:10_000]), recover=True)
    status, message = root.findtext(".//status") or "", root.findtext(".//message") or ""
    if not re.fullmatch("[0-9]{3}", status.strip()):
        raise Malformed("neither a zip file nor a refusal")
    return Reply(status.strip(), line(message, 200), {})


def parse_corps(body: bytes, *, at: datetime) -> tuple[Corp, ...]:
    """The companies that have or had a stock code, of corpCode.xml; raises `Malformed`.

    A company with a number or code that cannot be one is left out; more than a tenth of those makes the file useless.
    """
    corps: dict[str, Corp] = {}
    bad = 0
    content = next((data for _, data in _members(body)), b"")
    for row in _rows(content):
        if not (row.findtext("stock_code") or "").strip():
            continue
        try:
            corp = _corp(row, at=at)
        except Malformed:
            bad += 1
        else:
            corps[corp.corp_code] = corp
    if not corps or bad > len(corps) // 10:
        raise Malformed(f"{bad} unusable companies, {len(corps)} usable ones")
    return tuple(corps.values())


def parse_document(body: bytes) -> str:
    """The text of a filing, its first member's, a line a paragraph or row of a table, cut at 20,000 letters.

    Raises `Malformed`.
    """
    content = next((data for _, data in _members(body)), b"")
    return document_text(content)


def document_text(content: bytes) -> str:
    """The text of one document: its prolog says UTF-8 whatever it is, and its markup is seldom well-formed."""
    root = _tree(_BARE.sub(_escaped, _PROLOG.sub("", decoded(content))), recover=True)
    lines: list[str] = []
    length = 0
    for text in _lines(root):
        lines.append(text)
        length += len(text) + 1
        if length > LONGEST_TEXT:
            break
    if not lines:
        raise Malformed("a document without text")
    return "\n".join(lines)[:LONGEST_TEXT]


def _escaped(found: re.Match[str]) -> str:
    return "&amp;" if found[0] == "&" else "&lt;"


def _members(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The XML members of a zip file, the first of a filing being the filing itself. Names lead nowhere."""
    if not zipped(body) or len(body) > MOST_ZIPPED:
        raise Malformed("not a zip file, or one too large")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if not 0 < len(infos) <= _MOST_MEMBERS or sum(info.file_size for info in infos) > MOST_UNZIPPED:
                raise Malformed("an empty zip file, or one too large")
            for info in infos:
                if info.filename.lower().endswith((".xml", ".html", ".xhtml", ".htm")):
                    with archive.open(info) as member:
                        data = member.read(MOST_UNZIPPED + 1)
                    if len(data) > MOST_UNZIPPED:
                        raise Malformed("a member larger than it says")
                    yield info.filename.lstrip("/"), data
    except (
        *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError),
        *(NotImplementedError, RuntimeError, ValueError, OverflowError),
    ) as error:
        raise Malformed(f"a broken zip file: {type(error).__name__}") from None
    raise Malformed("a zip file without a document")


def _rows(content: bytes) -> Iterator[Any]:
    if b"<!DOCTYPE" in content[:4_096].upper() or b"<!ENTITY" in content.upper()[:100_000]:
        raise Malformed("XML that declares entities")
    events = etree.iterparse(
        io.BytesIO(content), tag="list", resolve_entities=False, no_network=True, load_dtd=False, recover=True
    )
    try:
        for _, row in events:
            # The outermost `list` holds nothing of its own when files nest.
            yield row
            row.clear()
            while row.getprevious() is not None:
                del row.getparent()[0]
    except (etree.LxmlError, ValueError, AttributeError):
        raise Malformed("not XML") from None


def _corp(row: Any, *, at: datetime) -> Corp:
    code = stock_code(row.findtext("stock_code"))
    name = line(row.findtext("corp_name"))
    if code is None or not name:
        raise Malformed("a company without a name or a code")
    return Corp(
        corp_code=corp_code(row.findtext("corp_code")),
        name=name,
        english_name=line(row.findtext("corp_eng_name")),
        code=code,
        modified_on=day(row.findtext("modify_date"), at=at),
    )


def _tree(text: str, *, recover: bool) -> Any:
    if "<!ENTITY" in text[:100_000].upper():
        raise Malformed("XML that declares entities")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, recover=recover, huge_tree=False
    )
    try:
        root = etree.fromstring(text.replace("\x00", "").encode("utf-8", "replace"), parser)
    except (etree.LxmlError, ValueError):
        raise Malformed("not XML") from None
    if root is None:
        raise Malformed("not XML")
    return root


def _lines(root: Any) -> Iterator[str]:
    """The text, broken where a block begins or ends."""
    current: list[str] = []
    hidden = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag.upper() if isinstance(element.tag, str) else ""
        if event == "start":
            hidden += tag in _HIDDEN
            if tag in _BLOCKS and (text := line(" ".join(current), 2_000)):
                yield text
                current = []
            if not hidden and tag and element.text:
                current.append(element.text)
        else:
            hidden -= tag in _HIDDEN
            if tag in _BLOCKS and (text := line(" ".join(current), 2_000)):
                yield text
                current = []
            if not hidden and element.tail:
                current.append(element.tail)
    if text := line(" ".join(current), 2_000):
        yield text
