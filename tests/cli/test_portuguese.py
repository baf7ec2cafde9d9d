"""The engine's commands, for somebody whose terminal is in Portuguese."""

import json
import re
from pathlib import Path
from string import Formatter

import pytest
from tests.commands import sarau
from tests.music import excerpts
from tests.servers import Server
from tests.sounds import write_music
from tests.terminal import COLUMNS, in_terminal

from sarau.cli.exits import told
from sarau.cli.terminal_text import _HERE, _TEXTS
from sarau.errors import FailedCode, FailedError

PORTUGUESE = {"LANG": "pt_BR.UTF-8"}
LOUD = """
target_lufs = -6
ceiling_dbtp = -1
max_limiting_db = 0
renditions = [{ format = "flac" }, { format = "opus", bitrate_bps = 96_000 }]
"""
ENGLISH = re.compile(
    r"\b(album|failed|files?|format|gain|header|length|passed|ready|rejected|rendition|report"
    r"|sounds|target|track|verdict)\b",
    re.IGNORECASE,
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An album of real music, and files that there is something to say of."""
    music = tmp_path / "música"
    music.mkdir()
    piece = excerpts(music, lasts_s=8)[0]
    (music / "cópia.mp3").write_bytes(piece.read_bytes())
    (music / "letra.mp3").write_text("la la la\n" * 100)
    streamed = write_music(music / "fluxo.wav")
    data = bytearray(streamed.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = data[4:8] = b"\xff" * 4
    streamed.write_bytes(data)
    (tmp_path / "alto.toml").write_text(LOUD)
    return tmp_path


def _english_in(lines: list[str]) -> set[str]:
    """Return our English words in what is said, where names of files and formats are not."""
    return set(ENGLISH.findall(re.sub(r"\S+\.(?:mp3|wav|html)", "", "\n".join(lines))))


def test_an_album_is_told_in_portuguese_and_fits_a_terminal(place: Path) -> None:
    call = ("process", "--album", place / "música", "--preset", place / "alto.toml")
    call = (*call, "--to", place / "saída", "--report", place / "relato.html")
    for calls in (1, 2):
        lines = in_terminal(*call, **PORTUGUESE)
        assert _english_in(lines) == set()
        table = [line for line in lines if line.startswith(" ")]
        assert max(map(len, table)) <= COLUMNS
        assert not any("…" in line for line in table)
        assert table[0].split() == [
            *("LUFS", "dBTP", "versão", "ganho", "LUFS", "dBTP", "álbum", "resultado")
        ]
        limited = [line for line in table if line.endswith("No limite dos picos")]
        assert len(limited) == 2 * 5
        assert all(re.search(r" [+-]\d+,\d\d .* -\d+,\d\d  No", line) for line in limited)
        text = "\n".join(lines)
        assert "fluxo.wav: a conferir: O cabeçalho não diz a duração" in text
        assert "letra.mp3: recusado: Isto não é um arquivo de áudio" in text
        assert "Prontos: 5 de 6 arquivos." in lines
        assert ("Feitos por uma chamada anterior: 5 de 5" in text) == (calls == 2)
        assert ": Soa como " in text
        assert f"Relatório: {place / 'relato.html'}" in text
    assert "No limite dos picos" in (place / "relato.html").read_text()


def test_measurements_are_told_in_portuguese_and_fit_a_terminal(place: Path) -> None:
    lines = in_terminal("measure", place / "música", **PORTUGUESE)
    assert _english_in(lines) == set()
    table = [line for line in lines if line.startswith(" ")]
    assert max(map(len, table)) <= COLUMNS
    assert {"máx.", "duração", "taxa", "formato"} < set(table[0].split())
    assert any(re.search(r" -\d+,\d\d +8,0  22050  mp3 stereo", line) for line in table)
    assert any(line.startswith("fluxo.wav: a conferir: ") for line in lines)


def documents(told: str) -> list[str]:
    """Return them by file, without what depends on the order in which the files were ready."""
    found = [json.loads(line) for line in told.splitlines()]
    return sorted(json.dumps({**one, "sounds_like": None}) for one in found)


def test_documents_are_the_same_in_every_language(place: Path) -> None:
    music, out = place / "música", place / "saída"
    sarau("process", music, "--to", out, "--preset", "archive")
    for call in (
        ("process", music, "--to", out, "--preset", "archive", "--json", "--jobs", "1"),
        ("measure", music, "--json", "--jobs", "1"),
    ):
        english, portuguese = (documents(sarau(*call, **more).stdout) for more in ({}, PORTUGUESE))
        assert len(english) == 6
        assert any('"message"' in line for line in english)
        assert portuguese == english


def test_what_became_of_files_that_were_sent_is_told_in_portuguese(
    server: Server, tmp_path: Path
) -> None:
    """In the words of the page, where they are seen next."""
    music = tmp_path / "música"
    music.mkdir()
    write_music(music / "boa.wav")
    (music / "letra.mp3").write_text("la la la\n" * 100)
    (music / "presa.wav").symlink_to("/proc/self/mem")  # reading there is an EIO
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    call = ("upload", music, "--server", server.url, "--wait")
    told = sorted(sarau(*call, **home, **PORTUGUESE).stdout.splitlines())
    assert told[0] == "boa.wav: pronta"
    assert told[1].startswith("letra.mp3: não aceita: Isto não é um arquivo de áudio")
    assert told[2].startswith("presa.wav: não enviado: Não foi possível ler ou gravar.")
    english, portuguese = (
        sarau(*call, "--json", **home, **more).stdout for more in ({}, PORTUGUESE)
    )
    assert english.count("rejected") == english.count("disk_error") == 1
    assert portuguese == english
    (tmp_path / "sarau" / "uploads.jsonl").unlink()
    (tmp_path / "sarau" / "uploads.jsonl").mkdir()
    lost = sarau("upload", music / "boa.wav", "--server", server.url, **home, **PORTUGUESE)
    assert lost.stderr.startswith("sarau: não dá para guardar quais envios começaram: [Errno 21]")


def test_what_became_of_a_folder_is_told_in_portuguese(tmp_path: Path) -> None:
    music = tmp_path / "música"
    music.mkdir()
    write_music(music / "boa.wav", seconds=1)
    write_music(music / "mesa.wav", seconds=1)
    (music / "enorme.wav").write_bytes(bytes(1 << 20))
    call = ("import", music, "--data", tmp_path / "dados", "--after", "move")
    limits = {"SARAU_RESERVE_BYTES": "0", "SARAU_MAX_UPLOAD_BYTES": "1000000"}
    with (music / "mesa.wav").open("ab"):
        told = sarau(*call, **limits, **PORTUGUESE)
    refused, waits, summary, pending = told.stdout.splitlines()
    assert refused.startswith(f"{music}/enorme.wav: recusado: ")
    assert "(upload_too_large: " in refused
    assert waits.startswith(f"{music}/mesa.wav: ainda mudando: Não pôde ser recebido por enquanto")
    assert summary == "recebidos: 1, recusados: 1, ainda mudando: 1, movidos: 1"
    assert pending.startswith("Originais que ficam até que suas faixas estejam prontas: 1.")


def test_what_is_wrong_with_the_disk_is_told_in_portuguese() -> None:
    error = FailedError(FailedCode.DISK_FULL, "[Errno 28] No space left on device")
    said = told(error, "pt-BR")
    assert said.startswith("O disco está cheio. Libere espaço")
    assert said.endswith(" (disk_full: [Errno 28] No space left on device)")


def test_every_text_has_the_same_places_in_both_languages() -> None:
    assert set(_HERE) <= set(FailedCode)
    for portuguese, english in (*_TEXTS.values(), *_HERE.values()):
        assert portuguese != english
        places = [
            {name for _, name, _, _ in Formatter().parse(one) if name}
            for one in (portuguese, english)
        ]
        assert places[0] == places[1]
