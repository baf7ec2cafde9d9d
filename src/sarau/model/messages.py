"""What people are told for each code, in every language the product speaks.

A sentence says what is wrong and what to do. There is one per code and language;
tests/model/test_messages.py keeps them complete.
"""

from sarau.errors import Code, FailedCode, RefusedCode, RejectedCode

DEFAULT_LANGUAGE = "en"

_MESSAGES: dict[str, tuple[str, str]] = {
    RejectedCode.EMPTY_FILE: (
        "O arquivo está vazio. Exporte o áudio de novo e envie o novo arquivo.",
        "The file is empty. Export the audio again and send the new file.",
    ),
    RejectedCode.NOT_AUDIO: (
        "Isto não é um arquivo de áudio, apesar do nome. Envie FLAC, WAV, AIFF, MP3, M4A, Ogg ou Opus.",
        "This is not an audio file, whatever its name says. Send FLAC, WAV, AIFF, MP3, M4A, Ogg or Opus.",
    ),
    RejectedCode.PLAYLIST: (
        "Isto é uma lista de reprodução, não música. Envie os próprios arquivos de áudio.",
        "This is a playlist, not music. Send the audio files themselves.",
    ),
    RejectedCode.NO_AUDIO_STREAM: (
        "O arquivo tem vídeo, mas nenhum som. Envie um arquivo que tenha uma faixa de áudio.",
        "The file has video but no sound. Send a file that has an audio track.",
    ),
    RejectedCode.NO_SAMPLES: (
        "O arquivo abre, mas não contém nenhum som. Exporte o áudio de novo.",
        "The file opens but holds no sound at all. Export the audio again.",
    ),
    RejectedCode.TRUNCATED: (
        "O arquivo está cortado: falta o final. Copie-o ou exporte-o de novo e envie outra vez.",
        "The file is cut off: its end is missing. Copy or export it again and send it once more.",
    ),
    RejectedCode.CORRUPT: (
        "O arquivo está danificado e não pode ser lido por inteiro. Envie uma cópia íntegra.",
        "The file is damaged and cannot be read all the way. Send an intact copy.",
    ),
    RejectedCode.INVALID_SAMPLES: (
        "O áudio contém valores que não são números (NaN ou infinito). Exporte-o de novo.",
        "The audio contains values that are not numbers (NaN or infinite). Export it again.",
    ),
    RejectedCode.UNSUPPORTED_CODEC: (
        "Este formato de áudio não é aceito. Converta para FLAC ou WAV e envie de novo.",
        "This audio format is not accepted. Convert it to FLAC or WAV and send it again.",
    ),
    RejectedCode.UNSUPPORTED_RATE: (
        "A taxa de amostragem não é aceita. Use de 8 kHz a 192 kHz.",
        "The sample rate is not accepted. Use 8 kHz to 192 kHz.",
    ),
    RejectedCode.TOO_MANY_CHANNELS: (
        "O áudio tem canais demais. O máximo é 8 (7.1).",
        "The audio has too many channels. The most is 8 (7.1).",
    ),
    RejectedCode.TOO_LONG: (
        "O áudio é longo demais. Divida-o em partes e envie uma a uma.",
        "The audio is too long. Split it into parts and send them one by one.",
    ),
    RejectedCode.DECODE_TIMEOUT: (
        "O arquivo demorou demais para ser lido e parece malformado. Exporte o áudio de novo.",
        "The file took too long to read and looks malformed. Export the audio again.",
    ),
    RejectedCode.DECODE_MEMORY: (
        "O arquivo exigiu memória demais para ser lido e parece malformado. Exporte o áudio de novo.",
        "The file needed too much memory to read and looks malformed. Export the audio again.",
    ),
    RejectedCode.DECODER_CRASHED: (
        "O arquivo derruba o decodificador e não pode ser aceito. Exporte o áudio de novo.",
        "The file crashes the decoder and cannot be accepted. Export the audio again.",
    ),
    RejectedCode.INFECTED: (
        "O antivírus encontrou código malicioso neste arquivo. Verifique o computador de onde ele veio e envie uma cópia limpa.",
        "The virus scanner found malicious code in this file. Check the computer it came from and send a clean copy.",
    ),
    FailedCode.ENGINE_MISSING: (
        "O motor de áudio não está completo neste servidor. Nada se perdeu; quem o administra pode rodar `sarau doctor`, e a faixa será retomada.",
        "The audio engine is incomplete on this server. Nothing is lost; whoever runs it can call `sarau doctor`, and the track will be tried again.",
    ),
    FailedCode.ENCODER_MISSING: (
        "Este servidor não tem o codificador de um formato deste preset. Nada se perdeu; quem o administra pode instalar `sarau[vorbis]`, e a faixa pode ser tentada de novo.",
        "This server lacks the encoder of a format in this preset. Nothing is lost; whoever runs it can install `sarau[vorbis]`, and the track can be tried again.",
    ),
    FailedCode.ENGINE_CRASHED: (
        "O motor de áudio parou no meio do trabalho. Nada se perdeu; tente de novo.",
        "The audio engine stopped in the middle of its work. Nothing is lost; try again.",
    ),
    FailedCode.WORKER_LOST: (
        "Os processos que trabalhavam nesta faixa foram interrompidos muitas vezes. Nada se perdeu; a faixa será retomada.",
        "The processes that worked on this track were stopped again and again. Nothing is lost; the track will be tried again.",
    ),
    FailedCode.DISK_FULL: (
        "O disco do servidor está cheio. Nada se perdeu; libere espaço e a faixa será retomada.",
        "The server's disk is full. Nothing is lost; free some space and the track will be tried again.",
    ),
    FailedCode.DISK_ERROR: (
        "O disco do servidor deu erro. A faixa não foi marcada como pronta; verifique o disco e tente de novo.",
        "The server's disk reported an error. The track was not marked ready; check the disk and try again.",
    ),
    FailedCode.DISK_TIMEOUT: (
        "O disco do servidor não responde. Nada se perdeu; veja se ele está conectado e, se for NFS, se o servidor dele está no ar. O trabalho continua quando ele voltar.",
        "The server's disk does not answer. Nothing is lost; see whether it is connected and, for NFS, whether its server is up. Work goes on when it is back.",
    ),
    FailedCode.VOLUME_MISSING: (
        "Um volume do servidor não está montado. Monte-o e tente de novo.",
        "A volume of the server is not mounted. Mount it and try again.",
    ),
    FailedCode.VOLUME_MISMATCH: (
        "O volume montado não é o deste catálogo. Monte o volume certo e tente de novo.",
        "The mounted volume is not the one of this catalog. Mount the right one and try again.",
    ),
    FailedCode.SOURCE_MISSING: (
        "O arquivo enviado não está mais no servidor. Envie-o de novo.",
        "The file that was sent is no longer on the server. Send it again.",
    ),
    FailedCode.SOURCE_DAMAGED: (
        "O arquivo mudou no disco depois de recebido. Envie-o de novo e verifique o disco.",
        "The file changed on disk after it was received. Send it again and check the disk.",
    ),
    FailedCode.OBJECT_MISSING: (
        "Os bytes deste arquivo não estão na biblioteca. Restaure-os de um snapshot.",
        "The bytes of this file are not in the library. Restore them from a snapshot.",
    ),
    FailedCode.OBJECT_DAMAGED: (
        "Os bytes guardados na biblioteca não são mais os que foram escritos. Restaure-os de um snapshot.",
        "The bytes kept in the library are no longer those that were written. Restore them from a snapshot.",
    ),
    FailedCode.LIBRARY_UNAVAILABLE: (
        "O armazenamento da biblioteca não responde. Nada se perdeu; a faixa será retomada quando ele voltar.",
        "The library's storage does not answer. Nothing is lost; the track is tried again when it is back.",
    ),
    FailedCode.LIBRARY_DENIED: (
        "O armazenamento da biblioteca recusou as credenciais deste servidor. Quem o administra pode corrigi-las; a faixa será retomada.",
        "The library's storage refused this server's credentials. Whoever runs it can mend them; the track will be tried again.",
    ),
    FailedCode.QUEUE_UNAVAILABLE: (
        "A fila de mensagens não responde. Nada se perdeu; o que espera nela será lido quando ela voltar.",
        "The message queue does not answer. Nothing is lost; what waits in it is read when it is back.",
    ),
    FailedCode.FUNCTION_LIMIT: (
        "O arquivo é grande demais para a função na nuvem: não cabe no tempo ou no disco dela. Envie-o pela página.",
        "The file is too large for the function in the cloud: it does not fit into its time or its disk. Send it by the page.",
    ),
    FailedCode.FUNCTION_ENDED: (
        "A função na nuvem parou várias vezes no meio deste arquivo, sem resultado. O log dela diz mais; envie o arquivo pela página ou de novo.",
        "The function in the cloud ended several times in the middle of this file, without a result. Its log says more; send the file by the page, or again.",
    ),
    FailedCode.DATABASE_UNAVAILABLE: (
        "O banco de dados não responde. Nada se perdeu; tente de novo em instantes.",
        "The database does not answer. Nothing is lost; try again in a moment.",
    ),
    FailedCode.SCANNER_UNAVAILABLE: (
        "O antivírus não responde. O arquivo está guardado e espera; será verificado assim que ele voltar.",
        "The virus scanner does not answer. The file is kept and waits; it is scanned as soon as the scanner is back.",
    ),
    FailedCode.LOOKUP_UNAVAILABLE: (
        "O AcoustID não respondeu. Nada mudou; tente de novo mais tarde.",
        "AcoustID did not answer. Nothing has changed; try again later.",
    ),
    FailedCode.SCANNER_LIMIT: (
        "O arquivo é maior do que o antivírus aceita verificar. Quem administra o servidor pode aumentar o limite; depois, tente de novo.",
        "The file is larger than the virus scanner takes. Whoever runs the server can raise its limit; then try again.",
    ),
    FailedCode.WORKER_MISSING: (
        "Ninguém está processando as faixas. Os envios são aceitos e esperam; inicie o processamento.",
        "Nobody is working on tracks. Uploads are taken and wait; start a worker.",
    ),
    FailedCode.QUEUE_STUCK: (
        "Há faixas esperando e nenhuma avança. Veja no log o que detém o processamento.",
        "Tracks are waiting and none moves on. See in the log what holds the workers up.",
    ),
    FailedCode.CATALOG_NOT_MOVED: (
        "O catálogo não foi movido: o destino não ficou exatamente igual. Nada mudou em nenhum dos dois.",
        "The catalog was not moved: the target did not come out exactly the same. Neither has changed.",
    ),
    FailedCode.SERVER_UNREACHABLE: (
        "O servidor não responde. Verifique se ele está no ar e se o endereço está certo; o que já foi enviado fica guardado, e a mesma chamada continua de onde parou.",
        "The server does not answer. Check that it runs and that the address is right; what was sent is kept, and the same call goes on where it stopped.",
    ),
    FailedCode.INTERNAL: (
        "Algo deu errado do nosso lado. Nada se perdeu; tente de novo.",
        "Something went wrong on our side. Nothing is lost; try again.",
    ),
    RefusedCode.INVALID_REQUEST: (
        "O pedido tem um valor que não serve. Veja o detalhe e corrija.",
        "The request has a value that cannot be used. See the detail and correct it.",
    ),
    RefusedCode.UNKNOWN_PRESET: (
        "Este preset não existe. Escolha um dos presets da lista.",
        "There is no such preset. Choose one of those listed.",
    ),
    RefusedCode.INVALID_PRESET: (
        "O preset tem um valor que não serve. Veja o detalhe e corrija.",
        "The preset has a value that cannot be used. See the detail and correct it.",
    ),
    RefusedCode.PRESET_EXISTS: (
        "Já existe um preset com este nome. Escolha outro nome ou altere o que existe.",
        "There is a preset of that name already. Choose another name or change that one.",
    ),
    RefusedCode.PRESET_READ_ONLY: (
        "Este preset vem com o Sarau e não pode ser alterado. Crie um seu, com outro nome.",
        "This preset comes with Sarau and cannot be changed. Make your own under another name.",
    ),
    RefusedCode.NOT_FOUND: (
        "Não há nada com este endereço. Talvez tenha sido apagado.",
        "There is nothing at this address. It may have been deleted.",
    ),
    RefusedCode.WRONG_STATE: (
        "Isto não é possível no estado atual da faixa. Recarregue a página e veja o estado.",
        "This cannot be done in the track's present state. Reload and look at its state.",
    ),
    RefusedCode.UNAUTHORIZED: (
        "É preciso entrar. Informe o token de acesso deste servidor.",
        "You need to sign in. Give this server's access token.",
    ),
    RefusedCode.HOST_NOT_ALLOWED: (
        "Este servidor não atende por este nome. Configure SARAU_PUBLIC_URL com o endereço certo.",
        "This server does not answer to that name. Set SARAU_PUBLIC_URL to the right address.",
    ),
    RefusedCode.ORIGIN_NOT_ALLOWED: (
        "O pedido veio de outro site e foi recusado. Abra a página deste servidor.",
        "The request came from another site and was refused. Open this server's own page.",
    ),
    RefusedCode.TOKEN_REQUIRED: (
        "Para atender fora deste computador é preciso um token. Defina SARAU_TOKEN.",
        "To serve beyond this computer a token is needed. Set SARAU_TOKEN.",
    ),
    RefusedCode.METHOD_NOT_ALLOWED: (
        "Este endereço não aceita este método.",
        "This address does not take this method.",
    ),
    RefusedCode.BODY_TOO_LARGE: (
        "O pedido é maior do que este endereço aceita. Encurte o que ele traz; arquivos vão para /files ou /api/v1/tracks.",
        "The request is larger than this address takes. Shorten what it brings; files go to /files or /api/v1/tracks.",
    ),
    RefusedCode.BODY_TIMEOUT: (
        "O conteúdo do pedido não chegou a tempo. Nada mudou; verifique a conexão e tente de novo.",
        "The body of the request did not come in time. Nothing has changed; check the connection and try again.",
    ),
    RefusedCode.UPLOAD_TOO_LARGE: (
        "O arquivo passa do tamanho máximo deste servidor. Divida-o ou aumente o limite.",
        "The file is larger than this server accepts. Split it or raise the limit.",
    ),
    RefusedCode.UPLOAD_OFFSET_MISMATCH: (
        "O envio recomeçou do ponto errado. Pergunte ao servidor onde parou e continue dali.",
        "The upload resumed at the wrong place. Ask the server where it stopped and go on there.",
    ),
    RefusedCode.UPLOAD_LENGTH_INVALID: (
        "O tamanho declarado do envio não serve. Declare o tamanho exato do arquivo.",
        "The declared length of the upload cannot be used. Declare the file's exact size.",
    ),
    RefusedCode.UPLOAD_METADATA_INVALID: (
        "Os metadados do envio estão malformados: cada valor deve estar em base64.",
        "The upload's metadata is malformed: each value must be base64.",
    ),
    RefusedCode.UPLOAD_GONE: (
        "Este envio expirou ou foi encerrado. Comece de novo.",
        "This upload has expired or was ended. Start again.",
    ),
    RefusedCode.UPLOAD_LOCKED: (
        "Outra conexão está enviando este arquivo. Espere um instante e tente de novo.",
        "Another connection is sending this file. Wait a moment and try again.",
    ),
    RefusedCode.UPLOAD_INCOMPLETE: (
        "O envio terminou antes do fim do arquivo. Continue de onde parou.",
        "The upload ended before the file did. Go on from where it stopped.",
    ),
    RefusedCode.UPLOAD_CHECKSUM_MISMATCH: (
        "Os bytes chegaram diferentes do que foi enviado. Envie este trecho de novo.",
        "The bytes arrived different from what was sent. Send this part again.",
    ),
    RefusedCode.UPLOAD_CHECKSUM_UNSUPPORTED: (
        "Este tipo de soma de verificação não é aceito. Use sha1 ou sha256.",
        "This kind of checksum is not supported. Use sha1 or sha256.",
    ),
    RefusedCode.UPLOAD_MEDIA_TYPE: (
        "O tipo de conteúdo do envio não serve. Use application/offset+octet-stream.",
        "The upload's content type cannot be used. Use application/offset+octet-stream.",
    ),
    RefusedCode.TUS_VERSION: (
        "Esta versão do protocolo tus não é aceita. Use a 1.0.0.",
        "This version of the tus protocol is not supported. Use 1.0.0.",
    ),
    RefusedCode.OUT_OF_SPACE: (
        "Não há espaço para este arquivo no servidor. Libere espaço e tente de novo.",
        "The server has no room for this file. Free some space and try again.",
    ),
    RefusedCode.LOOKUP_OFF: (
        "A busca no AcoustID está desligada nesta instalação.",
        "Looking recordings up at AcoustID is switched off here.",
    ),
    RefusedCode.CATALOG_IN_USE: (
        "Um servidor ou worker ainda usa este catálogo. Pare todos e tente de novo 20 segundos depois.",
        "A server or worker still uses this catalog. Stop them all and try again 20 seconds later.",
    ),
    RefusedCode.CATALOG_NOT_CURRENT: (
        "Na origem não há um catálogo desta versão. Confira o endereço, ou inicie nela o Sarau desta versão uma vez.",
        "The source holds no catalog of this version. Check the address, or start this Sarau on it once.",
    ),
    RefusedCode.CATALOG_NOT_EMPTY: (
        "O banco de destino já tem um catálogo com dados. Use um banco vazio.",
        "The target database has a catalog with data already. Use an empty database.",
    ),
    RefusedCode.RENDITION_REPLACED: (
        "No lugar de uma versão há outro arquivo, ou ela foi alterada depois de feita; nada foi sobrescrito. Leve esse arquivo para outro lugar, ou apague-o, e tente de novo.",
        "Another file is in the place of a rendition, or it was changed since it was made; nothing was overwritten. Take that file elsewhere, or delete it, and try again.",
    ),
}


def message(code: Code | str, language: str = DEFAULT_LANGUAGE) -> str:
    """Return the sentence for a code; for a code of another version, the one of `internal`."""
    portuguese, english = _MESSAGES.get(code, _MESSAGES[FailedCode.INTERNAL])
    return portuguese if language == "pt-BR" else english


def choose_language(accepted: str | None) -> str:
    """Return the language for an `Accept-Language` header: the first one we speak."""
    weighted = []
    for position, item in enumerate((accepted or "").split(",")):
        tag, _, parameters = item.strip().partition(";")
        quality = parameters.strip().removeprefix("q=") or "1"
        try:
            weighted.append((-float(quality), position, tag.strip().lower()))
        except ValueError:
            continue
    for _, _, tag in sorted(weighted):
        if tag.startswith("pt"):
            return "pt-BR"
        if tag.startswith("en"):
            return "en"
    return DEFAULT_LANGUAGE
