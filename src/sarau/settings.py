"""Settings: typed, frozen, and the only reader of the environment and of the TOML file.

Order: command line over environment (`SARAU_*`) over the file over the defaults.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import unquote, urlsplit

from sarau.model.original import After
from sarau.model.preset import DEFAULT_PRESET
from sarau.observe.logs import FORMS

GIB = 1 << 30
_CLAMD = re.compile(r"unix:/.*|tcp:.+:\d+")
_S3 = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>/.*)?")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d+)?|https?://\[[0-9a-f:]+\](:\d+)?")
"""As a browser writes it: small letters, no path, no port that goes without saying."""
_READABLE_AT_ONCE = ("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR")
_LONGEST_LINK_S = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Each field is `SARAU_<NAME>` in the environment."""

    data: Path = Path("data")
    """Where D, E and the SQLite database are when they are not set one by one."""
    intake: Path | None = None
    """Volume D; `<data>/intake` by default."""
    library: str | None = None
    """Volume E, a directory or `s3://bucket/prefix`; `<data>/library` by default."""
    library_cache: Path | None = None
    """Local copies of what is in S3, and work directories; `<data>/library-cache` by default."""
    library_cache_bytes: int = 20 * GIB
    library_storage_class: str | None = None
    """What objects are stored as in S3; the bucket's default by default."""
    library_link_s: int | None = None
    """Send downloads to S3 by an address that is good for so long; otherwise they pass here."""
    s3_endpoint: str | None = None
    """An S3 that is not AWS's."""
    s3_region: str | None = None
    landing_results: str | None = None
    """The SQS queue (its address) in which the function says what it made."""
    landing_dead: str | None = None
    """The SQS queue in which events end that the function could not work on."""
    landing_preset: str = DEFAULT_PRESET
    """What becomes of an object whose key and metadata name no preset."""
    landing_prefix: str = ""
    """What keys in the intake bucket begin with, before a folder that may name a preset."""
    database_url: str | None = None
    """An SQLAlchemy address; a SQLite file in `<data>` by default."""
    database_auth: str = "password"
    """`password`: as the address, or a file it names, says; `iam`: each connection to RDS has a
    token that is signed with AWS's credentials of this machine."""
    database_pool: int = 10
    """Connections to PostgreSQL that each of a process's two pools keeps; twice as many at most."""
    database_answer_s: int = 15
    """How long an answer of PostgreSQL is waited for before it is taken to be away."""
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = None
    """The address that users see, when a proxy stands before Sarau."""
    allowed_origins: str = ""
    """Other sites whose pages may upload here, `https://studio.example`, separated by commas."""
    token: str | None = None
    """Bearer token; needed on any address that is not loopback."""
    max_upload_bytes: int = 8 * GIB
    reserve_bytes: int = 1 * GIB
    """Free space that is left alone on D and E: uploads are refused before it is touched."""
    upload_expiry_s: int = 7 * 24 * 3600
    """An upload nobody continued for this long is let go."""
    workers: int | None = None
    """Tracks processed at once; the number of cores by default."""
    promote: str = "late"
    """`late`: this host examines a file on D and then stores it; `first`: it is stored first, so
    that workers without D can examine it. `serve --no-worker` always does the latter."""
    divide_s: int = 600
    """Tracks of at least so many seconds are rendered by several workers, where some are idle."""
    drain_s: int = 60
    """How long a worker that is told to stop waits for the runs it is at work on."""
    metrics_port: int | None = None
    """Where a `sarau worker` answers `/metrics`, on `host`; nowhere by default."""
    sandbox: str = "required"
    """`required`: refuse to decode where the sandbox is incomplete; `best_effort`: warn."""
    watch: Path | None = None
    """A folder whose files are taken in as they come, for SFTP or rsync."""
    watch_after: str = "keep"
    """What becomes of them there once their track is ready: `keep`, `move` or `delete`."""
    watch_stable_s: int = 10
    """How long a file in the watched folder must not have changed."""
    clamd: str | None = None
    """A virus scanner that sees every file first: `unix:/path` or `tcp:host:port`."""
    clamd_max_bytes: int = 100 << 20
    """The scanner's `MaxFileSize`: what is larger fails, as it would pass unseen."""
    acoustid_key: str | None = None
    """An application's key of AcoustID; without it nobody is ever asked about a recording."""
    acoustid_url: str = "https://api.acoustid.org/v2/lookup"
    log: str = "text"
    """The form of the log: `text` or `json`, one line per event."""

    @property
    def intake_dir(self) -> Path:
        """Return the root of volume D."""
        return self.intake or self.data / "intake"

    @property
    def library_dir(self) -> Path:
        """Return the root of volume E."""
        return Path(self.library).expanduser() if self.library else self.data / "library"

    @property
    def library_cache_dir(self) -> Path:
        """Return where local copies of an S3 library are."""
        return self.library_cache or self.data / "library-cache"

    @property
    def library_bucket(self) -> tuple[str, str] | None:
        """Return the bucket and the prefix of an S3 library, None when it is on a disk.

        The prefix ends in a slash unless it is empty.
        """
        found = _S3.fullmatch(self.library or "")
        if found is None:
            return None
        prefix = (found["prefix"] or "").strip("/")
        return found["bucket"], f"{prefix}/" if prefix else ""

    @property
    def database(self) -> str:
        """Return the database's address."""
        return self.database_url or f"sqlite:///{(self.data / 'sarau.db').absolute()}"

    @property
    def origins(self) -> frozenset[str]:
        """Return the allowed origins as browsers name them."""
        return frozenset(one.strip() for one in self.allowed_origins.split(",") if one.strip())

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what must never be shown, in a log or anywhere."""
        password = unquote(urlsplit(self.database_url or "").password or "")
        return tuple(secret for secret in (self.token, password, self.acoustid_key) if secret)

    @property
    def worker_count(self) -> int:
        """Return how many tracks this process works on at once."""
        return self.workers or len(os.sched_getaffinity(0))


class SettingsError(ValueError):
    """A setting has a name or a value that cannot be used; the text says which."""


def load(
    environment: Mapping[str, str] | None = None, config: Path | None = None, **given: object
) -> Settings:
    """Read settings from `config`, the environment and the command line, the last one first.

    Args:
        environment: Instead of the process's own.
        config: A TOML file; `SARAU_CONFIG` names it otherwise.
        given: Values from the command line; those that are None are not given.

    Raises:
        SettingsError: An unknown name or an unusable value.

    """
    source = os.environ if environment is None else environment  # noqa: TID251 - the one reader
    path = config or (Path(source["SARAU_CONFIG"]) if "SARAU_CONFIG" in source else None)
    values: dict[str, object] = {}
    if path is not None:
        values |= _read_file(path)
    for field in fields(Settings):
        if (text := source.get(f"SARAU_{field.name.upper()}")) not in (None, ""):
            values[field.name] = text
    values |= {name: value for name, value in given.items() if value is not None}
    if values.get("watch_after", After.KEEP) not in list(After):
        raise SettingsError(f"watch_after: one of {', '.join(After)}")
    if values.get("promote", "late") not in {"late", "first"}:
        raise SettingsError("promote: late or first")
    if not _CLAMD.fullmatch(str(values.get("clamd", "unix:/"))):
        raise SettingsError("clamd: unix:/path or tcp:host:port")
    if values.get("log", FORMS[0]) not in FORMS:
        raise SettingsError(f"log: one of {', '.join(FORMS)}")
    found = replace(Settings(), **{name: _convert(name, value) for name, value in values.items()})
    for origin in found.origins:
        if not _ORIGIN.fullmatch(origin):
            raise SettingsError(f"allowed_origins: {origin!r} is not like https://studio.example")
    _check_database(found)
    _check_library(found)
    return found


def are_traces_wanted(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether OpenTelemetry's own variables say where traces go."""
    source = os.environ if environment is None else environment  # noqa: TID251 - the one reader
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    is_off = source.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return any(source.get(name) for name in names) and not is_off


def lambda_trace() -> str | None:
    """Return the trace that Lambda gave the invocation at hand, as X-Ray writes it."""
    return os.environ.get("_X_AMZN_TRACE_ID")  # noqa: TID251 - the one reader


def terminal_locale(environment: Mapping[str, str] | None = None) -> str:
    """Return the locale of the person at the terminal, as POSIX orders the variables.

    What is named counts, also where the system has no such locale installed.
    """
    source = os.environ if environment is None else environment  # noqa: TID251 - the one reader
    return next(
        (source[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if source.get(name)), ""
    )


def _check_database(found: Settings) -> None:
    if found.database_auth not in {"password", "iam"}:
        raise SettingsError("database_auth: password or iam")
    address = urlsplit(found.database_url or "")
    checked = {"sslmode=verify-ca", "sslmode=verify-full"}
    if found.database_auth == "iam" and not (
        address.scheme == "postgresql+psycopg"
        and address.hostname
        and address.username
        # RDS wants tokens in clear within TLS: who is not checked could be anybody.
        and checked & set(address.query.split("&"))
    ):
        raise SettingsError(
            "database_auth: iam needs a database_url of"
            " postgresql+psycopg://user@host/name?sslmode=verify-full&sslrootcert=..."
        )


def _check_library(found: Settings) -> None:
    for name in ("landing_results", "landing_dead"):
        if not re.match(r"https?://", getattr(found, name) or "https://"):
            raise SettingsError(f"{name}: the address of an SQS queue, https://...")
    if (found.landing_results or found.landing_dead) and found.library_bucket is None:
        raise SettingsError("landing_results and landing_dead: need a library in S3")
    if re.match(r"[a-z0-9]+:/", found.library or "") and found.library_bucket is None:
        raise SettingsError("library: a directory or s3://bucket/prefix")
    if found.library_storage_class not in {None, *_READABLE_AT_ONCE}:
        raise SettingsError(f"library_storage_class: one of {', '.join(_READABLE_AT_ONCE)}")
    if found.library_link_s is not None and not 1 <= found.library_link_s <= _LONGEST_LINK_S:
        raise SettingsError(f"library_link_s: 1 to {_LONGEST_LINK_S}")


def _read_file(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error


def _convert(name: str, value: object) -> Any:  # noqa: ANN401 - one of the fields' types
    wanted = str(get_type_hints(Settings).get(name, ""))
    if not wanted:
        raise SettingsError(f"there is no setting {name!r}")
    try:
        if "Path" in wanted:
            return Path(str(value)).expanduser()
        if "int" in wanted:
            return int(str(value))
    except ValueError as error:
        raise SettingsError(f"{name}: {value!r} is not a whole number") from error
    return str(value)
