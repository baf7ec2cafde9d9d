"""The rows of the fault table: what is broken, and what is promised then.

docs/guide/durability.md holds what a run printed; tests/test_fault_table.py compares its rows
with these. The power cuts print their own counts (test_power_cut.py).
"""

from dataclasses import dataclass, replace

KILLED = "server killed at a system call (strace)"
SYNC_D = "`fdatasync` on D: EIO"
SYNC_E = "`fsync` on E: EIO"
UNREADABLE = "a file on D cannot be read: EIO"
FULL_D = "D full, writes cut short"
FULL_E = "E full"
INODES = "D without inodes"
READ_ONLY = "D remounted read-only"
READ_ONLY_E = "E remounted read-only"
HUNG = "D hangs (fsfreeze)"
HUNG_E = "E hangs (fsfreeze)"
UNMOUNTED = "D not mounted"
UNMOUNTED_E = "E not mounted"
WRONG = "another disk in the place of D or E"
ENGINE = "decoder cannot be loaded"

ROWS: dict[str, str] = {
    KILLED: "acknowledged offsets hold, the files are finished",
    SYNC_D: "503 `disk_error`; upload damaged, never synced again; D suspect until a restart",
    SYNC_E: "track `failed` with `disk_error`; E suspect until a restart, then ready",
    UNREADABLE: "track `failed` with `source_damaged`; nothing else is held up",
    FULL_D: "507 `out_of_space` before, 507 `disk_full` while; goes on with room",
    FULL_E: "track `failed` with `disk_full`; ready once there is room",
    INODES: "507, and no upload without its file",
    READ_ONLY: "503 `disk_error`; goes on when it is writable",
    READ_ONLY_E: "track `failed` with `disk_error`; ready once it is writable",
    HUNG: "its uploads wait, everybody else is served",
    HUNG_E: "uploads are taken meanwhile; the track is ready after it",
    UNMOUNTED: "503 `volume_missing`; nothing is written beneath",
    UNMOUNTED_E: "uploads are taken; track `failed` with `volume_missing`, ready once it is there",
    WRONG: "503 `volume_mismatch`; nothing is written to it; no start",
    ENGINE: "track `failed` with `engine_missing`; ready once it is mended",
}


@dataclass(frozen=True)
class Row:
    """What a run of the tests met."""

    promise: str
    points: int = 0
    hit: int = 0
    lost: int = 0

    def plus(self, points: int, hit: int, lost: int) -> "Row":
        return replace(self, points=self.points + points, hit=self.hit + hit, lost=self.lost + lost)


def line(fault: str, row: Row) -> str:
    """Return a row of the table in Markdown."""
    return f"| {fault} | {row.points} | {row.hit} | {row.lost} | {row.promise} |"
