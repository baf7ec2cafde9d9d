"""What the function and the catalog's side share: the documents, and the queues between."""

from sarau.landing.documents import Documents
from sarau.landing.presets import PublishedPresets
from sarau.landing.queue import Message, Queue, connect_queue

__all__ = ["Documents", "Message", "PublishedPresets", "Queue", "connect_queue"]
