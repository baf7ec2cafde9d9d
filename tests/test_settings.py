from pathlib import Path

import pytest

from sarau.settings import SettingsError, load, terminal_locale


def _load(**values: str) -> object:
    return load({f"SARAU_{name.upper()}": value for name, value in values.items()})


@pytest.mark.parametrize(
    ("library", "bucket"),
    [
        ("s3://my-bucket", ("my-bucket", "")),
        ("s3://my-bucket/", ("my-bucket", "")),
        ("s3://my-bucket/a/b", ("my-bucket", "a/b/")),
        ("/mnt/e", None),
    ],
)
def test_a_library_is_a_bucket_or_a_directory(library: str, bucket: tuple[str, str] | None) -> None:
    found = load({"SARAU_LIBRARY": library})
    assert found.library_bucket == bucket
    if bucket is None:
        assert found.library_dir == Path(library)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("landing_results", "my-queue"),
        ("landing_dead", "https://sqs.us-east-1.amazonaws.com/1/dead"),  # and no library in S3
        ("database_auth", "kerberos"),
        ("database_auth", "iam"),  # and a database in a file
        ("library", "s3:/my-bucket"),
        ("library", "gs://my-bucket"),
        ("library", "s3://B"),
        ("library_storage_class", "DEEP_ARCHIVE"),
        ("library_link_s", "0"),
        ("library_link_s", "604801"),
        ("allowed_origins", "*"),
        ("allowed_origins", "null"),
        ("allowed_origins", "studio.example"),
        ("allowed_origins", "https://studio.example/"),
        ("allowed_origins", "https://Studio.example"),
        ("allowed_origins", "https://a.example https://b.example"),
    ],
)
def test_what_could_not_be_used_is_refused_at_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        _load(**{name: value})


@pytest.mark.parametrize(
    ("url", "is_right"),
    [
        ("postgresql+psycopg://sarau@db.example/sarau?sslmode=verify-full", True),
        ("postgresql+psycopg://sarau@db.example/sarau?sslrootcert=/x&sslmode=verify-ca", True),
        ("postgresql+psycopg://sarau@db.example/sarau?sslmode=require", False),
        ("postgresql+psycopg://sarau@db.example/sarau", False),
        ("postgresql+psycopg://db.example/sarau?sslmode=verify-full", False),
        ("postgresql+psycopg://sarau@/sarau?sslmode=verify-full&host=/run", False),
    ],
)
def test_a_token_is_only_shown_to_a_server_that_is_checked(url: str, *, is_right: bool) -> None:
    given = {"database_url": url, "database_auth": "iam"}
    if is_right:
        _load(**given)
        return
    with pytest.raises(SettingsError, match="database_auth"):
        _load(**given)


def test_origins_are_separated_by_commas() -> None:
    given = "https://studio.example, http://localhost:3000,https://[::1]:8443,"
    assert load({"SARAU_ALLOWED_ORIGINS": given}).origins == {
        "https://studio.example",
        "http://localhost:3000",
        "https://[::1]:8443",
    }
    assert load({}).origins == frozenset()


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"LANG": "pt_BR.UTF-8"}, "pt_BR.UTF-8"),
        ({"LANG": "pt_BR.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en_US.UTF-8"),
        ({"LANG": "pt_BR.UTF-8", "LC_MESSAGES": "pt_BR", "LC_ALL": "C"}, "C"),
        ({"LANG": "pt_BR.UTF-8", "LC_ALL": ""}, "pt_BR.UTF-8"),
        ({}, ""),
    ],
)
def test_the_terminals_locale_is_the_first_that_is_set(given: dict[str, str], found: str) -> None:
    assert terminal_locale(given) == found
