"""What the audit trail shows of an entry's details."""

from __future__ import annotations

import pytest

from bot.texts import texts
from bot.views.audit import audit
from core.audit.trail import Entry
from core.chats.member import Language
from tests.conftest import NOW


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ({"slot": "2026-02-20T06:50:29+00:00"}, "slot=2026-02-20 15:50"),
        ({"day": "2026-02-20"}, "day=2026-02-20"),
        ({"slot": "2026-13-40T06:50:29+00:00"}, "slot=2026-13-40T06:50:29+00:00"),
        ({"cost_usd": 8.348e-05}, "cost_usd=0.000083"),
        ({"cost_usd": 0.0}, "cost_usd=0"),
        ({"calls": 320, "was": "running", "left": None}, "calls=320, was=running"),
    ],
)
def test_times_are_seoul_s_and_small_figures_have_no_exponent(detail: dict[str, object], shown: str) -> None:
    entry = Entry(at=NOW, actor_id=7, actor="관리자", action="run", target="", detail=detail)
    assert f"· {shown}" in audit([entry], NOW, texts(Language.KO)).text
