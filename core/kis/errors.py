"""What KIS refuses with, and what to do about each code.

The HTTP status says little (a rate limit and an expired token both come with 500), so the code in the body decides
and the status only where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from core.errors import Blocked, Malformed, QuotaExceeded, StockPilotError, Unavailable, Unsupported


class Reaction(StrEnum):
    """What a refusal asks for."""

    RATE = "rate"
    """Too many calls: wait a second or more, stay slower for a while, ask again."""
    TOKEN = "token"  # noqa: S105 - the name of a reaction
    """The access token is dead: take the shared one or a new one, ask again once."""
    TOKEN_TOO_SOON = "token_too_soon"  # noqa: S105 - the name of a reaction
    """A token was issued less than a minute ago: use that one, or wait."""
    TRANSIENT = "transient"
    """Something on the way failed: ask again a little later."""
    TIME_GATE = "time_gate"
    """Not served at this hour: ask for another date."""
    SETTINGS = "settings"
    """The key, the secret or the environment is wrong: an operator must act."""
    REQUEST = "request"
    """The request itself is refused; the same one always will be."""
    GARBLED = "garbled"
    """No readable answer."""


MOST_TRIES: Final[Mapping[Reaction, int]] = {Reaction.RATE: 4, Reaction.TOKEN: 2, Reaction.TRANSIENT: 3}
"""How often one question is asked at most, by what refuses it; once for any other reaction."""

_CODES: Final[Mapping[str, Reaction]] = {
    code: reaction
    for reaction, codes in {
        Reaction.RATE: "EGW00201 EGW00215",
        Reaction.TOKEN: "EGW00121 EGW00122 EGW00123",
        Reaction.TOKEN_TOO_SOON: "EGW00133",
        Reaction.TRANSIENT: (
            "EGW00001 EGW00002 EGW00202 EGW00203 EGW00204 EGW00300 EGW00301 EGW00302 EGW00316 "
            "OPSQ1002 OPSQ0010 OPSQ0011"
        ),
        Reaction.SETTINGS: (
            "EGW00102 EGW00103 EGW00104 EGW00105 EGW00206 EGW00207 EGW00208 EGW00209 EGW00213 EGW02004 EGW00356"
        ),
        Reaction.REQUEST: (
            "EGW00101 EGW00131 EGW00132 EGW00205 OPSQ0002 OPSQ2000 OPSQ2001 OPSQ2002 "
            "OPSQ9995 OPSQ9996 OPSQ9997 OPSQ9998 OPSQ9999"
        ),
    }.items()
    for code in codes.split()
}

_STATUSES: Final[Mapping[int, Reaction]] = {
    401: Reaction.TOKEN,
    403: Reaction.SETTINGS,
    408: Reaction.TRANSIENT,
    429: Reaction.RATE,
}


def reaction_to(status: int, code: str, message: str) -> Reaction:
    """The reaction to a refusal of HTTP `status` with the body's `code` and `message`, both empty if it had none."""
    if code == "OPSQ2001" and "TIME LIMIT" in message:
        return Reaction.TIME_GATE
    if code in _CODES:
        return _CODES[code]
    if status >= 500:
        return Reaction.TRANSIENT
    return _STATUSES.get(status, Reaction.REQUEST if code else Reaction.GARBLED)


class Refused(Exception):
    """A call KIS did not answer with data. `code` is KIS's own, empty where it gave none.

    Stays inside this package: callers get `error()`.
    """

    def __init__(self, reaction: Reaction, detail: str, *, code: str = "") -> None:
        super().__init__(detail)
        self.reaction = reaction
        self.detail = detail
        self.code = code

    def error(self, at: datetime) -> StockPilotError:
        """The product's error for it, at the instant `at`."""
        text = f"KIS: {self.detail}"
        match self.reaction:
            case Reaction.RATE:
                return QuotaExceeded(text, retry_at=at + timedelta(seconds=10))
            case Reaction.TOKEN_TOO_SOON:
                return QuotaExceeded(text, retry_at=at + timedelta(minutes=1))
            case Reaction.TOKEN | Reaction.TRANSIENT:
                return Unavailable(text)
            case Reaction.SETTINGS:
                return Blocked(text)
            case Reaction.TIME_GATE | Reaction.REQUEST:
                return Unsupported(text)
            case Reaction.GARBLED:
                return Malformed(text)
