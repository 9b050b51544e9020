"""Where the HTTP port answers."""

from __future__ import annotations

from ipaddress import ip_address

from core.settings import HttpSettings


def address_of(settings: HttpSettings, *, port: int | None = None) -> str:
    """Where the port answers on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - asked, not opened
    return f"http://{f'[{host}]' if ':' in host else host}:{port or settings.port}"


def is_loopback(host: str) -> bool:
    """Whether a host can only mean this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
