"""Jobs over news."""

from __future__ import annotations

from core.errors import Fenced, StockPilotError
from core.news.service import crawl
from core.news.sources import SOURCES
from core.runs.run import Run
from core.search.service import embed_pending
from core.services import Services


async def crawl_news(services: Services, run: Run) -> None:
    """Read every news source that is switched on; one that fails is counted and noted, the rest goes on."""
    run.progress(total=len(SOURCES))
    for key, source in SOURCES.items():
        try:
            await crawl(services, source, begin=run.begin)
            run.progress(done=1)
        except Fenced:
            raise
        except StockPilotError as error:
            run.progress(failed=1)
            run.warn(f"{key}: {type(error).__name__}: {error}")


async def embed_news(services: Services, run: Run) -> None:
    """Embed every article that has no vector yet."""
    run.progress(done=await embed_pending(services, begin=run.begin))
