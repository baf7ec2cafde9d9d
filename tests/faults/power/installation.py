"""An installation on three disks, and the server that is at work on it."""

from dataclasses import dataclass
from pathlib import Path

from tests.servers import Server

from sarau.settings import Settings

SERVED = Path(__file__).parent / "served.py"


@dataclass(frozen=True)
class Installation:
    """D, E and the catalog, each on a disk of its own: what one flushes covers no other."""

    d: Path
    e: Path
    catalog: Path

    @property
    def settings(self) -> Settings:
        return Settings(
            data=self.catalog,
            intake=self.d / "intake",
            library=str(self.e / "library"),
            reserve_bytes=0,
        )

    def server(self, mutant: str) -> Server:
        settings = self.settings
        server = Server(
            settings.data,
            SARAU_INTAKE=str(settings.intake),
            SARAU_LIBRARY=str(settings.library),
            SARAU_RESERVE_BYTES="0",
        )
        server.program = (str(SERVED), mutant)
        return server
