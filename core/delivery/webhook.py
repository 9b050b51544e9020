"""Alerts posted as JSON to an address of the operator's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import httpx

from core.delivery.letter import Delivered, Letter, NotSent, Outcome, Refused, TooFast, Unknown

TIMEOUT: Final = 10.0
"""Seconds each step of a call may take."""
LONGEST_HOLD: Final = timedelta(hours=1)
_UNTIL_TOLD: Final = timedelta(minutes=1)


class WebhookHook:
    """Posts every alert to one address. The receiver tells repeats by `key` and `part`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def deliver(self, letter: Letter) -> Outcome:
        """Post it once. Only an answer of success counts; no part of the answer is kept."""
        try:
            async with self._client.stream("POST", self._url, json=body(letter)) as answer:
                return outcome_of(answer.status_code, answer.headers.get("retry-after", ""))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return NotSent(type(error).__name__)
        except httpx.HTTPError as error:
            return Unknown(type(error).__name__)  # its words may hold the address, which is a secret


def body(letter: Letter) -> dict[str, Any]:
    """What is posted; fields are only ever added."""
    return {
        "version": 1,
        "key": letter.alert.key,
        "part": letter.alert.part,
        "kind": letter.alert.kind.value,
        "at": letter.at.isoformat(),
        "repeated": letter.repeated,
        "facts": dict(letter.alert.facts),
    }


def outcome_of(status: int, retry_after: str = "") -> Outcome:
    """What a status says of a letter; a receiver that failed may have taken it all the same."""
    if 200 <= status < 300:
        return Delivered()
    if status in {429, 503}:
        wait = timedelta(seconds=int(retry_after)) if retry_after.isascii() and retry_after.isdigit() else _UNTIL_TOLD
        return TooFast(min(wait, LONGEST_HOLD))
    if status >= 500 or status == 408:
        return Unknown(f"HTTP {status}")
    return Refused(f"HTTP {status}")
