"""Which addresses may be connected to: public ones, and this machine where a setting names it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from core.errors import Unavailable, Unsupported

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as texts; raises `OSError` where the name is not known."""

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


async def resolved(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says, IPv4 first: a machine without IPv6 then does not try it in vain."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return sorted({str(entry[4][0]) for entry in found}, key=lambda address: (":" in address, address))


async def checked(host: str, port: int, *, resolve: Resolve = resolved) -> Sequence[str]:
    """The addresses to connect to for a host that a setting names.

    A name must lead to public addresses alone; `localhost` to this machine alone. An address written as such must be
    public or of this machine. Raises `Unsupported` for any other, `Unavailable` where the name is not known. Connect
    to what is returned and to nothing resolved later: a name may change what it stands for in between.
    """
    if (literal := _address(host)) is not None:
        if not (is_public(literal) or literal.is_loopback):
            raise Unsupported(f"{host} is a private address")
        return [str(literal)]
    try:
        found = await resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"{host}: name not found") from error
    addresses = [_address(each) for each in found]
    fits = _is_loopback if host == "localhost" else is_public
    if not addresses or not all(each is not None and fits(each) for each in addresses):
        raise Unsupported(f"{host} resolves to a private address")
    return found


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet: not private, local, shared, reserved, multicast, or a disguise
    of one that is (an IPv4 address inside an IPv6 one)."""
    inner = _inside(address)
    return all(each.is_global and not each.is_multicast and not each.is_reserved for each in (address, *inner))


def _inside(address: Address) -> list[ipaddress.IPv4Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or int(address) >> 32 == 0:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in found if each is not None]


def _is_loopback(address: Address) -> bool:
    return address.is_loopback


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
