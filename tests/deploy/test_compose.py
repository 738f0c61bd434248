"""docker-compose.yml and the Dockerfile as data: what can be known of them without Docker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from cli.settings import load_settings

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
DEMO_ENV: Final = ROOT / "deploy" / "demo.env"

STAGES: Final = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL))
OURS: Final = [name for name, service in SERVICES.items() if "build" in service]
SCORERS: Final = [name for name in OURS if "FRAUD_SCORER__SLOT" in SERVICES[name].get("environment", {})]
# Images that bring a health check of their own.
CHECKED_IMAGES: Final = ("axllent/mailpit",)
SECRET_NAME: Final = re.compile(r"(?i)(password|passwd|secret|token|api_?key|access_key|credential)\w*\s*[=:]\s*\S")


def environment(service: dict[str, Any]) -> dict[str, str]:
    """What a service's process finds, as Compose puts it together."""
    from_file = dict(demo_lines()) if "env_file" in service else {}
    return {**from_file, **{name: str(value) for name, value in service.get("environment", {}).items()}}


def demo_lines() -> Iterator[tuple[str, str]]:
    for line in DEMO_ENV.read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value


def lock_names(lock: str) -> set[str]:
    text = (ROOT / "requirements" / lock).read_text()
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))


@pytest.mark.parametrize("name", OURS)
def test_what_is_built_is_a_stage_of_the_dockerfile(name: str) -> None:
    assert SERVICES[name]["build"]["target"] in STAGES


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in OURS])
def test_what_is_pulled_has_a_version_or_a_variable_for_it(name: str) -> None:
    assert re.search(r":(v?\d+\.\d+\.\d+|\$\{\w+_TAG:-\w+\})$", SERVICES[name]["image"])


def test_every_stage_starts_from_the_pinned_image_or_another_stage() -> None:
    base = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert base
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", base[1])
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) <= {"${PYTHON_IMAGE}", *STAGES}


def test_everything_from_an_index_is_installed_by_hash() -> None:
    installs = re.findall(r"pip .*?install .*", DOCKERFILE)
    assert installs
    assert [line for line in installs if "--require-hashes" not in line and "--no-deps dist/" not in line] == []


def test_what_the_dockerfile_copies_is_there_and_not_ignored() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for sources in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists()
            assert any(source == path or source.startswith(f"{path}/") for path in kept), source


def test_images_run_as_a_numbered_user_who_is_not_root() -> None:
    (user,) = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert f"USER {user}" in STAGES["runtime"]
    assert [service.get("user") for service in SERVICES.values() if "user" in service] == []


def test_an_image_that_scores_holds_no_provider_and_no_data_frame() -> None:
    assert "score.lock" in STAGES["scorer-packages"]
    assert lock_names("score.lock") & {"twilio", "boto3", "pandas", "pyarrow", "moto", "imbalanced-learn"} == set()


def test_the_tools_that_build_are_those_of_development() -> None:
    def pinned(lock: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9-]+==\S+)", (ROOT / "requirements" / lock).read_text(), re.MULTILINE))

    assert "hatchling" in lock_names("build.lock")
    assert pinned("build.lock") <= pinned("dev.lock")


@pytest.mark.parametrize("name", [name for name in SERVICES if "ports" in SERVICES[name]])
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert [port for port in SERVICES[name]["ports"] if not port.startswith("127.0.0.1:")] == []


def test_no_two_services_publish_one_port() -> None:
    ports = [port.split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == len(set(ports))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_can_come_true(name: str) -> None:
    for other, wish in SERVICES[name].get("depends_on", {}).items():
        service = SERVICES[other]
        if wish["condition"] == "service_healthy":
            in_its_stage = "HEALTHCHECK" in STAGES.get(service.get("build", {}).get("target"), "")
            in_its_image = service.get("image", "").startswith(CHECKED_IMAGES)
            assert "healthcheck" in service or in_its_stage or in_its_image
        else:
            assert wish["condition"] == "service_completed_successfully"
            assert "restart" not in service


@pytest.mark.parametrize("name", OURS)
def test_its_settings_make_sense(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for variable, value in environment(SERVICES[name]).items():
        monkeypatch.setenv(variable, value)
    settings = load_settings().settings
    expected = "localhost:9092" if "environment" not in SERVICES[name] else "kafka:19092"
    assert settings.kafka.bootstrap_servers == expected
    if name == "alerts":
        alerts = settings.alerts
        assert None not in (alerts.sms, alerts.email, alerts.sns, alerts.webhook)


@pytest.mark.parametrize("name", OURS)
def test_ours_run_without_privileges_on_a_file_system_they_cannot_write(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["init"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_each_scorer_has_a_slot_and_prometheus_finds_it() -> None:
    slots = [SERVICES[name]["environment"]["FRAUD_SCORER__SLOT"] for name in SCORERS]
    assert sorted(slots) == [0, 1]
    prometheus = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    (found,) = [config["dns_sd_configs"] for config in prometheus["scrape_configs"] if config["job_name"] == "scorer"]
    for name in SCORERS:
        assert found[0]["names"] == SERVICES[name]["networks"]["default"]["aliases"]


def test_what_is_mounted_from_here_is_here_and_read_only() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", []) if mount.startswith("./")]
    assert mounts
    for mount in mounts:
        source, _, mode = mount.split(":")
        assert (ROOT / source).is_dir()
        assert mode == "ro"


def test_credentials_stand_in_one_file_and_say_that_they_are_for_the_demo() -> None:
    assert DEMO_ENV.read_text().startswith("# DEMO ONLY")
    secrets = {name: value for name, value in demo_lines() if SECRET_NAME.search(f"{name}={value}")}
    assert len(secrets) == 4
    # Base64 of "demo-only", where the form asks for base64.
    assert [name for name, value in secrets.items() if not ("demo-only" in value or "ZGVtby1vbmx5" in value)] == []


@pytest.mark.parametrize(
    "path",
    [
        path.relative_to(ROOT)
        for path in (ROOT / "docker-compose.yml", ROOT / "Dockerfile", *sorted((ROOT / "deploy").rglob("*.*")))
        if path != DEMO_ENV
    ],
    ids=str,
)
def test_no_credential_stands_anywhere_else(path: Path) -> None:
    lines = (ROOT / path).read_text().splitlines()
    assert [line for line in lines if SECRET_NAME.search(line)] == []
