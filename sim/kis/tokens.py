"""Access tokens: one issue a minute, the same token within six hours, dead after a day."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import KST
from sim.http import Now

SAME_WITHIN = timedelta(hours=6)
LIFE = timedelta(hours=24)
ISSUE_EVERY = timedelta(minutes=1)

MESSAGES = {
    "EGW00101": "유효하지 않은 요청입니다.",
    "EGW00103": "유효하지 않은 AppKey입니다.",
    "EGW00105": "유효하지 않은 AppSecret입니다.",
    "EGW00121": "유효하지 않은 token 입니다.",
    "EGW00123": "기간이 만료된 token 입니다.",
    "EGW00133": "접근토큰 발급 잠시 후 다시 시도하세요(1분당 1회)",
}


@dataclass(frozen=True, slots=True)
class Token:
    """An issued token and when it was issued."""

    text: str
    issued_at: datetime

    @property
    def expires_at(self) -> datetime:
        """The instant it dies."""
        return self.issued_at + LIFE


class TokenDesk:
    """Issues, checks and revokes the tokens of one app key."""

    def __init__(self, now: Now, app_key: str, app_secret: str) -> None:
        self._now = now
        self._key, self._secret = app_key, app_secret
        self._tokens: dict[str, Token] = {}
        self._newest: Token | None = None
        self._asked_at: datetime | None = None

    def credentials_error(self, key: str | None, secret: str | None) -> str | None:
        """The error code of a wrong key or secret."""
        if key != self._key:
            return "EGW00103"
        return None if secret == self._secret else "EGW00105"

    def issue(self, body: dict[str, object]) -> tuple[int, dict[str, object]]:
        """Status and body of `POST /oauth2/tokenP`."""
        error = self._issue_error(body)
        if error:
            return 403, {"error_description": MESSAGES[error], "error_code": error}
        now = self._now()
        self._asked_at = now
        token = self._newest
        if token is None or now - token.issued_at >= SAME_WITHIN:
            text = hashlib.sha256(f"{self._key}{now.isoformat()}".encode()).hexdigest()
            token = self._newest = self._tokens[text] = Token(text, now)
        return 200, {
            "access_token": token.text,
            "access_token_token_expired": token.expires_at.astimezone(KST).strftime("%Y-%m-%d %H:%M:%S"),
            "token_type": "Bearer",
            "expires_in": int((token.expires_at - now).total_seconds()),
        }

    def _issue_error(self, body: dict[str, object]) -> str | None:
        if body.get("grant_type") != "client_credentials":
            return "EGW00101"
        wrong = self.credentials_error(_text(body.get("appkey")), _text(body.get("appsecret")))
        if wrong:
            return wrong
        too_soon = self._asked_at is not None and self._now() - self._asked_at < ISSUE_EVERY
        return "EGW00133" if too_soon else None

    def revoke(self, body: dict[str, object]) -> tuple[int, dict[str, object]]:
        """Status and body of `POST /oauth2/revokeP`."""
        token = self._tokens.pop(_text(body.get("token")) or "", None)
        if token is None:
            return 403, {"error_description": MESSAGES["EGW00121"], "error_code": "EGW00121"}
        if token == self._newest:
            self._newest = None
        return 200, {"code": 200, "message": "접근토큰 폐기에 성공하였습니다"}

    def token_error(self, authorization: str | None) -> str | None:
        """The error code of a missing, unknown or expired token."""
        scheme, _, text = (authorization or "").partition(" ")
        token = self._tokens.get(text)
        if scheme != "Bearer" or token is None:
            return "EGW00121"
        return "EGW00123" if self._now() >= token.expires_at else None

    def expire_all(self) -> None:
        """Let every token be expired, as the real service does now and then before their time."""
        self._tokens = {text: Token(text, token.issued_at - LIFE) for text, token in self._tokens.items()}
        self._newest = None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
