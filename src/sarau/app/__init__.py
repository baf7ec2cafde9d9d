"""The composition root: the only place that builds adapters and joins the rooms."""

from sarau.app._root import App, open_app, open_worker

__all__ = ["App", "open_app", "open_worker"]
