"""What the commands that take files say on a terminal, in every language we speak.

What the page or the report says too is theirs: verdicts, states of tracks, and the sentences of
warnings and errors.
"""

from typing import Final

from sarau.web.strings import strings

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
    # How many originals `sarau import` found, by what became of them.
    "import.received": ("recebidos: {count}", "{count} received"),
    "import.here": ("já aqui: {count}", "{count} here already"),
    "import.ended": ("cancelados antes: {count}", "{count} cancelled before"),
    "import.waiting": ("ainda mudando: {count}", "{count} still changing"),
    "import.refused": ("recusados: {count}", "{count} refused"),
    "import.unreadable": ("ilegíveis: {count}", "{count} unreadable"),
    "import.moved": ("movidos: {count}", "{count} moved"),
    "import.deleted": ("apagados: {count}", "{count} deleted"),
    "import.nothing": ("nada a importar", "nothing to import"),
    "import.pending": (
        "Originais que ficam até que suas faixas estejam prontas: {count}. Repita a chamada.",
        "Originals that stay until their tracks are ready: {count}. Call again.",
    ),
    # The original of a name, and why it was not taken or not dealt with.
    "import.is_here": ("já aqui", "here already"),
    "import.is_waiting": (
        "ainda mudando: Não pôde ser recebido por enquanto. Repita a chamada.",
        "still changing: It could not be taken yet. Call again.",
    ),
    "import.is_refused": ("recusado", "refused"),
    "import.is_unreadable": ("ilegível", "unreadable"),
    # What follows an error while `sarau upload` does not give up.
    "again": ("; novas tentativas por {seconds} s", "; trying again for {seconds} s"),
    "silent": (
        "; nenhuma resposta há {seconds} s, ainda esperando",
        "; nothing for {seconds} s, still waiting",
    ),
    "forgetful": (
        "não dá para guardar quais envios começaram: {why}",
        "what is begun cannot be remembered: {why}",
    ),
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


def state(code: str, language: str, *, is_sent: bool = True) -> str:
    """Return what to call the state of a file that was sent, or could not be.

    In English it is the code, which is a word; else it is called what the page calls it.
    """
    key = f"state.{code}" if is_sent else "uploads.failed"
    return code if language == "en" else strings(language).get(key, code).lower()


def said_here(code: str, language: str) -> str:
    """Return what an error means on one's own machine; nothing where there is no sentence."""
    both = _HERE.get(code)
    return both[0 if language == "pt-BR" else 1] if both else ""
