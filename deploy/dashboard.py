"""Writes the Grafana dashboard beside it: `python deploy/dashboard.py`.

A test keeps the file, the alerts and the figures in step (tests/web/test_dashboard.py).
"""

import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("grafana-dashboard.json")

_QUANTILES = (0.5, 0.99)


def _quantile(quantile: float, name: str, by: str) -> str:
    return (
        f"histogram_quantile({quantile}, sum by (le, {by}) (rate({name}_bucket[$__rate_interval])))"
    )


PANELS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Runs waiting and at work",
        "short",
        (
            ("max by (state) (sarau_queue_runs)", "{{state}}"),
            ("max by (priority) (sarau_queue_waiting)", "{{priority}} waiting"),
            ('max(sarau_queue_retries{state="queued"})', "retries waiting"),
        ),
    ),
    (
        "Oldest run",
        "s",
        (
            ("max by (state) (sarau_queue_oldest_seconds)", "{{state}}"),
            ("max(sarau_queue_moved_seconds)", "since anything moved"),
        ),
    ),
    ("Tracks", "short", (("max by (state) (sarau_tracks)", "{{state}}"),)),
    (
        "Stages: duration, p50 and p99",
        "s",
        tuple(
            (_quantile(q, "sarau_stage_duration_seconds", "stage"), f"{{{{stage}}}} p{q * 100:g}")
            for q in _QUANTILES
        ),
    ),
    (
        "Stages: outcomes",
        "ops",
        (
            (
                (
                    "sum by (stage, outcome) (rate(sarau_stage_duration_seconds_count"
                    "[$__rate_interval]))"
                ),
                "{{stage}} {{outcome}}",
            ),
        ),
    ),
    (
        "Landings: messages of the function that wait",
        "short",
        (("max by (queue) (sarau_landing_messages)", "{{queue}}"),),
    ),
    (
        "Rejections and failures by code",
        "ops",
        (
            (
                "sum by (stage, code) (rate(sarau_stage_codes_total[$__rate_interval]))",
                "{{stage}} {{code}}",
            ),
        ),
    ),
    (
        "Workers",
        "short",
        (
            ("max(sarau_workers)", "take runs"),
            ("max by (worker) (sarau_worker_runs)", "{{worker}} runs"),
            ("max by (worker) (sarau_worker_silent_seconds)", "{{worker}} silent s"),
            ("sum by (instance) (sarau_stages_active)", "{{instance}} stages"),
        ),
    ),
    (
        "Engine children: memory p99 and duration p99",
        "short",
        (
            (
                _quantile(0.99, "sarau_engine_child_max_rss_bytes", "operation"),
                "{{operation}} bytes",
            ),
            (
                _quantile(0.99, "sarau_engine_child_duration_seconds", "operation"),
                "{{operation}} s",
            ),
        ),
    ),
    (
        "Engine children: processor time",
        "percentunit",
        (
            (
                (
                    "sum by (instance, operation) (rate(sarau_engine_child_cpu_seconds_total"
                    "[$__rate_interval]))"
                ),
                "{{instance}} {{operation}}",
            ),
        ),
    ),
    (
        "Engine children: codes",
        "ops",
        (
            (
                "sum by (operation, code) (rate(sarau_engine_child_codes_total[$__rate_interval]))",
                "{{operation}} {{code}}",
            ),
        ),
    ),
    (
        "Uploads: bytes taken in",
        "Bps",
        (("sum by (instance) (rate(sarau_upload_bytes_total[$__rate_interval]))", "{{instance}}"),),
    ),
    (
        "Uploads",
        "short",
        (
            ("sum(sarau_uploads_active)", "sending now"),
            ('max(sarau_uploads{state="receiving"})', "open"),
            ("sum(increase(sarau_uploads_preempted_total[$__rate_interval]))", "pre-empted"),
        ),
    ),
    ("Uploads: bytes of open ones", "bytes", (("max(sarau_uploads_receiving_bytes)", "bytes"),)),
    (
        "Volumes: free above the reserve",
        "bytes",
        (("min by (volume) (sarau_volume_free_bytes - sarau_volume_reserve_bytes)", "{{volume}}"),),
    ),
    (
        "Volumes: trouble",
        "short",
        (
            ("1 - min by (volume) (sarau_volume_ok)", "{{volume}} not ok"),
            ("max by (volume) (sarau_volume_suspect)", "{{volume}} suspect"),
        ),
    ),
    ("Volumes: inodes", "short", (("min by (volume) (sarau_volume_free_inodes)", "{{volume}}"),)),
    (
        "Requests: p99",
        "s",
        ((_quantile(0.99, "sarau_http_request_duration_seconds", "area"), "{{area}}"),),
    ),
    (
        "Requests",
        "reqps",
        (
            (
                (
                    "sum by (area, status) (rate(sarau_http_request_duration_seconds_count"
                    "[$__rate_interval]))"
                ),
                "{{area}} {{status}}",
            ),
            (
                "sum by (status) (rate(sarau_http_heads_refused_total[$__rate_interval]))",
                "head refused {{status}}",
            ),
        ),
    ),
    (
        "Catalog",
        "short",
        (
            ("sarau_database_connections", "{{instance}} {{state}}"),
            ("sarau_database_up", "{{instance}} up"),
        ),
    ),
    ("Events", "ops", (("max(rate(sarau_events_total[$__rate_interval]))", "recorded"),)),
    (
        "Library",
        "short",
        (("max(sarau_objects)", "objects"), ("max(sarau_objects_damaged)", "damaged")),
    ),
    ("Scrub: longest unread", "s", (("max(sarau_scrub_oldest_seconds)", "age"),)),
    ("Versions", "short", (("sum by (version) (sarau_build_info)", "{{version}}"),)),
)


def dashboard() -> dict[str, Any]:
    """Return the dashboard, three panels to a row."""
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "title": "Sarau",
        "uid": "sarau",
        "tags": ["sarau"],
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "templating": {
            "list": [
                {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": [
            {
                "id": number + 1,
                "type": "timeseries",
                "title": title,
                "datasource": source,
                "gridPos": {"h": 8, "w": 8, "x": number % 3 * 8, "y": number // 3 * 8},
                "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
                "targets": [
                    {
                        "refId": chr(65 + n),
                        "datasource": source,
                        "expr": expr,
                        "legendFormat": legend,
                    }
                    for n, (expr, legend) in enumerate(targets)
                ],
            }
            for number, (title, unit, targets) in enumerate(PANELS)
        ],
    }


def text() -> str:
    """Return the file's content."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
