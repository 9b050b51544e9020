"""The one table of jobs. A job is a row here and one function; adding one touches nothing else."""

from __future__ import annotations

from datetime import time, timedelta

from core.briefs.brief import TIMES as BRIEFS_AT
from jobs.alerts import dispatch_alerts
from jobs.briefs import send_briefs
from jobs.disclosures import crawl_disclosures
from jobs.health import check_health
from jobs.market import (
    collect_daily_bars,
    collect_financials,
    collect_index_daily,
    collect_investor_trends,
    collect_market_data,
    collect_minute_bars,
    collect_overtime,
    collect_product_info,
    refresh_calendar,
    repair_minute_bars,
)
from jobs.news import crawl_news, embed_news, match_news, search_stock_news
from jobs.reports import TIMES as REPORTS_AT
from jobs.reports import generate_reports
from jobs.scoring import evaluate_predictions
from jobs.sources import compare_sources
from jobs.spec import CatchUp, JobSpec, TodayIfWithin
from jobs.stocks import refresh_stocks
from jobs.strategies import check_strategies
from jobs.upkeep import housekeeping
from jobs.usage import check_usage

_SPECS = (
    JobSpec(
        name="refresh_stocks",
        summary="종목 마스터 갱신",
        schedule=(time(7, 30),),
        run=refresh_stocks,
        timeout=timedelta(minutes=10),
        catch_up=CatchUp.LATEST,
    ),
    JobSpec(
        name="crawl_news",
        summary="뉴스 수집",
        schedule="*/10 * * * *",
        run=crawl_news,
        timeout=timedelta(minutes=8),
        catch_up=CatchUp.LATEST,
        after=("refresh_stocks",),
    ),
    JobSpec(
        name="search_stock_news",
        summary="종목별 뉴스 검색",
        schedule="*/10 * * * *",
        run=search_stock_news,
        timeout=timedelta(minutes=9),
        catch_up=CatchUp.LATEST,
        after=("refresh_stocks", "crawl_news"),
    ),
    JobSpec(
        name="crawl_disclosures",
        summary="공시 수집",
        schedule="*/5 * * * *",
        run=crawl_disclosures,
        timeout=timedelta(minutes=4, seconds=30),
        catch_up=CatchUp.LATEST,
        after=("refresh_stocks",),
    ),
    JobSpec(
        name="embed_news",
        summary="뉴스 임베딩",
        schedule="*/10 * * * *",
        run=embed_news,
        timeout=timedelta(minutes=30),
        catch_up=CatchUp.BACKLOG,
        after=("crawl_news", "search_stock_news"),
    ),
    JobSpec(
        name="collect_daily_bars",
        summary="일봉 수집",
        schedule=(time(15, 40),),
        run=collect_daily_bars,
        timeout=timedelta(hours=1),
        catch_up=CatchUp.LATEST,
        sessions_only=True,
        after=("refresh_stocks",),
    ),
    JobSpec(
        name="collect_market_data",
        summary="전 종목 시세 수집",
        schedule="*/5 9-16 * * *",
        run=collect_market_data,
        timeout=timedelta(minutes=4),
        catch_up=CatchUp.LATEST,
        sessions_only=True,
        after=("refresh_stocks",),
    ),
    JobSpec(
        name="collect_investor_trends",
        summary="투자자별 매매 동향 수집",
        schedule=(time(16),),
        run=collect_investor_trends,
        timeout=timedelta(hours=1),
        catch_up=CatchUp.LATEST,
        sessions_only=True,
        after=("refresh_stocks",),
    ),
    JobSpec(
        name="collect_minute_bars",
        summary="분봉 수집",
        schedule="* 9-16 * * *",
        run=collect_minute_bars,
        timeout=timedelta(seconds=55),
        catch_up=CatchUp.LATEST,
        sessions_only=True,
        after=("refresh_stocks",),
    ),
    JobSpec(
        name="repair_minute_bars",
        summary="분봉 보정",
        schedule=(time(15, 50),),
        run=repair_minute_bars,
        timeout=timedelta(hours=2),
        catch_up=CatchUp.LATEST,
        sessions_only=True,
        after=("refresh_stocks",),
    ),
    JobSpec(
        name="refresh_calendar",
        summary="거래일 달력 확인",
        schedule=(time(7),),
        run=refresh_calendar,
        timeout=timedelta(minutes=5),
        catch_up=CatchUp.LATEST,
    ),
    JobSpec(
        name="collect_overtime",
        summary="시간외 거래 수집",
        schedule=(time(18), time(20, 5)),
        run=collect_overtime,
        timeout=timedelta(hours=1),
        catch_up=CatchUp.LATEST,
        sessions_only=True,
        after=("refresh_stocks",),
    ),
    JobSpec(
        name="collect_index_daily",
        summary="지수·업종 일봉 수집",
        schedule=(time(18),),
        run=collect_index_daily,
        timeout=timedelta(minutes=30),
        catch_up=CatchUp.LATEST,
        sessions_only=True,
    ),
    JobSpec(
        name="collect_product_info",
        summary="상품 정보 수집",
        schedule="0 1 * * sun",
        run=collect_product_info,
        timeout=timedelta(hours=2),
        catch_up=CatchUp.LATEST,
        after=("refresh_stocks",),
    ),
    JobSpec(
        name="collect_financials",
        summary="재무비율 수집",
        schedule="0 2 * * sun",
        run=collect_financials,
        timeout=timedelta(hours=2),
        catch_up=CatchUp.LATEST,
        after=("refresh_stocks",),
    ),
    JobSpec(
        name="match_news",
        summary="뉴스와 종목 연결, 이후 등락 기록",
        schedule=(time(15, 40),),
        run=match_news,
        timeout=timedelta(minutes=30),
        catch_up=CatchUp.BACKLOG,
        sessions_only=True,
        after=("crawl_news", "collect_daily_bars"),
    ),
    JobSpec(
        name="generate_reports",
        summary="정기 리포트 작성",
        schedule=REPORTS_AT,
        run=generate_reports,
        timeout=timedelta(hours=1),
        catch_up=TodayIfWithin(timedelta(hours=2)),
        sessions_only=True,
        after=("refresh_stocks", "collect_daily_bars"),
    ),
    JobSpec(
        name="compare_sources",
        summary="두 수집원의 일봉 비교",
        schedule=(time(16, 20),),
        run=compare_sources,
        timeout=timedelta(minutes=5),
        catch_up=CatchUp.LATEST,
        sessions_only=True,
        after=("collect_daily_bars",),
    ),
    JobSpec(
        name="evaluate_predictions",
        summary="예측 채점",
        schedule=(time(16, 30),),
        run=evaluate_predictions,
        timeout=timedelta(minutes=30),
        catch_up=CatchUp.EVERY_SLOT,
        sessions_only=True,
        after=("collect_daily_bars",),
    ),
    JobSpec(
        name="dispatch_alerts",
        summary="관심종목 알림 보내기",
        schedule="*/10 * * * *",
        run=dispatch_alerts,
        timeout=timedelta(minutes=5),
        catch_up=CatchUp.LATEST,
    ),
    JobSpec(
        name="send_briefs",
        summary="개인 브리핑 보내기",
        schedule=tuple(BRIEFS_AT.values()),
        run=send_briefs,
        timeout=timedelta(minutes=10),
        catch_up=TodayIfWithin(timedelta(hours=2)),
        after=("crawl_news", "collect_daily_bars"),
    ),
    JobSpec(
        name="check_usage",
        summary="사용량·예산 점검",
        schedule="* * * * *",
        run=check_usage,
        timeout=timedelta(minutes=5),
        catch_up=CatchUp.LATEST,
    ),
    JobSpec(
        name="check_health",
        summary="시스템 점검",
        schedule="* * * * *",
        run=check_health,
        timeout=timedelta(minutes=1),
        catch_up=CatchUp.LATEST,
    ),
    JobSpec(
        name="check_strategies",
        summary="전략 점검",
        schedule="* * * * *",
        run=check_strategies,
        timeout=timedelta(seconds=50),
        catch_up=CatchUp.LATEST,
    ),
    JobSpec(
        name="housekeeping",
        summary="정리",
        schedule=(time(3, 30),),
        run=housekeeping,
        timeout=timedelta(minutes=30),
        catch_up=CatchUp.LATEST,
        after=("embed_news",),
    ),
)

JOBS = {spec.name: spec for spec in _SPECS}
"""Every job by name, in the order in which jobs due at once are run."""
