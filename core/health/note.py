"""What a probe saw, as a kind and its figures: each reader finds words in their own language."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, TypeAdapter


class NoteKind(StrEnum):
    """What can be seen of a component. The values each kind carries stand behind it."""

    TEXT = "text"  # text: what the component itself said, or the error of asking it
    NO_ANSWER = "no_answer"  # seconds
    ROBOTS_FORBID = "robots_forbid"  # source
    SERVER = "server"  # version, megabytes
    POOL = "pool"  # in_use, most
    KEPT = "kept"  # kilobytes
    VECTORS = "vectors"  # embedding, count
    QUOTE = "quote"  # code, price
    MODELS = "models"  # count
    LEAVING = "leaving"  # model, day
    JOBS = "jobs"  # count, seconds (the longest a slot waits)
    FAILING = "failing"  # jobs
    LATE = "late"  # job, minutes
    MISSED = "missed"  # count, in the last 24 hours
    ITEMS = "items"  # count
    FAILED = "failed"  # times, reason
    FEW = "few"  # count, usual (what such an hour usually brings)
    NOT_YET_READ = "not_yet_read"
    FEED_ONLY = "feed_only"
    CALLS = "calls"  # used, most: today
    NOT_READ = "not_read"  # minutes
    NOTHING_FOLLOWED = "nothing_followed"
    IN_USE = "in_use"  # percent
    PROCESS = "process"  # megabytes
    FREE = "free"  # gigabytes
    LAG = "lag"  # last, p99, most: milliseconds
    WAITING = "waiting"  # count, minutes (the oldest)
    NOTHING_WAITS = "nothing_waits"
    UNSENT = "unsent"  # failed, dropped, parked, in the last 24 hours
    LOST = "lost"  # count
    NOTHING_LOST = "nothing_lost"
    WORKERS = "workers"  # running, most
    WORKERS_DOWN = "workers_down"  # workers


class Note(BaseModel):
    """One thing that was seen."""

    model_config = ConfigDict(frozen=True)

    kind: NoteKind
    values: Mapping[str, str | int | float] = {}

    def __str__(self) -> str:
        """The note in one line that never changes with the reader's language."""
        if self.kind is NoteKind.TEXT:
            return str(self.values["text"])
        return " ".join([self.kind, *(f"{name}={value}" for name, value in self.values.items())])


WRITTEN = TypeAdapter(tuple[Note, ...])
"""Notes as JSON, for an alert that carries them to a reader."""


def note(kind: NoteKind, **values: str | int | float) -> Note:
    """A note of `kind`."""
    return Note(kind=kind, values=values)
