"""The composition root: the only place that builds adapters and joins the rooms."""

from sarau.app._look import describe, look_at_places
from sarau.app._root import App, WorkerApp, open_app, open_worker

__all__ = ["App", "WorkerApp", "describe", "look_at_places", "open_app", "open_worker"]
