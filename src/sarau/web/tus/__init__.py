"""The tus 1.0 protocol, and the IETF draft that follows it, over the intake."""

from sarau.web.tus.app import TusApp

__all__ = ["TusApp"]
