import io
import zipfile
from contextlib import nullcontext
from pathlib import Path

from sarau.delivery import Entry, write_archive


def test_an_archive_holds_every_entry_and_is_the_same_each_time(tmp_path: Path) -> None:
    entries = []
    for number in range(3):
        path = tmp_path / str(number)
        path.write_bytes(bytes([number]) * (1 << 20) + b"end")
        entries.append(Entry(nullcontext(path), f"Canção {number}.flac"))
    made = b"".join(write_archive(entries))
    assert made == b"".join(write_archive(entries))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [entry.name for entry in entries]
        assert archive.read("Canção 2.flac") == (tmp_path / "2").read_bytes()
