"""Jobs over predictions whose horizon has closed."""

from __future__ import annotations

from core.runs.run import Run
from core.scoring.service import score_closed
from core.services import Services


async def evaluate_predictions(services: Services, run: Run) -> None:
    """Score every horizon that has closed and has no score; a second run finds nothing to do."""
    run.progress(done=await score_closed(services, begin=run.begin))
