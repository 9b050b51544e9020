"""Replies of DART as it writes them, by hand: no text of real ones."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from typing import Any

import orjson

from core.disclosures.filing import Disclosure, Weight
from core.disclosures.kinds import judged
from core.disclosures.naming import parse_name

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)

ROW = {
    "corp_code": "00126380",
    "corp_name": " 삼성전자 ",
    "stock_code": "005930",
    "corp_cls": "Y",
    "report_nm": "[기재정정]주주총회소집결의              (임시주주총회) ",
    "rcept_no": "20261120800110",
    "flr_nm": "삼성전자",
    "rcept_dt": "20261120",
    "rm": "유정",
}

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel><title>DART : 오늘의 공시</title>
<item><title>(유가)한빛A&amp;B - 파생상품거래손실발생</title><link>https://dart.fss.or.kr/api/link.jsp?rcpNo=20260814802986</link>
<category>유가</category><pubDate>Fri, 14 Aug 2026 07:44:00 GMT</pubDate>
<guid>https://dart.fss.or.kr/api/link.jsp?rcpNo=20260814802986</guid>
<dc:creator>유가증권시장본부</dc:creator><dc:date>2026-08-14T07:44:00Z</dc:date></item>
<item><title>no company at all</title><link>https://dart.fss.or.kr/api/link.jsp?rcpNo=20260814802987</link></item>
</channel></rss>"""

DAY = """<div class="tbTitle"><h4>전체 <span id="txtCB">1</span>건 (2022년 01월 03일)</h4></div>
<table class="tbList"><thead><tr><th>시간</th></tr></thead><tbody><tr><td>
\t16:41
</td><td class="tL"><span class="innerWrap"><span class="tagCom_kosdaq">코</span>
<a href="javascript:openCorpInfoNew('01043853', 'winCorpInfo', '/dsae001/selectPopup.ax');">
\t베노 홀딩스
</a></span></td><td class="tL"><a href="/dsaf001/main.do?rcpNo=20220103900537">단일판매ㆍ공급계약체결
\t\t  (부품)
</a></td><td class="tL ellipsis">베노홀딩스</td><td>2022.01.03</td>
<td><span class="tagCom_kosdaq_other">코</span><span class="tagCom_jung_other">정</span></td></tr></tbody>
<input type="hidden" id="totalCnt" value="1"></table><div class="pageInfo">[1/1] [총 1건]</div>"""

CORPS = """<?xml version="1.0" encoding="UTF-8"?><result>
<list><corp_code>00126380</corp_code><corp_name>삼성전자</corp_name><corp_eng_name>SAMSUNG</corp_eng_name>
<stock_code>005930</stock_code><modify_date>20260102</modify_date></list>
<list><corp_code>00434003</corp_code><corp_name>다코</corp_name><corp_eng_name></corp_eng_name>
<stock_code> </stock_code><modify_date>20170630</modify_date></list></result>"""

DOCUMENT = """<?xml version="1.0" encoding="utf-8"?>
<DOCUMENT><DOCUMENT-NAME ACODE="11012">반기보고서</DOCUMENT-NAME><SUMMARY><EXTRACTION>130111</EXTRACTION></SUMMARY>
<BODY><TITLE ATOC="Y">1. 개요</TITLE><P>연구 R&D 및 <주요 계약></P>
<TABLE><TR><TD>제출인</TD><TE>홍길동</TE></TR></TABLE></BODY></DOCUMENT>"""


def listing(*rows: Any, **changes: Any) -> bytes:
    """A reply of list.json."""
    counts = {"page_no": 1, "page_count": 100, "total_count": len(rows), "total_page": 1}
    return orjson.dumps({"status": "000", "message": "정상", **counts, "list": list(rows), **changes})


def zipped(content: bytes, name: str = "/20261120800110.xml") -> bytes:
    """A zip file of one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def filing(number: int, name: str, day: date, **changes: Any) -> Disclosure:
    """A stored filing."""
    judgement = judged(name)
    values: dict[str, Any] = {
        "receipt": f"{day:%Y%m%d}8{number:05d}",
        "company": "삼성전자",
        "code": "005930",
        "filer": "삼성전자",
        "remarks": "",
        "filed_at": None,
        "first_seen_at": datetime(day.year, day.month, day.day, 3, number % 60, tzinfo=UTC),
        "kind": judgement.kind,
        "weight": Weight(judgement.weight),
        "correction": parse_name(name).correction,
    }
    return Disclosure(id=number, name=name, filed_on=day, **values | changes)
