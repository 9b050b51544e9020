"""A second press before what cannot be undone: a signed button, good for one person and a short time.

Nothing is stored, so it also works while Redis is down; what it starts must bear being done twice.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Final

from bot.context import BotContext
from core.errors import UserError

GOOD_FOR: Final = timedelta(minutes=2)
SIGNED: Final = r"([0-9A-Za-z_.-]{1,40}):([0-9a-z]{1,8}):([0-9a-f]{10})"
"""The pattern of what a confirming button carries, for `Action.arguments`: the subject, until when, the signature."""


def signed(context: BotContext, action: str, subject: str) -> str:
    """What a confirming button of `action` carries about `subject`, for `pack(action, signed(…))`."""
    until = int((context.services.clock.now() + GOOD_FOR).timestamp())
    return f"{subject}:{until:x}:{_signature(context, action, subject, until)}"


def confirmed(context: BotContext, action: str, subject: str, until: str, signature: str) -> str:
    """The subject of a pressed confirming button; raises `UserError` when it is too old or somebody else's."""
    end = int(until, 16)
    if not hmac.compare_digest(signature, _signature(context, action, subject, end)):
        raise UserError("다른 사람에게 보낸 확인 버튼입니다.")
    if context.services.clock.now().timestamp() > end:
        raise UserError("확인 시간이 지났습니다. 명령을 다시 보내 주세요.")
    return subject


def _signature(context: BotContext, action: str, subject: str, until: int) -> str:
    said = f"{action}:{subject}:{until}:{context.asker.id}"
    return hmac.new(context.telegram.token.encode(), said.encode(), hashlib.sha256).hexdigest()[:10]
