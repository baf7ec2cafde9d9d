"""What the commands that work on files say on a terminal, in every language we speak.

What the page or the report says too is theirs: verdicts, and the sentences of warnings and errors.
"""

from typing import Final

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    # The heads of columns: the last word is the unit, where there is one.
    "file": ("arquivo", "file"),
    "track": ("faixa", "track"),
    "rendition": ("versão", "rendition"),
    "gain": ("ganho dB", "gain dB"),
    "album": ("álbum LUFS", "album LUFS"),
    "verdict": ("resultado", "verdict"),
    "momentary": ("máx. M LUFS", "max M LUFS"),
    "short_term": ("máx. S LUFS", "max S LUFS"),
    "length": ("duração s", "length s"),
    "rate": ("taxa Hz", "rate Hz"),
    "format": ("formato", "format"),
    # What became of a file.
    "rejected": ("recusado", "rejected"),
    "failed": ("falhou", "failed"),
    # Lines under a table.
    "ready": (
        "Prontos: {ready} de {all} arquivos.",
        "{ready} of {all} files are ready.",
    ),
    "old": (
        "Feitos por uma chamada anterior: {old} de {ready}; --again os refaz.",
        "{old} of {ready} were made by an earlier call; --again makes them anew.",
    ),
    "report": ("Relatório: {path}", "Report: {path}"),
    # Beside the bar that stands for all files.
    "files": ("arquivos", "files"),
    "interrupted": ("interrompido", "interrupted"),
}

_HERE: Final[dict[str, tuple[str, str]]] = {
    "disk_full": (
        "O disco está cheio. Libere espaço e repita a chamada.",
        "The disk is full. Free some space and call again.",
    ),
    "disk_error": (
        "Não foi possível ler ou gravar. Verifique as permissões e o disco.",
        "It could not be read or written. Check its permissions and the disk.",
    ),
    "source_missing": (
        "O arquivo não está mais lá.",
        "The file is no longer there.",
    ),
    "source_damaged": (
        "O arquivo mudou durante o trabalho, ou não pôde ser lido até o fim. Repita a chamada.",
        "The file changed meanwhile, or could not be read to its end. Call again.",
    ),
}
"""What errors mean that speak of a server elsewhere, to whoever works without one."""


def said(name: str, language: str, **values: object) -> str:
    """Return a text in `pt-BR` or English, with `values` in the places it has for them."""
    return _TEXTS[name][0 if language == "pt-BR" else 1].format(**values)


def said_here(code: str, language: str) -> str:
    """Return what an error means on one's own machine; nothing where there is no sentence."""
    both = _HERE.get(code)
    return both[0 if language == "pt-BR" else 1] if both else ""
