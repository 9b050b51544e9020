"""Jobs over news."""

from __future__ import annotations

from core.errors import Fenced, StockPilotError
from core.news.again import forget_removed, look_again
from core.news.following import match_stored, note_moves
from core.news.searching import search_stocks
from core.news.service import crawl
from core.news.sources import SOURCES, Source
from core.runs.run import Run
from core.search.service import embed_pending
from core.services import Services


async def crawl_news(services: Services, run: Run) -> None:
    """Read every news source that is switched on, and some pages again; what fails is counted, the rest goes on."""
    sources = [
        source
        for source in SOURCES.values()
        if source.job == "crawl_news" and not source.off_because(services.settings)
    ]
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
    await _look_again(services, run, sources)


async def _look_again(services: Services, run: Run, sources: list[Source]) -> None:
    """Edits and removals are worth less than news: a failure here is only noted."""
    sites = {source.page.key: source.page for source in sources if source.page is not None}
    for site in sites.values():
        await look_again(services, site, begin=run.begin)
    for source in sources:
        if source.key == "reddit":
            try:
                await forget_removed(services, source, begin=run.begin)
            except Fenced:
                raise
            except StockPilotError as error:
                run.warn(f"{source.key}: {type(error).__name__}: {error}")


async def search_stock_news(services: Services, run: Run) -> None:
    """Search for news by stock, as many as the day's allowance lets now; nothing without a key."""
    source = SOURCES["naver_search"]
    if not source.enabled(services.settings):
        return
    searched = await search_stocks(services, source, begin=run.begin)
    run.progress(done=searched.asked)
    if searched.skipped:
        run.warn(f"naver_search: {searched.skipped}")
    elif searched.asked and not searched.found:
        run.warn(f"naver_search: nothing found in {searched.asked} searches")


async def match_news(services: Services, run: Run) -> None:
    """Match what was stored before a name was known, and note what prices did after the articles about them."""
    run.progress(done=await match_stored(services, begin=run.begin))
    run.progress(done=await note_moves(services, begin=run.begin))


async def embed_news(services: Services, run: Run) -> None:
    """Embed every article that has no vector yet."""
    run.progress(done=await embed_pending(services, begin=run.begin))
