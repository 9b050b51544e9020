"""Refusals of the Bot API, with the bodies the real server sends."""

from __future__ import annotations

from typing import Any

import orjson


class ApiError(Exception):
    """A refusal: HTTP status, description, and the optional response parameters a client may act on."""

    def __init__(
        self, status: int, description: str, *, retry_after: int | None = None, migrate_to_chat_id: int | None = None
    ) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters: dict[str, Any] = {}
        if retry_after is not None:
            self.parameters["retry_after"] = retry_after
        if migrate_to_chat_id is not None:
            self.parameters["migrate_to_chat_id"] = migrate_to_chat_id

    def body(self) -> bytes:
        """The JSON body of the answer."""
        reply: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self.description}
        if self.parameters:
            reply["parameters"] = self.parameters
        return orjson.dumps(reply)


def bad_request(reason: str) -> ApiError:
    """400, `reason` after the usual words."""
    return ApiError(400, f"Bad Request: {reason}")


def forbidden(reason: str = "bot was blocked by the user") -> ApiError:
    """403."""
    return ApiError(403, f"Forbidden: {reason}")


def conflict(reason: str) -> ApiError:
    """409."""
    return ApiError(409, f"Conflict: {reason}")


def too_many_requests(retry_after: int) -> ApiError:
    """429, with the seconds to wait in the description and the parameters."""
    return ApiError(429, f"Too Many Requests: retry after {retry_after}", retry_after=retry_after)


_USUAL = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


def with_status(status: int, description: str | None = None, retry_after: int | None = None) -> ApiError:
    """The error usually sent with `status`, for faults ordered by a test."""
    if status == 429 and description is None:
        return too_many_requests(1 if retry_after is None else retry_after)
    return ApiError(status, description or _USUAL.get(status, "Internal Server Error"), retry_after=retry_after)
