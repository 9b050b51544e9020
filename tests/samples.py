"""Real recordings kept beside the project; a test that needs one is skipped where it is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"


def sample(name: str) -> Path:
    """The recording `name`, or a skip that says what is missing."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"recording {name} is not on this machine")
    return path
