"""What a run found, as rows of the catalog: the same whoever did the work."""

from pathlib import Path

import sqlalchemy as sa

from sarau.audio import Analysis, from_plain, to_plain
from sarau.audio import Rendition as Rendered
from sarau.catalog import fingerprints, insights, sources, tracks
from sarau.model.clock import now
from sarau.model.ids import RenditionId, new_id
from sarau.model.track import Rendition, Run, Source, Track
from sarau.pipeline.outcome import Plain


def save_analysis(
    connection: sa.Connection,
    run: Run,
    track: Track,
    analysis: Analysis,
    *,
    size_bytes: int,
    object_sha256: str | None,
) -> None:
    """Keep what was measured of a track's source, and what is drawn from it."""
    source = _source(track, analysis, size_bytes, object_sha256)
    sources.save(connection, source, to_plain(analysis.waveform))
    _save_insight(connection, track, analysis)
    _take_names_from_tags(connection, run, track, analysis)


def _source(track: Track, analysis: Analysis, size_bytes: int, object_sha256: str | None) -> Source:
    info = analysis.source
    return Source(
        track_id=track.id,
        object_sha256=object_sha256,
        size_bytes=size_bytes,
        container=info.container,
        codec=info.codec,
        sample_rate_hz=info.sample_rate_hz,
        channels=info.channels,
        bit_depth=info.bit_depth,
        duration_s=info.duration_s,
        loudness=analysis.loudness,
        tags=info.tags,
        warnings=analysis.warnings,
    )


def _save_insight(connection: sa.Connection, track: Track, analysis: Analysis) -> None:
    if analysis.insight is None:
        return
    report = to_plain(analysis.insight)
    del report["spectrogram"]["png"], report["fingerprint"]
    insights.save(
        connection,
        track.id,
        report=report,
        loudness_curve=to_plain(analysis.loudness_curve),
        spectrogram=analysis.insight.spectrogram.png,
    )
    if analysis.insight.fingerprint is not None:
        fingerprints.save(connection, track, analysis.insight.fingerprint)


def _take_names_from_tags(
    connection: sa.Connection, run: Run, track: Track, analysis: Analysis
) -> None:
    """Call the track what its tags say, unless a person has called it something already."""
    if run.attempt > 1 or track.artist is not None or track.title != Path(track.filename).stem:
        return
    title, artist = (analysis.source.tags.get(tag) for tag in ("title", "artist"))
    if title or artist:
        tracks.edit(connection, track, title=title, artist=artist)


def to_rendition(run: Run, position: int, made: Plain) -> Rendition:
    """Return the row of a rendition that is an object of the library."""
    rendered = from_plain(Rendered, made["rendered"])
    file, evidence = rendered.file, rendered.evidence
    return Rendition(
        id=RenditionId(new_id()),
        owner_id=run.owner_id,
        track_id=run.track_id,
        run_id=run.id,
        position=position,
        name=file.spec.name,
        object_sha256=made["sha256"],
        media_type=file.media_type,
        extension=file.extension,
        size_bytes=made["size_bytes"],
        sample_rate_hz=file.sample_rate_hz,
        channels=file.channels,
        bitrate_bps=file.bitrate_bps,
        duration_s=file.duration_s,
        gain_db=evidence.gain_db,
        target_lufs=evidence.target_lufs,
        ceiling_dbtp=evidence.ceiling_dbtp,
        loudness=evidence.loudness,
        verdict=evidence.verdict,
        tools=evidence.tools,
        created_at=now(),
    )
