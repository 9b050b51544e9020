"""The market on one screen."""

from __future__ import annotations

from bot.texts import Texts
from bot.views.message import Message
from core.clock import KST, Phase
from core.market.overview import MarketNow
from core.prediction.facts import PHASES

NAMES = {"0001": "코스피", "1001": "코스닥", "2001": "코스피200"}


def market(now: MarketNow, texts: Texts) -> Message:
    """Indices, breadth, flows, the phase and the next session; what is not known is said to be missing."""
    trading = now.phase in (Phase.OPENING_HOUR, Phase.SESSION)
    opens = f"{now.opens.astimezone(KST):%H:%M}"
    text = texts.render("market", now=now, names=NAMES, phase=PHASES[now.phase], trading=trading, opens=opens)
    return Message(text=text)
