"""The durable pipeline: what happens to a track between received and ready."""

from sarau.pipeline.caretaker import Caretaker
from sarau.pipeline.durable import DurableRuns
from sarau.pipeline.runner import Pipeline, start_run, start_runs

__all__ = ["Caretaker", "DurableRuns", "Pipeline", "start_run", "start_runs"]
