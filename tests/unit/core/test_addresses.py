"""Only public addresses are connected to, and this machine where a setting names it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import Resolve, checked, is_public
from core.errors import Unavailable, Unsupported

PRIVATE = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::1/128",
    "::/128",
    "fe80::/10",
    "fc00::/7",
    "ff00::/8",
    "2001:db8::/32",
]
PUBLIC = "93.184.216.34"


def answers(*addresses: str) -> Resolve:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolve


def inside(network: str) -> st.SearchStrategy[str]:
    return st.ip_addresses(network=network).map(str)


@given(st.sampled_from(PRIVATE).flatmap(inside))
def test_nothing_inside_a_private_network_is_public_not_even_in_disguise(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert not is_public(address)
    if isinstance(address, ipaddress.IPv4Address):
        for prefix in ("::ffff:", "64:ff9b::", "::"):
            assert not is_public(ipaddress.ip_address(f"{prefix}{address}"))
        number = int(address)
        assert not is_public(ipaddress.ip_address(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1"))


@pytest.mark.parametrize("text", [PUBLIC, "223.130.195.95", "2606:2800:220:1:248:1893:25c8:1946"])
def test_the_open_internet_is_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("private", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:169.254.169.254", "x"])
async def test_a_name_with_one_private_address_is_refused_whole(private: str) -> None:
    for found in ([private], [PUBLIC, private], [private, PUBLIC]):
        with pytest.raises(Unsupported, match="private"):
            await checked("news.example", 443, resolve=answers(*found))


async def test_a_name_that_stands_for_nothing_is_refused_and_an_unknown_one_is_unavailable() -> None:
    async def unknown(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(Unsupported):
        await checked("news.example", 443, resolve=answers())
    with pytest.raises(Unavailable):
        await checked("news.example", 443, resolve=unknown)


async def test_this_machine_is_reached_only_where_it_is_named_itself() -> None:
    assert await checked("127.0.0.1", 80) == ["127.0.0.1"]
    assert await checked("localhost", 80, resolve=answers("127.0.0.1")) == ("127.0.0.1",)
    with pytest.raises(Unsupported):
        await checked("localhost", 80, resolve=answers("10.0.0.1"))
    for address in ("169.254.169.254", "10.0.0.1", "192.168.0.1", "0.0.0.0", "[fe80::1]"):
        with pytest.raises(Unsupported):
            await checked(address, 80)
