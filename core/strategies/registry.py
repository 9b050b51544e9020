"""The one table of strategies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from core.errors import NotConfigured
from core.prediction import signals
from core.services import Services
from core.strategies.price_feed import lacks_kis, price_feed
from core.strategies.strategy import Kind, Strategy
from core.strategies.watching import watch_flows, watching
from core.strategies.worker import Worker

Send = Callable[[Services, Callable[[], Awaitable[None]]], Awaitable[None]]
"""What drains the outbox for ever: it is given the services and the heartbeat to send while it works."""

_OWN: Final = (
    Strategy(id="price_feed", kind=Kind.FEED, run=price_feed, off_because=lacks_kis),
    watching("golden_cross", signals.golden_cross),
    watching("rsi", signals.rsi),
    watching("volume_surge", signals.volume_surge),
    watching("new_high", signals.new_high),
    Strategy(id="flow_streak", kind=Kind.SIGNAL, run=watch_flows),
)


def strategies(send: Send) -> tuple[Strategy, ...]:
    """Every strategy, for a supervisor; `send` is how the outbox is drained in its process."""

    async def run(services: Services, worker: Worker) -> None:
        await send(services, worker.beat)

    return (Strategy(id="outbox_sender", kind=Kind.SENDER, run=run), *_OWN)


async def _nobody(_services: Services, _beat: Callable[[], Awaitable[None]]) -> None:
    raise NotConfigured("this process has no hooks to send to")


STRATEGIES: Final = {each.id: each for each in strategies(_nobody)}
"""Every strategy by id, for those who ask about them; none of these is run."""
