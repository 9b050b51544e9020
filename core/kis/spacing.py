"""When the next call of an app key may leave: evenly spaced, slower for a while after a refusal, and one row for all
processes that use the key, as long as Redis can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog

from core.cache import Cache

log = structlog.get_logger(__name__)

MARGIN: Final = 1.03
"""Seconds from a call to the first that may not share a second with it: as many as the rate says lie between them.

KIS does not say how it counts; a sliding second is the strictest way, and holds for the others too. What is over a
second absorbs that calls arrive less evenly than they leave. Measured at a simulated KIS that refuses the nineteenth
call of any sliding second, in a process of its own, on two busy cores, with one client and with two: over 300 calls
no such nineteen left within 1.024 s or arrived within 1.007 s, none was refused, and 0.96 of the rate was used. With
1.02 some were refused; 1.05 cannot use more than 0.95.
"""

PAUSE: Final = timedelta(seconds=1)
_MOST_SLOWED: Final = 16.0
_RECOVERY: Final = 0.98

_MOST_TAKEN: Final = 16
"""Turns that may be taken ahead, one a process. A turn further off than these is one of a clock set back since."""

_ALONE_FOR: Final = timedelta(seconds=30)
"""How long Redis is not asked again once it could not answer: a dead one may take two seconds to say so."""

_SECOND: Final = timedelta(seconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Spacing(Protocol):
    """Gives out the instants at which calls may leave."""

    @property
    def between(self) -> timedelta:
        """The time between two calls now."""
        ...

    async def take(self, now: datetime) -> datetime:
        """The instant the next call may leave, `now` or later; nobody else is given it."""
        ...

    async def put_off(self, now: datetime, by: timedelta) -> None:
        """Let all that is not given out yet be later, because a call left late."""
        ...

    async def refused(self, now: datetime) -> None:
        """A call was over the rate. Calls that were under way together count as one refusal."""
        ...

    def accepted(self) -> None:
        """A call was within the rate."""
        ...


class OwnSpacing:
    """One call every `MARGIN` / `calls_per_second` seconds of this process.

    A refusal pauses everybody for a second and doubles the spacing (16 times the normal one at most); each
    accepted call then takes back two percent of it. So a key that is allowed less than its rate says finds it.
    """

    def __init__(self, calls_per_second: float) -> None:
        self._normal = MARGIN / calls_per_second * _SECOND
        self._slowed = 1.0
        self._free_at: datetime | None = None
        self._paused_until: datetime | None = None

    @property
    def between(self) -> timedelta:
        """The time between two calls now."""
        return self._normal * self._slowed

    def free_from(self, now: datetime) -> datetime:
        """The instant from which the next call may leave. A clock set back must not turn milliseconds into hours."""
        far = PAUSE + self.between * _MOST_TAKEN
        return self._free_at if self._free_at and now < self._free_at <= now + far else now

    async def take(self, now: datetime) -> datetime:
        """The instant the next call may leave."""
        turn = self.free_from(now)
        self._free_at = turn + self.between
        return turn

    async def put_off(self, now: datetime, by: timedelta) -> None:
        """Let the next turn be later."""
        self._free_at = (self._free_at or now) + by

    async def refused(self, now: datetime) -> None:
        """Pause, and be slower after it."""
        if self._paused_until is None or not now < self._paused_until <= now + PAUSE:
            self._slowed = min(self._slowed * 2, _MOST_SLOWED)
            self._paused_until = now + PAUSE
        self._free_at = max(self.free_from(now), now + PAUSE)

    def accepted(self) -> None:
        """Take back a little of the slowness."""
        self._slowed = max(1.0, self._slowed * _RECOVERY)

    def follow(self, turn: datetime, slowed: float) -> None:
        """Go on from what all processes share, should this one have to go on alone."""
        self._slowed = slowed
        self._free_at = turn + self.between


_RULES: Final = f"""
local free, slowed, paused = unpack(redis.call('HMGET', KEYS[1], 'free', 'slowed', 'paused'))
free, slowed, paused = tonumber(free) or 0, tonumber(slowed) or 1, tonumber(paused) or 0
local deed = ARGV[1]
local now, since, normal, accepted, by =
  tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local pause = {PAUSE // _MICROSECOND}
if free > now + pause + {_MOST_TAKEN} * normal * slowed then free = now end
local turn = math.max(free, since)
slowed = math.max(1, slowed * {_RECOVERY} ^ accepted)
if deed == 'take' then
  free = turn + normal * slowed
elseif deed == 'put_off' then
  free = free + by
elseif deed == 'refused' then
  if not (now < paused and paused <= now + pause) then
    slowed, paused = math.min({_MOST_SLOWED}, slowed * 2), now + pause
  end
  free = math.max(free, now + pause)
end
free, slowed = string.format('%.0f', free), string.format('%.6f', slowed)
redis.call('HSET', KEYS[1], 'free', free, 'slowed', slowed, 'paused', string.format('%.0f', paused))
redis.call('PEXPIRE', KEYS[1], 600000)
return {{string.format('%.0f', turn), slowed}}
"""
"""What `OwnSpacing` does, over one key of Redis in microseconds since 1970. A turn is written down as taken before it
is told, so that no two processes are told the same one."""


class SharedSpacing:
    """The spacing of all processes that use one app key, by what they keep in Redis under `name`.

    Each takes one turn at a time, right before it uses it, so that a question of a person in one process stands behind
    one call of each other process and not behind what they have collected to ask. Instants are those of the caller's
    clock: the clocks of replicas on several machines have to agree to a few milliseconds, as NTP keeps them, or calls
    come closer together than they should. While Redis does not answer the process goes on by its own spacing; with
    several of them KIS may then refuse some calls, to which each reacts.
    """

    def __init__(self, calls_per_second: float, cache: Cache, name: str) -> None:
        self._own = OwnSpacing(calls_per_second)
        self._normal = self._own.between // _MICROSECOND
        self._cache, self._key = cache, f"kis:pace:{name}"
        self._accepted = 0
        self._alone_since: datetime | None = None

    @property
    def between(self) -> timedelta:
        """The time between two calls of all processes, as told last."""
        return self._own.between

    async def take(self, now: datetime) -> datetime:
        """The instant the next call may leave."""
        told = await self._tell("take", now, since=self._own.free_from(now))
        if told is None:
            return await self._own.take(now)
        turn, slowed = _EPOCH + int(told[0]) * _MICROSECOND, float(told[1])
        self._own.follow(turn, slowed)
        return turn

    async def put_off(self, now: datetime, by: timedelta) -> None:
        """Let all that is not given out yet be later."""
        await self._own.put_off(now, by)
        await self._tell("put_off", now, since=now, by=by // _MICROSECOND)

    async def refused(self, now: datetime) -> None:
        """Pause all processes, and let all be slower after it."""
        await self._own.refused(now)
        await self._tell("refused", now, since=now)

    def accepted(self) -> None:
        """A call was within the rate; the others are told so with what is told next."""
        self._accepted += 1
        self._own.accepted()

    async def _tell(self, deed: str, now: datetime, *, since: datetime, by: int = 0) -> Sequence[bytes] | None:
        """What Redis says to it; None while it does not answer."""
        if self._alone_since is not None and self._alone_since <= now < self._alone_since + _ALONE_FOR:
            return None
        instants = ((at - _EPOCH) // _MICROSECOND for at in (now, since))
        accepted, self._accepted = self._accepted, 0
        told = await self._cache.run(_RULES, self._key, deed, *instants, self._normal, accepted, by)
        if told is None and self._alone_since is None:
            log.warning("kis_pace_not_shared", reason="Redis does not answer; this process keeps the rate by itself")
        elif told is not None and self._alone_since is not None:
            log.info("kis_pace_shared_again")
        self._alone_since = now if told is None else None
        return told
