"""Rendering, verifying and storing some renditions of a track, in one go."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sarau.audio import Analysis, Engine, Rendition, to_plain
from sarau.catalog import Database
from sarau.library import ObjectRef, ObjectStore
from sarau.model.lifecycle import Stage
from sarau.model.preset import Preset
from sarau.observe import traces
from sarau.observe.work import stage
from sarau.pipeline.outcome import Plain
from sarau.pipeline.promotion import referring_to

Told = Callable[[Stage, float], None]
"""Takes the stage and how much of it is done; raises CancelledRunError to end the work."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """The engine, and the library that takes what it makes."""

    database: Database
    library: ObjectStore
    engine: Engine

    def make(
        self,
        source: Path,
        analysis: Analysis,
        preset: Preset,
        names: Collection[str] | None,
        work_name: str,
        told: Told,
    ) -> list[Plain]:
        """Make all renditions of `preset`, or those named, each an object that the catalog knows.

        Rendering and verifying go together because the evidence holds for just the bytes
        that were measured: a power cut between two checkpoints could leave other ones
        under the same name.
        """
        work_dir = self.library.make_work_dir(work_name)
        try:
            with stage("render"):
                files = self.engine.render(
                    source,
                    analysis,
                    preset,
                    work_dir,
                    names=names,
                    on_progress=_part(told, Stage.RENDER),
                )
            told(Stage.VERIFY, 0.0)
            with stage("verify"):
                verified = self.engine.verify(
                    source, analysis, preset, files, work_dir, on_progress=_part(told, Stage.VERIFY)
                )
            with stage("adopt"):
                stored = self._adopt_all(verified, told)
        finally:
            self.library.remove_work_dir(work_name)
        return [
            {"rendered": to_plain(rendered), "sha256": ref.sha256, "size_bytes": ref.size_bytes}
            for rendered, ref in zip(verified, stored, strict=True)
        ]

    def _adopt_all(self, verified: Sequence[Rendition], told: Told) -> list[ObjectRef]:
        stored: list[ObjectRef] = []
        try:
            for rendered in verified:
                # The run may have ended while the last one was on its way.
                told(Stage.PUBLISH, 0.0)
                stored.append(self._adopt(rendered))
        finally:
            # The collector finds only what the catalog knows, and this run may end here.
            if stored:
                with referring_to(self.database, self.library, stored):
                    pass
        return stored

    def _adopt(self, rendered: Rendition) -> ObjectRef:
        spec = rendered.file.spec
        named = {"sarau.rendition": spec.name, "sarau.format": spec.format}
        with traces.span(f"rendition {spec.name}", named) as span:
            stored = self.library.adopt(rendered.file.path)
            span.note({"sarau.sha256": stored.sha256, "sarau.size_bytes": stored.size_bytes})
        return stored


def _part(told: Told, of: Stage) -> Callable[[float], None]:
    return lambda fraction: told(of, fraction)
