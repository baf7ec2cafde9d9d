"""The database (RDS's place): what is known, and the record of every operation.

Query modules take an open connection, so that a caller can put a state change,
its event and the start of a run into one transaction.
"""

from sarau.catalog.database import Database
from sarau.catalog.schema import migrate

__all__ = ["Database", "migrate"]
