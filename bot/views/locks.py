"""Who holds which job, and taking one away."""

from __future__ import annotations

from collections.abc import Sequence

from bot.callbacks import pack
from bot.texts import Texts
from bot.views.message import Button, Message, rows
from core.runs.queries import Lock, Standing


def locks(found: Sequence[Lock], only_expired: bool, texts: Texts) -> Message:
    """Every held job, or the expired leases alone."""
    buttons = [Button(f"🔓 {lock.job}", pack("un", lock.job)) for lock in found]
    clean = (Button(texts("🧹 만료된 잠금 정리"), pack("lc")),) if any(lock.expired for lock in found) else ()
    refresh = Button(texts("🔄 새로고침"), pack("la"))
    text = texts.render("locks", locks=found, only_expired=only_expired)
    return Message(text=text, keyboard=(*rows(buttons, width=2), (*clean, refresh)))


def lock(job: str, found: Lock | None, standing: Standing, texts: Texts) -> Message:
    """One job: who holds it, or that nobody does."""
    buttons = [Button(texts("🔄 새로고침"), pack("lk", job)), Button(f"📋 {job}", pack("jb", job))]
    if found is not None:
        buttons.insert(0, Button(texts("🔓 강제 해제"), pack("un", job)))
    text = texts.render("lock", job=job, lock=found, standing=standing)
    return Message(text=text, keyboard=rows(buttons, width=2))


def confirm(found: Lock, signed: str, texts: Texts) -> Message:
    """Ask once more before a job is taken from who runs it; `signed` is what the button carries."""
    yes = Button(texts("🔓 예, 강제로 해제합니다"), pack("uk", signed))
    no = Button(texts("↩️ 그대로 둡니다"), pack("lk", found.job))
    return Message(text=texts.render("unlock", lock=found), keyboard=((yes,), (no,)))


def released(job: str, was_held: bool, texts: Texts) -> Message:
    """What became of the lease and of the run under it."""
    again = (Button(texts("⏯ 이어서 실행"), pack("je", job)),) if was_held else ()
    text = texts.render("unlocked", job=job, was_held=was_held)
    return Message(text=text, keyboard=((*again, Button(f"📋 {job}", pack("jb", job))),))


def cleaned(jobs: Sequence[str], texts: Texts) -> Message:
    """Which expired leases were taken away."""
    return Message(text=texts.render("locks_cleaned", jobs=jobs))
