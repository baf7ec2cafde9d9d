"""Disk D: uploads are received here, and an acknowledgement means that bytes are on disk."""

from sarau.intake.appender import Appender
from sarau.intake.arrivals import SMALL_BYTES
from sarau.intake.concatenation import concatenate
from sarau.intake.finished import is_finished
from sarau.intake.intake import Intake
from sarau.intake.naming import Description
from sarau.intake.recovery import RecoveryReport

__all__ = [
    "SMALL_BYTES",
    "Appender",
    "Description",
    "Intake",
    "RecoveryReport",
    "concatenate",
    "is_finished",
]
