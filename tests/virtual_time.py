"""Time that passes only while nothing happens, so that a day of waiting costs as much as the work in it.

A `VirtualLoop` is an event loop whose clock stands while anything can run, while a thread of it works, and while a
server outside it (PostgreSQL, Redis) owes an answer. When all of that rests, its clock jumps to the earliest timer.
So whatever waits by asyncio (sleeps, timeouts, heartbeats) and whatever asks the `VirtualClock` lives in one time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from socket import MSG_PEEK, socket
from time import monotonic
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 10.0
"""Real seconds a server outside may owe an answer; then it may itself be waiting for somebody who sleeps here."""
_OWN_PATIENCE = 0.01
"""The same for a server of this loop: its answer needs no more time than the loop gives it, unless it sleeps."""
_LOOK = 0.001
_MOST_READ = 256 * 1024


class VirtualClock:
    """The clock of the running `VirtualLoop`, which began at `begin`."""

    def __init__(self, begin: datetime) -> None:
        self._begin = begin.astimezone(UTC)

    def now(self) -> datetime:
        """Aware UTC now."""
        return self._begin + timedelta(seconds=asyncio.get_running_loop().time())

    async def sleep(self, seconds: float) -> None:
        """Wait virtual seconds."""
        await asyncio.sleep(seconds)

    async def until(self, at: datetime) -> None:
        """Wait for an instant; returns at once when it has passed."""
        await asyncio.sleep((at - self.now()).total_seconds())


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own; see the module. `lost_patience` counts answers it did not wait for."""

    def __init__(self) -> None:
        self.lost_patience = 0
        self._virtual = 0.0
        self._threads = 0
        self._ports: set[int] = set()
        self._owing: dict[Any, float] = {}
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """As any loop does; time stands until the thread is done."""
        future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _future: asyncio.Future[Any]) -> None:
        self._threads -= 1

    def _make_socket_transport(
        self,
        sock: socket,
        protocol: asyncio.BaseProtocol,
        waiter: asyncio.Future[Any] | None = None,
        *,
        extra: dict[str, Any] | None = None,
        server: object = None,
    ) -> Any:
        if server is not None:
            self._ports.add(_port(sock.getsockname()))
        return _Transport(self, sock, protocol, waiter, extra, server)

    def wrote(self, transport: Any, peer: object) -> None:
        """An answer is owed to `transport`."""
        self._owing[transport] = monotonic() + (_OWN_PATIENCE if _port(peer) in self._ports else PATIENCE)

    def settled(self, transport: Any) -> None:
        """Nothing is owed to it any more."""
        self._owing.pop(transport, None)

    def waits_for_others(self) -> bool:
        """Whether a thread works or an answer is owed, so that time has to stand."""
        if self._threads:
            return True
        now = monotonic()
        for transport, until in list(self._owing.items()):
            if now < until:
                return True
            del self._owing[transport]
            self.lost_patience += transport.outside
        return False

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self._virtual += seconds


def _port(address: object) -> int:
    return int(address[1]) if isinstance(address, tuple) else 0


class _Transport(asyncio.selector_events._SelectorSocketTransport):  # type: ignore[name-defined, misc]
    """A connection that tells its loop when it waits for the other side. Those a server accepted do not."""

    def __init__(self, loop: VirtualLoop, sock: socket, protocol: Any, waiter: Any, extra: Any, server: Any) -> None:
        self._virtual = loop if server is None else None
        self._peer = sock.getpeername()
        self._asked = 0
        super().__init__(loop, sock, protocol, waiter, extra, server)

    @property
    def outside(self) -> bool:
        """Whether the other side is no server of this loop."""
        return self._virtual is not None and _port(self._peer) not in self._virtual._ports

    def write(self, data: Any) -> None:
        if self._virtual is not None:
            self._virtual.wrote(self, self._peer)
            self._asked += 1
        super().write(data)

    def _read_ready(self) -> None:
        if self._virtual is not None and (not self.outside or self._is_whole()):
            self._virtual.settled(self)
        super()._read_ready()

    def _is_whole(self) -> bool:
        """Whether what is read now ends the answer of PostgreSQL (ready for the next query) or all answers of Redis,
        of which several may be owed at once while a connection is made.

        A long one comes in pieces, and its server may be put aside between two of them.
        """
        try:
            come = self._sock.recv(_MOST_READ, MSG_PEEK)
        except OSError:
            return True
        self.max_size = max(len(come), 1)  # no more is read than was looked at
        ends = come.count(b"\r\n") if come.endswith(b"\r\n") else 0
        self._asked = max(0, self._asked - ends)
        if not come or come[-6:-1] == b"Z\0\0\0\5" or (ends and not self._asked):
            self._asked = 0
            return True
        return False

    def _call_connection_lost(self, exc: BaseException | None) -> None:
        if self._virtual is not None:
            self._virtual.settled(self)
        super()._call_connection_lost(exc)

    def close(self) -> None:
        if self._virtual is not None:
            self._virtual.settled(self)
        super().close()


class _Selector(selectors.DefaultSelector):
    """Looks for events as any selector does, but where it would wait for a timer it moves the loop's clock."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        while self._loop.waits_for_others():
            if events := super().select(_LOOK):
                return events
        if timeout is None:
            return super().select(1.0)
        if events := super().select(0):
            return events
        self._loop.jump(timeout)
        return []


def run_virtually(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on a virtual loop of its own, in this thread, which must run no other loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
