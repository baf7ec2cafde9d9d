"""What goes back to the user: sources, renditions, and all of them in one archive."""

from sarau.delivery.archive import Entry, write_archive
from sarau.delivery.deliverable import Deliverable, Delivery

__all__ = ["Deliverable", "Delivery", "Entry", "write_archive"]
