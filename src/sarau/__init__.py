"""Sarau: send audio in, get it back checked, at the right loudness, in every format."""

__version__ = "0.1.0"
