"""The formats: container, codec, what each can hold, and how it is encoded.

Multichannel sources: lossless renditions keep all channels, lossy ones are mixed to
stereo, which is what everything that plays them expects; each is brought to the target
by the loudness of its own channels. ALAC, whose channel orders are not those of WAVE, is
mixed like the lossy ones. Bit rates are meant for stereo and halved for mono.
"""

from dataclasses import dataclass, field
from typing import Final

from sarau.audio._types import SourceInfo
from sarau.errors import RejectedCode, RejectedError
from sarau.model.preset import Format, RenditionSpec

_STEREO: Final = 2
_RATES_TO_48K: Final = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
OPUS_GAIN_STEP_DB: Final = 1 / 256
"""What gains of Opus are counted in, in its header and its tags (RFC 7845)."""
_LOSSY_HEADROOM_DB: Final = 1.0
"""The same for all, so that they are encoded from the same samples."""
_LOSSLESS_HEADROOM_DB: Final = 0.05
_AAC_FAST_FROM_BPS: Final = 192_000
_MPEG_1_FROM_HZ: Final = 32_000
_MPEG_2_MAX_BPS: Final = 160_000
_LAME_SCALES: Final = ((192_000, 0.95), (224_000, 0.97), (256_000, 0.98))
"""Below which rate LAME multiplies what it is given by how much: its `presets.c`, and measured."""
_CD_BITS: Final = 16
_STUDIO_BITS: Final = 24


@dataclass(frozen=True, slots=True)
class FormatTraits:
    """What one format is and can do."""

    media_type: str
    muxer: str
    codec: str
    max_channels: int
    rates_hz: tuple[int, ...] | None
    """The sample rates it can hold, ascending; None for any."""
    headroom_db: float
    """How far below the ceiling to stay before encoding, as decoding overshoots."""
    lossless: bool = False
    planar: bool = False
    """Whether the encoder takes one plane per channel."""
    deep_codec: str | None = None
    """The codec for 24 bits, where it is another one."""
    max_bytes: int | None = None
    """What the container can count of samples."""
    has_output_gain: bool = False
    """Whether its header has a gain that every decoder applies."""
    muxer_options: dict[str, str] = field(default_factory=dict)


TRAITS: Final[dict[Format, FormatTraits]] = {
    Format.FLAC: FormatTraits(
        media_type="audio/flac",
        muxer="flac",
        codec="flac",
        max_channels=8,
        rates_hz=None,
        headroom_db=_LOSSLESS_HEADROOM_DB,
        lossless=True,
    ),
    Format.MP3: FormatTraits(
        media_type="audio/mpeg",
        muxer="mp3",
        codec="libmp3lame",
        max_channels=_STEREO,
        rates_hz=_RATES_TO_48K,
        headroom_db=_LOSSY_HEADROOM_DB,
        planar=True,
        muxer_options={"id3v2_version": "4"},
    ),
    Format.AAC: FormatTraits(
        media_type="audio/mp4",
        muxer="ipod",
        codec="aac",
        max_channels=_STEREO,
        rates_hz=_RATES_TO_48K,
        headroom_db=_LOSSY_HEADROOM_DB,
        planar=True,
        muxer_options={"movflags": "+faststart"},
    ),
    Format.OPUS: FormatTraits(
        media_type="audio/ogg",
        muxer="opus",
        codec="libopus",
        max_channels=_STEREO,
        rates_hz=(48000,),
        headroom_db=_LOSSY_HEADROOM_DB,
        has_output_gain=True,
    ),
    # Encoded by `_vorbis`, not by FFmpeg.
    Format.VORBIS: FormatTraits(
        media_type="audio/ogg",
        muxer="ogg",
        codec="libvorbis",
        max_channels=_STEREO,
        rates_hz=_RATES_TO_48K,
        headroom_db=_LOSSY_HEADROOM_DB,
    ),
    # Not encoded: made of the packets of the AAC renditions.
    Format.HLS: FormatTraits(
        media_type="application/zip",
        muxer="mp4",
        codec="aac",
        max_channels=_STEREO,
        rates_hz=_RATES_TO_48K,
        headroom_db=_LOSSY_HEADROOM_DB,
    ),
    Format.WAV: FormatTraits(
        media_type="audio/wav",
        muxer="wav",
        codec="pcm_s16le",
        deep_codec="pcm_s24le",
        max_channels=8,
        rates_hz=None,
        headroom_db=_LOSSLESS_HEADROOM_DB,
        lossless=True,
        max_bytes=(1 << 32) - (1 << 20),
    ),
    Format.ALAC: FormatTraits(
        media_type="audio/mp4",
        muxer="ipod",
        codec="alac",
        max_channels=_STEREO,
        rates_hz=None,
        headroom_db=_LOSSLESS_HEADROOM_DB,
        lossless=True,
        planar=True,
        muxer_options={"movflags": "+faststart"},
    ),
}


def output_channels(spec: RenditionSpec, source: SourceInfo) -> int:
    """Return how many channels a rendition of `source` has."""
    traits = TRAITS[spec.format]
    return source.channels if source.channels <= traits.max_channels else _STEREO


def is_mixed(spec: RenditionSpec, source: SourceInfo) -> bool:
    """Tell whether a rendition has the stereo mix of `source` and not its own channels."""
    return output_channels(spec, source) != source.channels


def output_layout(spec: RenditionSpec, source: SourceInfo) -> str:
    """Return the layout of a rendition, by FFmpeg's name."""
    return "stereo" if is_mixed(spec, source) else source.channel_layout


def output_rate_hz(spec: RenditionSpec, source: SourceInfo) -> int:
    """Return the sample rate of a rendition: the source's own where the format has it."""
    rates = TRAITS[spec.format].rates_hz
    rate = source.sample_rate_hz
    if rates is None or rate in rates:
        return rate
    if len(rates) > 1 and rate > rates[-1]:
        return 44100 if rate % 44100 == 0 else 48000
    return next((held for held in rates if held > rate), rates[-1])


def output_samples(spec: RenditionSpec, source: SourceInfo) -> int:
    """Return how many samples a rendition of `source` has in each channel."""
    return -(-source.samples * output_rate_hz(spec, source) // source.sample_rate_hz)


def output_bits(spec: RenditionSpec, source: SourceInfo) -> int:
    """Return the bit depth of a lossless rendition: 24 for what is deeper than 16."""
    if spec.bit_depth is not None:
        return spec.bit_depth
    return _STUDIO_BITS if source.lossless and (source.bit_depth or 0) > _CD_BITS else _CD_BITS


def codec_name(spec: RenditionSpec, bits: int) -> str:
    """Return FFmpeg's name of the encoder."""
    traits = TRAITS[spec.format]
    return traits.deep_codec or traits.codec if bits > _CD_BITS else traits.codec


def sample_format(spec: RenditionSpec, bits: int) -> str:
    """Return FFmpeg's name of what the encoder takes."""
    traits = TRAITS[spec.format]
    packed = "flt" if not traits.lossless else "s16" if bits == _CD_BITS else "s32"
    return f"{packed}p" if traits.planar else packed


def check_room(spec: RenditionSpec, source: SourceInfo) -> None:
    """Refuse what the container cannot count, before it is written.

    Raises:
        RejectedError: `too_long`.

    """
    limit = TRAITS[spec.format].max_bytes
    size = source.samples * output_channels(spec, source) * output_bits(spec, source) // 8
    if limit is not None and size > limit:
        detail = f"{size} bytes of samples, {spec.format} holds {limit}"
        raise RejectedError(RejectedCode.TOO_LONG, detail)


def codec_options(spec: RenditionSpec) -> dict[str, str]:
    """Return the encoder's options for `spec`."""
    options: dict[str, str] = {}
    if spec.format is Format.AAC and (spec.bitrate_bps or 0) >= _AAC_FAST_FROM_BPS:
        # At these rates the fast coder without its two tricks is better and cheaper than
        # the slow one (37.3 against 33.7 dB of signal to noise at 256 kb/s); at 128 kb/s
        # it no longer is.
        options |= {"aac_coder": "fast", "aac_pns": "0", "aac_is": "0"}
    if spec.format is Format.MP3 and spec.quality is not None:
        # `q` is not read by the library's wrapper; the quality in lambda units is.
        options |= {"global_quality": str(118 * spec.quality), "flags": "+qscale"}
    if spec.format is Format.FLAC and spec.quality is not None:
        options["compression_level"] = str(spec.quality)
    return options


def bitrate_bps(spec: RenditionSpec, channels: int) -> int | None:
    """Return the bit rate to ask for with this many channels."""
    if spec.bitrate_bps is None:
        return None
    return spec.bitrate_bps * channels // _STEREO


def encoder_scale(spec: RenditionSpec, rate_hz: int, channels: int) -> float:
    """Return what the encoder multiplies samples by, which nobody has asked it for.

    LAME does so at constant bit rates, to have less to clip; FFmpeg's wrapper has no option for it.
    """
    rate_bps = bitrate_bps(spec, channels)
    if spec.format is not Format.MP3 or rate_bps is None:
        return 1.0
    if rate_hz < _MPEG_1_FROM_HZ:
        rate_bps = min(rate_bps, _MPEG_2_MAX_BPS)
    return next((scale for below, scale in _LAME_SCALES if rate_bps < below), 1.0)
