"""An event: something that happened to a stock and is worth telling those who watch it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from core.chats.subscriptions import PersonalKind
from core.delivery.alert import Alert, AlertKind, Facts


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened to a stock at `at`, once under `key`.

    `watchers_of` are the codes whose watchers are concerned: of a filing also those of the preferred shares. Events
    with the same `alert_key` are told to nobody twice. With `told` false it is only remembered: it came with something
    larger, or after too much else.
    """

    topic: PersonalKind
    kind: AlertKind
    key: str
    code: str
    at: datetime
    facts: Facts = field(default_factory=dict)
    watchers_of: tuple[str, ...] = ()
    alert_key: str = ""
    told: bool = True

    @property
    def alert(self) -> Alert:
        """The alert it is told as."""
        facts = {"code": self.code, "at": self.at.isoformat(), **self.facts}
        return Alert(kind=self.kind, key=self.alert_key or self.key, facts=facts)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes whose watchers are told."""
        return self.watchers_of or (self.code,)

    def passed_over(self) -> Event:
        """The same, remembered and not told."""
        return replace(self, told=False)
