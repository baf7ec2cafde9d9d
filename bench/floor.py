"""The floor: one decode, and the bare encoders fed frames that they need not convert.

    python -m bench.floor FILE

Prints the CPU seconds of each. Nothing is written, and nothing is measured or verified.
"""

import subprocess
import sys
import time
from pathlib import Path

from sarau.model.preset import PRESETS, RenditionSpec

PRESET = PRESETS["streaming"]


def floor_cpu(source: Path) -> float:
    """Return the CPU seconds of the floor, in a process of its own."""
    command = [sys.executable, "-m", "bench.floor", str(source)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return sum(float(line.split()[1]) for line in done.stdout.splitlines())


def run(source: Path) -> None:
    from sarau.audio._libraries import load_libraries  # noqa: PLC0415 - LAME comes first

    load_libraries()
    import av  # noqa: PLC0415 - after LAME

    with av.open(str(source)) as container:
        decoded = list(container.decode(container.streams.audio[0]))
    for spec in PRESET.renditions:
        print(spec.name, round(encode(spec, decoded), 3), flush=True)
    spent = time.thread_time()
    with av.open(str(source)) as container:
        for _ in container.decode(container.streams.audio[0]):
            pass
    print("decode", round(time.thread_time() - spent, 3), flush=True)


def encode(spec: RenditionSpec, decoded: list) -> float:  # type: ignore[type-arg] # of AudioFrame
    import av  # noqa: PLC0415 - after LAME

    from sarau.audio._formats import TRAITS, bitrate_bps, codec_options  # noqa: PLC0415

    traits = TRAITS[spec.format]
    context = av.CodecContext.create(traits.codec, "w")
    context.sample_rate = 48_000 if spec.name == "opus" else decoded[0].sample_rate
    context.layout = "stereo"
    context.format = {"flac": "s16", "libopus": "flt"}.get(traits.codec, "fltp")
    context.options = codec_options(spec)
    rate_bps = bitrate_bps(spec, 2)
    if rate_bps:
        context.bit_rate = rate_bps
    context.open()
    resampler = av.AudioResampler(
        context.format.name, "stereo", context.sample_rate, context.frame_size or 4096
    )
    prepared = [each for frame in [*decoded, None] for each in resampler.resample(frame)]
    spent = time.thread_time()
    for frame in [*prepared, None]:
        context.encode(frame)
    return time.thread_time() - spent


if __name__ == "__main__":
    run(Path(sys.argv[1]))
