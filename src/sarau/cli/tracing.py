"""Traces of a process that runs until it is told to stop."""

from sarau import settings
from sarau.observe import traces


def start() -> None:
    """Send traces where OpenTelemetry's own variables say; do nothing where they say nothing.

    Raises:
        SettingsError: They do, and the extra `otel` is not installed.

    """
    if not settings.are_traces_wanted():
        return
    try:
        traces.start()
    except ImportError as error:
        raise settings.SettingsError(
            f"OTEL_EXPORTER_OTLP_ENDPOINT: traces need the extra `sarau[otel]`: {error}"
        ) from error
