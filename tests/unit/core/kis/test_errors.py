"""The reaction to every kind of refusal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError, Unavailable, Unsupported
from core.kis.errors import Reaction, Refused, reaction_to

AT = datetime(2026, 2, 20, 6, 50, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "code", "message", "reaction"),
    [
        (500, "EGW00201", "초당 거래건수를 초과하였습니다.", Reaction.RATE),
        (500, "EGW00215", "", Reaction.RATE),
        (429, "", "", Reaction.RATE),
        (500, "EGW00123", "기간이 만료된 token 입니다.", Reaction.TOKEN),
        (200, "EGW00121", "", Reaction.TOKEN),
        (401, "", "", Reaction.TOKEN),
        (403, "EGW00133", "", Reaction.TOKEN_TOO_SOON),
        (500, "EGW00316", "", Reaction.TRANSIENT),
        (200, "OPSQ1002", "", Reaction.TRANSIENT),
        (502, "", "", Reaction.TRANSIENT),
        (500, "EGW99999", "", Reaction.TRANSIENT),
        (200, "OPSQ2001", "TIME LIMIT 00:00 ~ 15:40", Reaction.TIME_GATE),
        (200, "OPSQ2001", "ERROR INPUT FIELD NOT FOUND [FID_ORG_ADJ_PRC]", Reaction.REQUEST),
        (500, "EGW00103", "유효하지 않은 AppKey입니다.", Reaction.SETTINGS),
        (500, "EGW02004", "실전투자 TR 이 아닙니다.", Reaction.SETTINGS),
        (403, "", "", Reaction.SETTINGS),
        (200, "OPSQ7777", "", Reaction.REQUEST),
        (200, "", "", Reaction.GARBLED),
        (302, "", "", Reaction.GARBLED),
    ],
)
def test_the_code_decides_and_the_status_only_where_there_is_none(
    status: int, code: str, message: str, reaction: Reaction
) -> None:
    assert reaction_to(status, code, message) is reaction


@pytest.mark.parametrize(
    ("reaction", "error"),
    [
        (Reaction.RATE, QuotaExceeded),
        (Reaction.TOKEN, Unavailable),
        (Reaction.TOKEN_TOO_SOON, QuotaExceeded),
        (Reaction.TRANSIENT, Unavailable),
        (Reaction.TIME_GATE, Unsupported),
        (Reaction.SETTINGS, Blocked),
        (Reaction.REQUEST, Unsupported),
        (Reaction.GARBLED, Malformed),
    ],
)
def test_every_reaction_has_its_error(reaction: Reaction, error: type[StockPilotError]) -> None:
    assert type(Refused(reaction, "EGW0").error(AT)) is error


def test_no_reaction_is_without_an_error() -> None:
    assert all(isinstance(Refused(reaction, "").error(AT), StockPilotError) for reaction in Reaction)
