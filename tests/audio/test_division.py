"""Which renditions are made together when several workers make them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from tests.sounds import write_music

from sarau.audio import Analysis, Engine, Rendition, divide
from sarau.audio._division import COSTS_S
from sarau.model.preset import PRESETS, Format, Preset, RenditionSpec

STREAMING = PRESETS["streaming"]


@pytest.fixture(scope="module")
def analysis(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return engine.analyse(write_music(tmp_path_factory.mktemp("music") / "a.wav"))


@pytest.mark.parametrize("hands", [2, 3, 4, 9])
def test_every_rendition_is_in_one_group(analysis: Analysis, hands: int) -> None:
    groups = divide(analysis, STREAMING, hands)
    assert len(groups) == min(hands, 4)
    together = [spec for group in groups for spec in group]
    assert sorted(together, key=STREAMING.renditions.index) == list(STREAMING.renditions)


def test_no_hand_has_much_more_to_do_than_another(analysis: Analysis) -> None:
    costs = [
        sum(COSTS_S[spec.format] for spec in group) for group in divide(analysis, STREAMING, 2)
    ]
    assert costs == sorted(costs, reverse=True)
    # Four renditions that cannot be cut: no other division has a smaller greatest part.
    whole = [COSTS_S[spec.format] for spec in STREAMING.renditions]
    parts = (sum(some) for size in (1, 2) for some in combinations(whole, size))
    assert max(costs) == pytest.approx(min(max(part, sum(whole) - part) for part in parts))


def test_every_format_has_a_cost() -> None:
    assert set(COSTS_S) == set(Format)


def test_one_hand_makes_all(analysis: Analysis) -> None:
    assert divide(analysis, STREAMING, 1) == (STREAMING.renditions,)


def test_what_has_to_be_rehearsed_together_is_not_divided(analysis: Analysis) -> None:
    """Without foresight, as of what is mixed down, the loudest rendition is tried for all."""
    blind = replace(analysis, limiting_loss_lu=())
    loud = replace(STREAMING, target_lufs=-6.0, max_limiting_db=12.0)
    assert _is_divided(analysis, loud)
    assert not _is_divided(blind, loud)
    assert _is_divided(blind, replace(loud, target_lufs=None))


def test_an_hls_set_stays_with_its_rates(analysis: Analysis) -> None:
    low = RenditionSpec("aac-64", Format.AAC, bitrate_bps=64_000)
    live = replace(
        STREAMING,
        renditions=(RenditionSpec("hls", Format.HLS), *STREAMING.renditions, low),
    )
    for hands in (2, 3, 9):
        groups = divide(analysis, live, hands)
        assert len(groups) == min(hands, 4)
        assert sorted(spec.name for group in groups for spec in group) == sorted(
            spec.name for spec in live.renditions
        )
        (streams,) = (group for group in groups if live.renditions[0] in group)
        assert {spec.name for spec in streams} >= {"hls", "aac", "aac-64"}


def _is_divided(analysis: Analysis, preset: Preset) -> bool:
    return len(divide(analysis, preset, 2)) > 1


@pytest.mark.parametrize("max_limiting_db", [6.0, 0.5])
def test_groups_made_apart_have_the_bytes_of_all_made_together(
    engine: Engine, tmp_path: Path, max_limiting_db: float
) -> None:
    """Also where the gain stops short of the target, at the least room of the whole preset."""
    source = write_music(tmp_path / "a.wav", seconds=4)
    analysis = engine.analyse(source)
    loud = replace(STREAMING, target_lufs=-9.0, max_limiting_db=max_limiting_db)
    together = _made(engine, source, analysis, loud, tmp_path / "together", None)
    is_limited = [one.file.gain.ceiling_limited for one in together]
    assert is_limited == [max_limiting_db < 1] * 4
    apart: dict[str, bytes] = {}
    for number, group in enumerate(divide(analysis, loud, 4)):
        names = [spec.name for spec in group]
        made = _made(engine, source, analysis, loud, tmp_path / str(number), names)
        assert [one.file.spec for one in made] == list(group)
        apart |= _bytes(made)
    assert apart == _bytes(together)


def test_an_hls_set_is_made_with_its_rates_and_not_without(engine: Engine, tmp_path: Path) -> None:
    source = write_music(tmp_path / "a.wav")
    analysis = engine.analyse(source)
    low = RenditionSpec("aac-64", Format.AAC, bitrate_bps=64_000)
    hls = RenditionSpec("hls", Format.HLS)
    live = replace(STREAMING, renditions=(hls, *STREAMING.renditions, low))
    for number, group in enumerate(divide(analysis, live, 9)):
        names = [spec.name for spec in group]
        made = _made(engine, source, analysis, live, tmp_path / str(number), names)
        assert [one.file.spec for one in made] == list(group)


def _made(
    engine: Engine,
    source: Path,
    analysis: Analysis,
    preset: Preset,
    room: Path,
    names: Sequence[str] | None,
) -> tuple[Rendition, ...]:
    room.mkdir()
    files = engine.render(source, analysis, preset, room, names=names)
    return engine.verify(source, analysis, preset, files, room)


def _bytes(made: Sequence[Rendition]) -> dict[str, bytes]:
    return {one.file.spec.name: one.file.path.read_bytes() for one in made}
