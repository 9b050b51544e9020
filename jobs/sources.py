"""Jobs over sources."""

from __future__ import annotations

from core.outside.dual import compare_bars
from core.runs.run import Run
from core.services import Services


async def compare_sources(services: Services, run: Run) -> None:
    """Compare what two sources told of the session that closed."""
    found = await compare_bars(services, run.begin)
    if found is None:
        run.warn("there is nothing to compare yet")
    else:
        run.progress(done=found.compared)
