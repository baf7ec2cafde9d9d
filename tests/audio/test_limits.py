"""Limits of time, memory, length and size: each ends the child and has its code."""

import os
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import mutagen.mp4
import pytest
from tests.audio.kitchen import RATE_HZ, Kitchen, wav

from sarau.audio import ChildReport, Engine, Limits
from sarau.audio._sandbox import LIMITED_CLOCK
from sarau.errors import CancelledRunError, FailedCode, FailedError, RejectedCode, RejectedError
from sarau.model.preset import PRESETS

LONG_S = 3600


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An hour of noise at 8 kHz: small, and seconds of work."""
    path = tmp_path_factory.mktemp("long") / "long.wav"
    path.write_bytes(wav(os.urandom(80_000) * (LONG_S // 5), rate=8000, channels=1))
    return path


@pytest.fixture
def small_engine() -> Iterator[list[Engine]]:
    made: list[Engine] = []
    yield made
    for engine in made:
        engine.close()


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            return
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()


def test_a_child_that_was_cancelled_is_reported_as_that(long_file: Path) -> None:
    ended: list[ChildReport] = []

    def cancel(_fraction: float) -> None:
        raise CancelledRunError

    with Engine(on_child=ended.append) as engine, pytest.raises(CancelledRunError):
        engine.analyse(long_file, on_progress=cancel)
    assert [one.code for one in ended] == ["cancelled"]


def test_wall_clock(long_file: Path) -> None:
    with Engine(limits=Limits(max_wall_s=0.3)) as engine, pytest.raises(RejectedError) as caught:
        engine.analyse(long_file)
    assert caught.value.code is RejectedCode.DECODE_TIMEOUT


def test_cpu_time(long_file: Path) -> None:
    limits = Limits(max_cpu_s=1, max_idle_cpu_s=1)
    with Engine(limits=limits) as engine, pytest.raises(RejectedError) as caught:
        engine.analyse(long_file)
    assert caught.value.code is RejectedCode.DECODE_TIMEOUT


def test_progress_moves_the_limit_on_by_the_clock_that_it_is_judged_by() -> None:
    # The timer counts as the limit does; what `getrusage` tells strays from both.
    signal.setitimer(signal.ITIMER_PROF, LONG_S)
    try:
        left_s, used_s = signal.getitimer(signal.ITIMER_PROF)[0], time.clock_gettime(LIMITED_CLOCK)
        while (more_s := time.clock_gettime(LIMITED_CLOCK) - used_s) < 0.2:
            sum(range(1000))
        assert left_s - signal.getitimer(signal.ITIMER_PROF)[0] == pytest.approx(more_s, abs=0.02)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def test_what_is_worked_out_after_the_last_sample_is_progress_too(long_file: Path) -> None:
    # Of an hour of music it takes more than the second that is allowed without any.
    with Engine(limits=Limits(max_idle_cpu_s=1)) as engine:
        assert engine.analyse(long_file).limiting_loss_lu


def test_memory(kitchen: Kitchen, tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes(kitchen.m4a())
    file = mutagen.mp4.MP4(path)
    file["covr"] = [mutagen.mp4.MP4Cover(bytes(150 << 20))]
    file.save()
    limits = Limits(max_memory_bytes=32 << 20)
    with Engine(limits=limits) as engine, pytest.raises(RejectedError) as caught:
        engine.analyse(path)
    assert caught.value.code is RejectedCode.DECODE_MEMORY


def test_length(long_file: Path) -> None:
    with Engine(limits=Limits(max_duration_s=60)) as engine, pytest.raises(RejectedError) as caught:
        engine.analyse(long_file)
    assert caught.value.code is RejectedCode.TOO_LONG


def test_number_of_samples(long_file: Path) -> None:
    with (
        Engine(limits=Limits(max_samples=10_000)) as engine,
        pytest.raises(RejectedError) as caught,
    ):
        engine.analyse(long_file)
    assert caught.value.code is RejectedCode.TOO_LONG


def test_length_that_no_header_tells(tmp_path: Path) -> None:
    path = tmp_path / "streamed.wav"
    path.write_bytes(wav(bytes(4 * RATE_HZ * 5), size=0xFFFFFFFF))
    with Engine(limits=Limits(max_duration_s=3)) as engine, pytest.raises(RejectedError) as caught:
        engine.analyse(path)
    assert caught.value.code is RejectedCode.TOO_LONG


def test_size_of_a_rendition(engine: Engine, kitchen: Kitchen, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(kitchen.wav)
    analysis = engine.analyse(path)
    with (
        Engine(limits=Limits(max_output_bytes=50_000)) as small,
        pytest.raises(RejectedError) as caught,
    ):
        small.render(path, analysis, PRESETS["streaming"], tmp_path)
    assert caught.value.code is RejectedCode.TOO_LONG


def test_crash_of_the_decoder_is_the_files_fault_and_spares_the_others(
    engine: Engine, long_file: Path, kitchen: Kitchen, tmp_path: Path
) -> None:
    other = tmp_path / "a.flac"
    other.write_bytes(kitchen.flac())
    crashed: list[int] = []

    def crash(_: float) -> None:
        if not crashed:
            zygote = engine._children.zygote().pid
            crashed.extend(children_of(zygote))
            for child in crashed:
                os.kill(child, signal.SIGSEGV)

    with pytest.raises(RejectedError) as caught:
        engine.analyse(long_file, on_progress=crash)
    assert caught.value.code is RejectedCode.DECODER_CRASHED
    assert engine.analyse(other).source.samples > 0


def test_raising_in_the_callback_kills_the_child(engine: Engine, long_file: Path) -> None:
    seen: list[int] = []

    def stop(_: float) -> None:
        seen.extend(children_of(engine._children.zygote().pid))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.analyse(long_file, on_progress=stop)
    assert seen
    for child in seen:
        wait_until_gone(child)


def test_progress_rises_and_is_a_heartbeat(engine: Engine, long_file: Path) -> None:
    told: list[tuple[float, float]] = []
    engine.analyse(long_file, on_progress=lambda part: told.append((time.monotonic(), part)))

    parts = [part for _, part in told]
    assert parts == sorted(parts)
    assert parts[0] >= 0
    assert parts[-1] <= 1
    assert len(set(parts)) > 3


def test_death_of_the_zygote_fails_the_job_and_not_the_next(long_file: Path) -> None:
    with Engine() as engine:
        pid = engine._children.zygote().pid

        def kill(_: float) -> None:
            if engine._children.zygote().pid == pid:
                os.kill(pid, signal.SIGKILL)

        with pytest.raises(FailedError) as caught:
            engine.analyse(long_file, on_progress=kill)
        assert caught.value.code is FailedCode.ENGINE_CRASHED
        assert engine.describe().sandbox_checks
        assert engine._children.zygote().pid != pid


def test_nothing_survives_the_kill_of_its_owner(long_file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sarau.audio import Engine\n"
        "e = Engine(); print(e._children.zygote().pid, flush=True)\n"
        "e.analyse(Path(sys.argv[1]), on_progress=lambda f: print('p', flush=True))"
    )
    paths = ":".join(path for path in sys.path if path)
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(long_file)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": paths},
    )
    assert owner.stdout is not None
    zygote = int(owner.stdout.readline())
    assert owner.stdout.readline() == "p\n"
    children = children_of(zygote)
    assert children
    owner.kill()
    owner.wait()
    owner.stdout.close()

    wait_until_gone(zygote)
    for child in children:
        wait_until_gone(child)


def test_many_threads_share_one_engine(engine: Engine, kitchen: Kitchen, tmp_path: Path) -> None:
    good, bad = tmp_path / "a.mp3", tmp_path / "b.mp3"
    good.write_bytes(kitchen.mp3())
    bad.write_bytes(b"no sound at all\n" * 9)

    def work(index: int) -> object:
        try:
            return engine.analyse(bad if index % 3 == 0 else good).source.samples
        except RejectedError as error:
            return error.code

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(work, range(18)))
    samples = engine.analyse(good).source.samples
    assert found == [RejectedCode.NOT_AUDIO if index % 3 == 0 else samples for index in range(18)]
    assert threading.active_count() < 20


def test_missing_source_is_our_fault(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(FailedError) as caught:
        engine.analyse(tmp_path / "nowhere.wav")
    assert caught.value.code is FailedCode.SOURCE_MISSING


def test_a_pipe_or_a_directory_is_no_file(engine: Engine, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(RejectedError) as caught:
            engine.analyse(path)
        assert caught.value.code is RejectedCode.NOT_AUDIO


def test_another_file_than_analysed_is_not_rendered(
    engine: Engine, kitchen: Kitchen, tmp_path: Path
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(kitchen.wav)
    analysis = engine.analyse(path)
    shorter = replace(
        analysis, source=replace(analysis.source, samples=analysis.source.samples + 1)
    )
    with pytest.raises(FailedError) as caught:
        engine.render(path, shorter, PRESETS["archive"], tmp_path)
    assert caught.value.code is FailedCode.SOURCE_DAMAGED


@pytest.mark.parametrize(
    ("rate_hz", "channels"), [(48_000, 2), (44_100, 1), (44_100, 6)], ids=["rate", "mono", "5.1"]
)
def test_a_file_of_another_shape_than_analysed_is_not_rendered(
    engine: Engine, kitchen: Kitchen, tmp_path: Path, rate_hz: int, channels: int
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(kitchen.wav)
    analysis = engine.analyse(path)
    assert (analysis.source.sample_rate_hz, analysis.source.channels) == (44_100, 2)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(bytes(2 * channels * analysis.source.samples))
    for preset in ("archive", "streaming"):
        with pytest.raises(FailedError) as caught:
            engine.render(path, analysis, PRESETS[preset], tmp_path)
        assert caught.value.code is FailedCode.SOURCE_DAMAGED


def test_a_closed_engine_says_so(kitchen: Kitchen) -> None:
    engine = Engine()
    engine.close()
    with pytest.raises(FailedError) as caught:
        engine.analyse(kitchen.place / "ok.wav")
    assert caught.value.code is FailedCode.ENGINE_MISSING
