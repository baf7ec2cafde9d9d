"""Asking others about a recording: AcoustID. Off unless a key is set, and only when asked."""

from sarau.lookup.acoustid import AcoustId, Artist, Suggestion

__all__ = ["AcoustId", "Artist", "Suggestion"]
