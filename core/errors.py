"""The errors of the product. A class names the reaction, not the cause.

StockPilotError
├── UserError            the asker can fix it: say how, log nothing
│   └── Forbidden        the asker may not
├── NotConfigured        an optional service has no settings: say which
├── Unavailable          an outside service failed; the same call may work later
│   ├── Blocked          it refuses us: do not retry, open the circuit
│   └── QuotaExceeded    our allowance there is used up until `retry_at`
├── Unsupported          the service does not offer this
├── Malformed            a reply that cannot be what it should be; quarantined, not retried
├── BudgetExceeded       our own money limit stops the call
├── Conflict             somebody else is doing it: normal, log at debug
│   └── Fenced           our lease was taken away: stop, write nothing
└── BadSettings          the process cannot start: one line naming the setting
"""

from __future__ import annotations

from datetime import datetime


class StockPilotError(Exception):
    """Something failed in a way this product knows."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").split("\n", 1)[0])


class UserError(StockPilotError):
    """The request cannot be understood.

    `template` is a sentence of the message catalogue, `values` fill its `{names}`.
    """

    def __init__(self, template: str = "", **values: object) -> None:
        self.template, self.values = template, values
        super().__init__(template.format(**values) if values else template)


class Forbidden(UserError):
    """You are not allowed to do this."""


class NotConfigured(StockPilotError):
    """An optional service is not configured."""


class Unavailable(StockPilotError):
    """An outside service does not answer."""


class Blocked(Unavailable):
    """An outside service refuses us."""


class QuotaExceeded(Unavailable):
    """The allowance at an outside service is used up."""

    def __init__(self, message: str = "", *, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class Unsupported(StockPilotError):
    """The service does not offer this."""


class Malformed(StockPilotError):
    """A reply is not what it should be."""


class BudgetExceeded(StockPilotError):
    """The budget for paid calls is used up. `period` is "day" or "month"."""

    def __init__(self, message: str = "", *, period: str = "day") -> None:
        super().__init__(message)
        self.period = period


class Conflict(StockPilotError):
    """Somebody else is already doing this."""


class Fenced(Conflict):
    """The lease was taken away while the work ran."""


class BadSettings(StockPilotError):
    """The settings do not allow a start."""
