"""The dashboard and the alerts speak of figures that exist."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sarau.app import open_app
from sarau.settings import load
from sarau.web.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
_NAME = re.compile(r"\bsarau_[a-z0-9_]+")
_SUFFIXES = {
    "histogram": ("_bucket", "_count", "_sum"),
    "counter": ("_total",),
    "gauge": ("",),
}


@pytest.fixture
def figures(tmp_path: Path) -> dict[str, set[str]]:
    """Return the names that a server exports, by figure."""
    with open_app(load({}, data=tmp_path, reserve_bytes=0), work=False) as app:
        text = Metrics(app).text().decode()
    return {
        family.name: {family.name + suffix for suffix in _SUFFIXES[family.type]}
        for family in text_string_to_metric_families(text)
        if family.name.startswith("sarau_") and not family.name.endswith("_created")
    }


@pytest.fixture
def dashboard() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dashboard", DEPLOY / "dashboard.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_dashboard_is_what_its_script_writes(dashboard: ModuleType) -> None:
    assert dashboard.TARGET.read_text() == dashboard.text()


@pytest.mark.parametrize("file", ["grafana-dashboard.json", "alerts.yml"])
def test_every_figure_that_is_asked_for_exists(figures: dict[str, set[str]], file: str) -> None:
    exported = {name for names in figures.values() for name in names}
    asked = set(_NAME.findall((DEPLOY / file).read_text()))
    assert asked
    assert asked <= exported


def test_every_figure_is_on_the_dashboard(figures: dict[str, set[str]]) -> None:
    shown = set(_NAME.findall((DEPLOY / "grafana-dashboard.json").read_text()))
    assert [name for name, names in figures.items() if not names & shown] == []


def test_the_guide_explains_every_alert() -> None:
    guide = (DEPLOY.parent / "docs/guide/operating.md").read_text()
    alerts = re.findall(r"alert: (\w+)", (DEPLOY / "alerts.yml").read_text())
    assert [alert for alert in alerts if f"`{alert}`" not in guide] == []


def test_prometheus_takes_the_alerts_and_they_fire_when_they_should(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "alerts.yml", tmp_path)
    shutil.copy(Path(__file__).with_name("alerts.test.yml"), tmp_path)
    done = subprocess.run(
        ["promtool", "test", "rules", "alerts.test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
