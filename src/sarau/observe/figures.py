"""The figures of this process, for Prometheus.

Only what this process did itself is counted here. What holds for the installation
(queues, tracks, volumes) is asked of the catalog when somebody looks, so any number of
processes say the same; `sarau.web.metrics` does that.
"""

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
)

PROCESS: Final = CollectorRegistry()
ProcessCollector(registry=PROCESS)
GCCollector(registry=PROCESS)

_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
_LONG = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)
_MIB = 1 << 20

requests: Final = Histogram(
    "sarau_http_request_duration_seconds",
    "From the first byte of a request to the last of its answer.",
    ("area", "method", "status"),
    buckets=_QUICK,
    registry=PROCESS,
)
heads_refused: Final = Counter(
    "sarau_http_heads_refused_total",
    "Requests whose headers were too large (431) or came too slowly (408).",
    ("status",),
    registry=PROCESS,
)
upload_bytes: Final = Counter(
    "sarau_upload_bytes_total", "Bytes of uploads taken in by this process.", registry=PROCESS
)
uploads_active: Final = Gauge(
    "sarau_uploads_active", "Requests that are sending bytes now.", registry=PROCESS
)
uploads_preempted: Final = Counter(
    "sarau_uploads_preempted_total",
    "Requests that were told to let go because a newer one came.",
    registry=PROCESS,
)
stages: Final = Histogram(
    "sarau_stage_duration_seconds",
    "A stage of a run, by what came of it.",
    ("stage", "outcome"),
    buckets=_LONG,
    registry=PROCESS,
)
stage_codes: Final = Counter(
    "sarau_stage_codes_total",
    "Stages that ended in a rejection or a failure, by its code.",
    ("stage", "code"),
    registry=PROCESS,
)
stages_active: Final = Gauge(
    "sarau_stages_active", "Stages this process is at now.", ("stage",), registry=PROCESS
)
children: Final = Histogram(
    "sarau_engine_child_duration_seconds",
    "A child of the engine, from its start to its end.",
    ("operation",),
    buckets=_LONG,
    registry=PROCESS,
)
child_cpu: Final = Counter(
    "sarau_engine_child_cpu_seconds_total",
    "Processor time that children of the engine used.",
    ("operation",),
    registry=PROCESS,
)
child_memory: Final = Histogram(
    "sarau_engine_child_max_rss_bytes",
    "The most memory a child of the engine held.",
    ("operation",),
    buckets=tuple(mib * _MIB for mib in (64, 96, 128, 192, 256, 384, 512, 1024, 2048)),
    registry=PROCESS,
)
child_codes: Final = Counter(
    "sarau_engine_child_codes_total",
    "Children that ended in a rejection or a failure, by its code.",
    ("operation", "code"),
    registry=PROCESS,
)
