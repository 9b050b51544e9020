"""Wire formats of DART: JSON rows, the feed, the list of a day, zip files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from xml.sax.saxutils import escape

from core.clock import KST
from sim.dart.filings import SimFiling, company_name, corp_number
from sim.market import SimIssue

BOARDS = {"Y": ("유가", "kospi", "유"), "K": ("코스닥", "kosdaq", "코"), "N": ("코넥스", "konex", "넥")}
MARKS = {"유": "kospi_other", "코": "kosdaq_other", "넥": "konex_other", "공": "gong_other", "정": "jung_other"}
REFUSED = '<?xml version="1.0" encoding="UTF-8"?><result><status>{status}</status><message>{message}</message></result>'


def row(filing: SimFiling) -> dict[str, str]:
    """A row of list.json. Some values come with spaces around them."""
    return {
        "corp_code": filing.corp_code,
        "corp_name": filing.company,
        "stock_code": filing.issue.code,
        "corp_cls": filing.division,
        "report_nm": f"{filing.name} " if "(" in filing.name else filing.name,
        "rcept_no": filing.receipt,
        "flr_nm": filing.filer,
        "rcept_dt": f"{filing.day:%Y%m%d}",
        "rm": filing.remarks,
    }


def company(issue: SimIssue) -> dict[str, str]:
    """The fields of company.json."""
    return {
        "corp_code": corp_number(issue.code),
        "corp_name": f"{company_name(issue)}(주)",
        "corp_name_eng": f"COMPANY {issue.code} CO,.LTD",
        "stock_name": issue.name,
        "stock_code": issue.code,
        "ceo_nm": "전영현, 노태문" if issue.code == "005930" else "김대표",
        "corp_cls": {"KOSPI": "Y", "KOSDAQ": "K", "KONEX": "N"}[issue.market],
        "jurir_no": "1301110006246",
        "bizr_no": "1248100998",
        "adres": "서울특별시 영등포구  여의대로 1",
        "hm_url": "www.example.com",
        "ir_url": "",
        "phn_no": "02-0000-0000",
        "fax_no": "02-0000-0001",
        "induty_code": "264",
        "est_dt": "19690113",
        "acc_mt": "12",
    }


def feed(filings: Sequence[SimFiling], title: str, now: datetime, *, day: bool) -> str:
    """A feed: times in UTC, by the minute."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0">\n  <channel>\n'
        f"    <title>{escape(title)}</title>\n    <link>https://dart.fss.or.kr</link>\n"
        f"    <description>{escape(title)} 정보를 확인할 수 있습니다.</description>\n    <language>ko</language>\n"
        f"    <pubDate>{now:%a, %d %b %Y %H:%M:%S} GMT</pubDate>\n    <dc:creator>DART</dc:creator>\n"
        f"{''.join(_item(each, day) for each in filings)}  </channel>\n</rss>\n"
    )


def _item(filing: SimFiling, day: bool) -> str:
    link = f"https://dart.fss.or.kr/api/link.jsp?rcpNo={filing.receipt}"
    board = BOARDS[filing.division][0]
    category = f"      <category>{board}</category>\n" if day else ""
    return (
        f"    <item>\n      <title>({board}){escape(filing.company)} - {escape(filing.name)}</title>\n"
        f"      <link>{link}</link>\n{category}      <pubDate>{filing.at:%a, %d %b %Y %H:%M:%S} GMT</pubDate>\n"
        f"      <guid>{link}</guid>\n      <dc:creator>{escape(filing.filer)}</dc:creator>\n"
        f"      <dc:date>{filing.at:%Y-%m-%dT%H:%M:%SZ}</dc:date>\n    </item>\n"
    )


def day_page(filings: Sequence[SimFiling], day: date, *, page: int, total: int) -> str:
    """A page of the list of a day, with the real one's layout and white space."""
    pages = -(-total // 100)
    body = "".join(map(_table_row, filings)) or (
        '<tr>\n<td class="no_data end" colspan="6">\n\t\t검색된 자료가 없습니다.\n</td>\n</tr>\n'
    )
    info = f'<div class="psWrap"><div class="pageInfo">[{page}/{pages}] [총 {total}건]</div></div>' if filings else ""
    return (
        f'<div class="tbTitle"><h4>전체 <span class="txtCB" id="txtCB">{total}</span>건\n'
        f"\t({day:%Y년 %m월 %d일})</h4></div>\n"
        '<div class="tbListInner">\n<table class="tbList" summary="시간,공시대상회사,보고서명,제출인,접수일자,비고">\n'
        f"<thead><tr><th>시간</th></tr></thead>\n<tbody>\n{body}</tbody>\n"
        f'<input type="hidden" name="totalCnt" id="totalCnt" value="{total if filings else 0}">\n'
        f"</table>\n</div>\n{info}"
    )


def _table_row(filing: SimFiling) -> str:
    _, tag, letter = BOARDS[filing.division]
    name, _, remark = filing.name.partition("      ")
    said = escape(name) + (f"\n\t\t  \t\t{escape(remark.strip())}" if remark else "")
    marks = "".join(f'<span class="tagCom_{MARKS[each]}">{each}</span>' for each in filing.remarks if each in MARKS)
    return (
        f'<tr>\n<td>\n\t\t{filing.at.astimezone(KST):%H:%M}\n</td>\n<td class="tL">\n<span class="innerWrap">'
        f'<span class="tagCom_{tag}" title="">{letter}</span>\n'
        f"<a href=\"javascript:openCorpInfoNew('{filing.corp_code}', 'winCorpInfo', '/dsae001/selectPopup.ax');\">\n"
        f'\t\t{escape(filing.company)}\n</a></span>\n</td>\n<td class="tL">\n'
        f'<a href="/dsaf001/main.do?rcpNo={filing.receipt}" id="r_{filing.receipt}">{said}\n</a>\n</td>\n'
        f'<td class="tL ellipsis">{escape(filing.filer)}</td>\n<td>{filing.day:%Y.%m.%d}</td>\n'
        f"<td>{marks}</td>\n</tr>\n"
    )


def corp_file(issues: Sequence[SimIssue], now: datetime) -> bytes:
    """corpCode.xml: companies with a stock code, and many without."""
    rows = "".join(_corp(corp_number(each.code), company_name(each), each.code, now) for each in issues)
    rows += "".join(_corp(f"{number:08d}", f"비상장회사{number}", " ", now) for number in range(90_000_000, 90_000_200))
    return packed("CORPCODE.xml", f'<?xml version="1.0" encoding="UTF-8"?>\n<result>{rows}</result>'.encode())


def _corp(number: str, name: str, code: str, now: datetime) -> str:
    return (
        f"<list><corp_code>{number}</corp_code><corp_name>{escape(name)}</corp_name><corp_eng_name></corp_eng_name>"
        f"<stock_code>{code}</stock_code><modify_date>{now:%Y}0102</modify_date></list>"
    )


def document(filing: SimFiling) -> bytes:
    """document.xml: markup that is not well-formed, and every second one in cp949 whatever its prolog says."""
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n<DOCUMENT>\n'
        f'<DOCUMENT-NAME ACODE="11012">{escape(filing.name)}</DOCUMENT-NAME>\n'
        f'<COMPANY-NAME AREGCIK="{filing.corp_code}">{escape(filing.company)}</COMPANY-NAME>\n<BODY>\n'
        f'<TITLE ATOC="Y">1. 주요 내용</TITLE>\n'
        f"<P>{escape(filing.company)}의 공시 내용입니다. R&D 및 <주요 계약>에 관한 사항.</P>\n"
        f"<TABLE><TR><TD>제출인</TD><TE>{escape(filing.filer)}</TE></TR>\n"
        f"<TR><TD>접수일</TD><TU>{filing.day}</TU></TR></TABLE>\n"
        "</BODY>\n</DOCUMENT>\n"
    )
    old = int(filing.receipt[-1]) % 2 == 0
    return packed(f"/{filing.receipt}.xml", text.encode("cp949", "replace") if old else text.encode())


def packed(name: str, content: bytes) -> bytes:
    """A zip file of one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()
