"""Speaking to a terminal."""

from __future__ import annotations


def say_line(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)
