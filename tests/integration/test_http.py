"""The HTTP port over real HTTP."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from bot.http import open_http
from bot.http_address import address_of, is_loopback
from core.errors import BadSettings, Unavailable
from core.health.kept import kept_of, watch
from core.health.probe import Finding, Probe
from core.health.report import Component, HealthReport, Status
from core.health.service import REUSED_FOR
from core.services import Services
from core.settings import HttpSettings
from core.usage.aggregates import refresh
from tests.conftest import NOW, OpenServices

Client = tuple[ClientSession, Services]


@pytest.fixture
async def client(open_test_services: OpenServices) -> AsyncIterator[Client]:
    """A client of the port, and the services behind it."""
    async with (
        open_test_services(http={"port": 0}, openai={"api_key": "sk-abcdefghijklmnopqrstuvwxyz"}) as services,
        open_http(services) as address,
    ):
        assert address is not None
        async with ClientSession(address) as session:
            yield session, services


def critical(error: Exception | None) -> Probe:
    """A component without which nothing works, and how it is."""

    async def look(_services: Services) -> Finding:
        if error is not None:
            raise error
        return Finding()

    return Probe(name="telegram", look=look, critical=True)


async def test_it_is_off_unless_a_port_is_set(services: Services) -> None:
    async with open_http(services) as address:
        assert address is None


async def test_health_is_the_fixed_schema_and_503_when_unhealthy(client: Client) -> None:
    session, services = client
    watch(services, critical(None))
    async with session.get("/health") as answer:
        report = HealthReport.model_validate_json(await answer.text())
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert "Server" not in answer.headers
    assert {"postgresql", "redis", "milvus", "event_loop", "telegram"} <= {each.name for each in report.components}
    watch(services, critical(Unavailable("gone")))
    services.clock.move(REUSED_FOR)  # type: ignore[attr-defined]
    async with session.get("/health") as answer:
        assert answer.status == 503
        assert HealthReport.model_validate_json(await answer.text()).status is Status.UNHEALTHY


async def test_one_component_is_200_503_or_404(client: Client) -> None:
    session, services = client
    watch(services, critical(Unavailable("gone")))
    for name, code, status in (("redis", 200, Status.HEALTHY), ("telegram", 503, Status.UNHEALTHY)):
        async with session.get(f"/health/{name}") as answer:
            assert answer.status == code
            assert Component.model_validate_json(await answer.text()).status is status
    async with session.get("/health/nothing") as answer:
        assert answer.status == 404
        assert "redis" in (await answer.json())["components"]


async def test_the_database_and_all_that_is_outside_go_by_the_names_machines_know(client: Client) -> None:
    session, _ = client
    async with session.get("/health/database") as answer:
        assert Component.model_validate_json(await answer.text()).name == "postgresql"
    async with session.get("/health/external-apis") as answer:
        names = {each.name for each in HealthReport.model_validate_json(await answer.text()).components}
    assert "openai" in names
    assert "redis" not in names


async def test_metrics_name_the_leader_while_one_leads(client: Client) -> None:
    session, services = client
    async with session.get("/metrics") as answer:
        assert "leader_since_timestamp_seconds{" not in await answer.text()
    async with services.db.begin() as conn:
        await conn.execute(
            text(
                "INSERT INTO leader (name, owner, epoch, since, lease_until)"
                " VALUES ('bot', 'host:1', 1, :at, clock_timestamp() + interval '1 minute')"
            ),
            {"at": NOW},
        )
    async with session.get("/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    (since,) = (family for family in families if family.name == "stockpilot_leader_since_timestamp_seconds")
    assert [(sample.labels, sample.value) for sample in since.samples] == [({"owner": "host:1"}, NOW.timestamp())]


async def test_metrics_are_prometheus_text(client: Client) -> None:
    session, services = client
    kept_of(services).loop.note(0.25, at=1.0)
    async with services.db.begin() as conn:
        insert = "INSERT INTO job_run (job, slot, state, epoch, started_at, finished_at) VALUES"
        for minute, state in enumerate(("succeeded", "succeeded", "failed")):
            at = NOW + timedelta(minutes=minute)
            await conn.execute(text(f"{insert} ('crawl_news', :at, :state, 1, :at, :at)"), {"at": at, "state": state})
        await conn.execute(
            text(
                "INSERT INTO usage_record (at, provider, endpoint, model, purpose, cost_usd, request_id, error_code)"
                " VALUES (:at, 'openai', 'e', 'm', 'p', 0.25, 'a', NULL), (:at, 'openai', 'e', 'm', 'p', 0.5, 'b', 'x')"
            ),
            {"at": NOW},
        )
        await refresh(conn, NOW.date(), at=NOW)
    async with session.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        written = await answer.text()
    families = {family.name: family for family in text_string_to_metric_families(written)}
    samples = {
        (sample.name.removeprefix("stockpilot_"), *sorted(sample.labels.values())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert all(family.documentation for family in families.values())
    assert samples["healthy",] == 1
    assert samples["component_up", "postgresql"] == 1
    assert samples["component_up", "openai"] == 0
    assert ("component_up", "kis") not in samples
    assert samples["component_status", "kis", "not_configured"] == 1
    assert samples["component_latency_seconds", "redis"] >= 0
    assert samples["job_runs", "crawl_news", "succeeded"] == 2
    assert samples["job_last_success_timestamp_seconds", "crawl_news"] == (NOW + timedelta(minutes=1)).timestamp()
    assert samples["usage_calls_today", "m", "openai"] == 2
    assert samples["usage_failed_today", "m", "openai"] == 1
    assert samples["usage_cost_today_usd", "m", "openai"] == 0.75
    assert samples["outbox_waiting",] == samples["outbox_trouble", "failed"] == 0
    assert samples["event_loop_lag_max_seconds",] == 0.25
    assert samples["resident_bytes",] > 1_000_000
    assert samples["database_pool_most",] == 10
    assert samples["cpu_seconds_total",] > 0
    assert "sk-abcdef" not in written


@pytest.mark.parametrize("path", ["/", "/metrics/", "/health/", "/health/redis/x", "/api", "/health/../metrics/x"])
async def test_nothing_else_answers(client: Client, path: str) -> None:
    async with client[0].get(path) as answer:
        assert answer.status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_it_is_read_only(client: Client, method: str) -> None:
    async with client[0].request(method, "/health") as answer:
        assert answer.status == 405


@pytest.mark.parametrize(
    ("host", "status"), [("evil.example", 403), ("127.0.0.1.evil.example", 403), ("localhost", 200)]
)
async def test_a_name_made_to_point_here_reads_nothing(client: Client, host: str, status: int) -> None:
    async with client[0].get("/health/redis", headers={"Host": host}) as answer:
        assert answer.status == status


async def test_a_taken_port_is_one_line(open_test_services: OpenServices) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with open_test_services(http={"port": port}) as services:
            with pytest.raises(BadSettings, match=f"HTTP_PORT: 127.0.0.1:{port}: "):
                async with open_http(services):
                    pass


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "http://127.0.0.1:9"), ("0.0.0.0", "http://127.0.0.1:9"), ("::", "http://[::1]:9")],
)
def test_the_address_on_this_machine(host: str, address: str) -> None:
    assert address_of(HttpSettings(port=9, host=host)) == address


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a.b", False)],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
