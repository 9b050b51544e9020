"""What the product is delivered in: the image, the compose file and the systemd unit hold to their promises."""

from __future__ import annotations

import re
import shutil
import subprocess
from configparser import RawConfigParser
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.settings import environment_names

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OF_OTHERS = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "MPLCONFIGDIR"}
"""Variables of Python's and of its libraries."""
LOOPBACK = "127.0.0.1:"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, continued lines joined and comments left out."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def last_stage() -> list[tuple[str, str]]:
    """The instructions of the stage that is delivered."""
    all_of_them = instructions()
    begin = max(number for number, (word, _) in enumerate(all_of_them) if word == "FROM")
    return all_of_them[begin:]


def test_every_image_is_pinned_by_its_tag() -> None:
    images = [rest.partition(" ")[0] for word, rest in instructions() if word == "FROM"]
    images += [service["image"] for service in SERVICES.values()]
    assert len(images) == 6
    assert all(re.search(r":(?!latest$)[\w.-]+$", image) for image in images), images


def test_image_runs_as_nobody_in_particular_and_knows_its_health() -> None:
    delivered = last_stage()
    words = [word for word, _ in delivered]
    assert [rest for word, rest in delivered if word == "USER"] == ["10001:10001"]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert "HEALTHCHECK" in words
    assert ("ENTRYPOINT", '["python", "-m", "bot"]') in delivered


def test_delivered_stage_installs_nothing_and_wheels_come_by_their_hashes() -> None:
    runs = " ".join(rest for word, rest in last_stage() if word == "RUN")
    assert not re.search(r"\b(pip|uv|apt(-get)?|gcc|make)\b", runs)
    (install,) = [rest for word, rest in instructions() if word == "RUN" and "requirements.lock" in rest]
    assert {"--require-hashes", "--only-binary", "--without-pip"} <= set(install.split())


def test_everything_copied_exists_and_passes_the_ignore_file() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        part for word, rest in instructions() if word == "COPY" and "--from" not in rest for part in rest.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)
    assert not any(fnmatch(name, ".env*") for name in let_in)


def environments() -> dict[str, set[str]]:
    """The variables each place sets for the bot."""
    in_image = " ".join(rest for word, rest in last_stage() if word == "ENV")
    return {
        "image": set(re.findall(r"(\w+)=", in_image)),
        "compose": set(SERVICES["bot"]["environment"]),
        "unit": set(re.findall(r"(\w+)=", " ".join(unit_values("Service", "Environment")))),
    }


@pytest.mark.parametrize("place", ["image", "compose", "unit"])
def test_every_variable_is_a_setting_the_product_knows(place: str) -> None:
    named = environments()[place]
    assert named
    assert named <= set(environment_names()) | OF_OTHERS


def test_stores_are_healthy_before_the_bot_and_come_back_by_themselves() -> None:
    stores = SERVICES.keys() - {"bot"}
    assert {name: wait["condition"] for name, wait in SERVICES["bot"]["depends_on"].items()} == dict.fromkeys(
        stores, "service_healthy"
    )
    assert all("healthcheck" in SERVICES[name] for name in stores)
    assert all(service["restart"] == "unless-stopped" for service in SERVICES.values())


def test_stores_keep_their_data_in_named_volumes() -> None:
    kept = {volume.partition(":")[0] for name in SERVICES.keys() - {"bot"} for volume in SERVICES[name]["volumes"]}
    assert kept == COMPOSE["volumes"].keys()
    assert "volumes" not in SERVICES["bot"], "replicas cannot share a data folder"


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith(LOOPBACK) for port in published)


def test_no_secret_stands_in_the_compose_file_and_a_missing_one_stops_the_start() -> None:
    values = [str(value) for service in SERVICES.values() for value in dict(service.get("environment", {})).values()]
    passwords = [value for value in values if "PASSWORD" in value]
    assert len(passwords) == 2
    assert all("${POSTGRES_PASSWORD:?" in value for value in passwords)
    assert SERVICES["bot"]["env_file"] == ".env"


def test_bot_of_the_compose_file_can_change_nothing_but_its_own_data() -> None:
    bot = SERVICES["bot"]
    assert (bot["read_only"], bot["cap_drop"], bot["init"]) == (True, ["ALL"], True)
    assert "no-new-privileges:true" in bot["security_opt"]


def unit_values(section: str, name: str) -> list[str]:
    """Every value of a name in a section of the unit, which may stand there more than once."""
    text = (ROOT / "deploy" / "stockpilot.service").read_text()
    part = text.partition(f"[{section}]\n")[2].partition("\n[")[0]
    return re.findall(rf"^{name}=(.*)$", part, flags=re.MULTILINE)


def test_unit_is_hardened_and_restarts_what_failed() -> None:
    parser = RawConfigParser(strict=False)
    parser.read(ROOT / "deploy" / "stockpilot.service")
    service = parser["Service"]
    hardened = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "DynamicUser": "yes"}
    assert {name: service[name] for name in hardened} == hardened
    assert (service["CapabilityBoundingSet"], service["Restart"]) == ("", "on-failure")
    assert service["ExecStart"].endswith("python -m bot")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_systemd_understands_the_unit_and_finds_it_little_exposed() -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=25", "deploy/stockpilot.service"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "Unknown" not in said.stderr
