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
    sources = [source for source in SOURCES.values() if not source.off_because(services.settings)]
    run.progress(total=len(sources))
    for source in sources:
        try:
            crawled = await crawl(services, source, begin=run.begin)
        except Fenced:
            raise
        except StockPilotError as error:
            run.progress(failed=1)
            run.warn(f"{source.key}: {type(error).__name__}: {error}")
        else:
            run.progress(done=0 if crawled.skipped else 1)


async def embed_news(services: Services, run: Run) -> None:
    """Embed every article that has no vector yet."""
    run.progress(done=await embed_pending(services, begin=run.begin))
