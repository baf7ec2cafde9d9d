"""What is S3's alone: faults of the wire and of the other side, and what they leave."""

import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.awsrequest import AWSResponse
from botocore.stub import Stubber
from tests.contracts.stores import connected, local_bytes, new_bucket, s3_library
from tests.localstack import CREDENTIALS, Wire

from sarau.errors import FailedCode, FailedError
from sarau.library import Place, S3Library, open_bucket
from sarau.library.bucket import Bucket
from sarau.library.multipart import part_bytes
from sarau.storage import Volume

pytestmark = pytest.mark.aws

DATA = os.urandom(1 << 20)
SHA256 = hashlib.sha256(DATA).hexdigest()
KEY = f"lib/objects/{SHA256[:2]}/{SHA256}"


@pytest.fixture
def wire(aws_url: str) -> Iterator[Wire]:
    found = Wire(aws_url)
    yield found
    found.close()


@pytest.fixture
def bucket(aws_url: str, wire: Wire) -> Bucket:
    """A bucket at the other end of a wire."""
    made = new_bucket(aws_url)
    return connected(replace(made.place, endpoint=wire.url))


@pytest.fixture
def library(bucket: Bucket, tmp_path: Path) -> S3Library:
    return s3_library(bucket, tmp_path / "cache", cache_bytes=0)


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    path = tmp_path / "sent"
    path.write_bytes(DATA)
    return path


def _code(work: Any, *arguments: Any) -> str:
    with pytest.raises(FailedError) as caught:
        work(*arguments)
    return str(caught.value.code)


def _tamper(bucket: Bucket, body: bytes) -> None:
    bucket.client.put_object(Bucket=bucket.place.bucket, Key=KEY, Body=body)


def test_an_object_s3_holds_to_its_name_is_verified_without_being_read(
    library: S3Library, sent: Path, wire: Wire
) -> None:
    library.put(sent)
    wire.down_bytes = len(DATA) // 2  # a download would not come through
    assert library.verify(SHA256)
    assert wire.down_bytes is not None


def test_s3_refuses_bytes_that_have_not_the_sum(library: S3Library, sent: Path) -> None:
    sent.write_bytes(DATA[:-1])
    wrong = replace(library.put(sent), sha256=SHA256)
    assert _code(library._bucket.create, "objects/wrong", sent, wrong) == "library_unavailable"
    assert _code(library._bucket.head, "objects/wrong") == "object_missing"


def test_another_object_under_the_name_is_never_taken_for_ours(
    library: S3Library, bucket: Bucket, sent: Path
) -> None:
    _tamper(bucket, b"rot")
    assert not library.verify(SHA256)
    assert _code(library.put, sent) == "object_damaged"
    assert _code(local_bytes, library, SHA256) == "object_damaged"


def test_an_upload_that_is_cut_off_leaves_nothing_and_is_sent_again(
    library: S3Library, sent: Path, wire: Wire
) -> None:
    wire.up_bytes = len(DATA) // 2
    library.put(sent)
    assert wire.up_bytes is None
    assert local_bytes(library, SHA256) == DATA


def test_a_download_that_breaks_off_goes_on_where_it_was(
    library: S3Library, sent: Path, wire: Wire
) -> None:
    library.put(sent)
    wire.down_bytes = len(DATA) // 2
    assert local_bytes(library, SHA256) == DATA
    assert wire.down_bytes is None


def test_a_small_object_that_breaks_off_is_read_again_in_whole(bucket: Bucket, wire: Wire) -> None:
    bucket.replace_text("note", "x" * len(DATA))
    wire.down_bytes = len(DATA) // 2
    assert bucket.read_text("note") == "x" * len(DATA)
    assert wire.down_bytes is None


def test_only_what_is_cached_is_near(bucket: Bucket, tmp_path: Path, sent: Path) -> None:
    library = s3_library(bucket, tmp_path / "cache")
    library.put(sent)
    assert library.is_near(SHA256)
    library._cache.forget(SHA256)
    assert not library.is_near(SHA256)
    assert local_bytes(library, SHA256) == DATA
    assert library.is_near(SHA256)


def test_s3_that_is_away_has_a_code_and_is_found_again(
    library: S3Library, sent: Path, wire: Wire
) -> None:
    wire.cut()
    assert _code(library.put, sent) == "library_unavailable"
    assert library.check().code is FailedCode.LIBRARY_UNAVAILABLE
    wire.mend()
    library.put(sent)
    library._look._seen = None
    assert library.check().ok


def test_refused_credentials_have_a_code(library: S3Library, sent: Path) -> None:
    # LocalStack looks at signatures of addresses only, so S3's answer is played here.
    with Stubber(library._bucket.client) as stub:
        stub.add_client_error("put_object", "InvalidAccessKeyId", http_status_code=403)
        assert _code(library.put, sent) == "library_denied"


def test_missing_credentials_have_a_code(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _code(open_bucket, connected(bucket.place), None) == "library_denied"


def test_two_writers_that_meet_try_again(library: S3Library, sent: Path) -> None:
    client = library._bucket.client
    with Stubber(client) as stub:
        for _ in range(2):
            stub.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
        stub.add_response("put_object", {})
        library.put(sent)
        stub.assert_no_pending_responses()


def test_a_completion_that_meets_another_one_begins_anew(bucket: Bucket, tmp_path: Path) -> None:
    # S3: after a 409 the upload cannot be completed any more; its parts have to be sent again.
    sent = tmp_path / "large"
    sent.write_bytes(os.urandom(part_bytes(0)) + b"end")
    begun: list[str] = []

    def meet(params: dict[str, Any], **_: Any) -> None:
        begun.append(params["UploadId"])

    def refuse(**_: Any) -> Any:
        if len(begun) > 1:
            return None
        return AWSResponse("", 409, {}, None), {
            "Error": {"Code": "ConditionalRequestConflict", "Message": "played"},
            "ResponseMetadata": {"HTTPStatusCode": 409},
        }

    on = bucket.client.meta.events.register
    on("provide-client-params.s3.CompleteMultipartUpload", meet)
    on("before-call.s3.CompleteMultipartUpload", refuse)
    seen = _count_parts(bucket)
    library = s3_library(bucket, tmp_path / "cache", cache_bytes=0, parts_from_bytes=1)
    ref = library.put(sent)
    assert library.verify(ref.sha256)
    assert len(set(begun)) == 2
    assert seen == [1, 2, 1, 2]
    assert _unfinished(bucket) == []


def test_parts_of_a_file_that_another_has_completed_are_let_go(
    bucket: Bucket, tmp_path: Path
) -> None:
    sent = tmp_path / "large"
    sent.write_bytes(b"a" * part_bytes(0) + b"end")
    first = s3_library(bucket, tmp_path / "cache", cache_bytes=0)
    key = _object_key(first.put(sent).sha256)
    for _ in range(2):
        bucket.client.create_multipart_upload(Bucket=bucket.place.bucket, Key=key)
    late = s3_library(bucket, tmp_path / "other", cache_bytes=0, parts_from_bytes=1)
    late.put(sent)
    assert _unfinished(bucket) == []


def _object_key(sha256: str) -> str:
    return f"lib/objects/{sha256[:2]}/{sha256}"


def _unfinished(bucket: Bucket) -> list[Any]:
    found = bucket.client.list_multipart_uploads(Bucket=bucket.place.bucket)
    return list(found.get("Uploads", []))


def _put_and_die(place: Place, cache: Path, sent: Path) -> None:
    s3_library(connected(place), cache).put(sent)
    os.kill(os.getpid(), signal.SIGKILL)


def _die_at_the_third_part(place: Place, cache: Path, sent: Path) -> None:
    bucket = connected(place)
    seen = _count_parts(bucket, lambda: os.kill(os.getpid(), signal.SIGKILL), at=3)
    s3_library(bucket, cache, parts_from_bytes=1).put(sent)
    raise AssertionError(seen)


def _count_parts(bucket: Bucket, then: Any = None, *, at: int = 0) -> list[int]:
    seen: list[int] = []

    def see(params: dict[str, Any], **_: Any) -> None:
        seen.append(int(params["PartNumber"]))
        if len(seen) == at:
            then()

    bucket.client.meta.events.register("provide-client-params.s3.UploadPart", see)
    return seen


def _kill(target: Any, *arguments: Any) -> None:
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_killed_between_the_object_and_the_commit_the_next_run_finds_it(
    library: S3Library, bucket: Bucket, sent: Path, tmp_path: Path
) -> None:
    _kill(_put_and_die, bucket.place, tmp_path / "other", sent)
    assert library.put(sent, SHA256).size_bytes == len(DATA)
    assert library.verify(SHA256)


def test_killed_within_a_large_file_the_next_run_sends_only_what_is_missing(
    bucket: Bucket, tmp_path: Path
) -> None:
    sent = tmp_path / "large"
    size = part_bytes(0)
    with sent.open("wb") as file:
        for number in range(5):
            file.write(bytes([number]) * size)
        file.write(b"end")
    _kill(_die_at_the_third_part, bucket.place, tmp_path / "other", sent)
    mended = connected(bucket.place)
    seen = _count_parts(mended)
    library = s3_library(mended, tmp_path / "cache", cache_bytes=0, parts_from_bytes=1)
    ref = library.put(sent)
    assert seen == [3, 4, 5, 6]
    assert library._bucket.head(f"objects/{ref.sha256[:2]}/{ref.sha256}").sha256 is None
    assert library.verify(ref.sha256)
    assert _unfinished(bucket) == []


def test_a_part_of_other_bytes_is_not_taken_for_sent(bucket: Bucket, tmp_path: Path) -> None:
    sent = tmp_path / "large"
    sent.write_bytes(b"a" * part_bytes(0) + b"end")
    sha256 = hashlib.sha256(sent.read_bytes()).hexdigest()
    key = f"lib/objects/{sha256[:2]}/{sha256}"
    place = {"Bucket": bucket.place.bucket, "Key": key}
    begun = bucket.client.create_multipart_upload(**place, ChecksumAlgorithm="SHA256")
    bucket.client.upload_part(
        **place,
        UploadId=begun["UploadId"],
        PartNumber=1,
        Body=b"b" * part_bytes(0),
        ChecksumAlgorithm="SHA256",
    )
    library = s3_library(bucket, tmp_path / "cache", cache_bytes=0, parts_from_bytes=1)
    library.put(sent, sha256)
    assert library.verify(sha256)


def test_what_was_just_put_is_read_from_the_local_disk(
    bucket: Bucket, sent: Path, wire: Wire, tmp_path: Path
) -> None:
    library = s3_library(bucket, tmp_path / "cache")
    library.put(sent)
    wire.cut()
    assert local_bytes(library, SHA256) == DATA


def test_an_address_serves_the_bytes_with_name_type_and_ranges_and_nothing_else(
    bucket: Bucket, sent: Path, tmp_path: Path
) -> None:
    library = s3_library(bucket, tmp_path / "cache", link_s=60)
    library.put(sent)
    named = "attachment; filename*=utf-8''Can%C3%A7%C3%A3o.flac"
    url = library.download_url(SHA256, disposition=named, media_type="audio/flac")
    assert url
    with httpx.Client(trust_env=False) as client:
        whole = client.get(url)
        assert whole.content == DATA
        assert whole.headers["content-disposition"] == named
        assert whole.headers["content-type"] == "audio/flac"
        part = client.get(url, headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, DATA[10:20])
        assert client.get(url.replace(SHA256, "0" * 64)).status_code == 403


def test_objects_have_the_storage_class_that_was_asked_for(
    aws_url: str, sent: Path, tmp_path: Path
) -> None:
    bucket = new_bucket(aws_url, storage_class="STANDARD_IA")
    s3_library(bucket, tmp_path / "cache").put(sent)
    found = bucket.client.head_object(Bucket=bucket.place.bucket, Key=KEY)
    assert found["StorageClass"] == "STANDARD_IA"


def test_a_bucket_that_is_not_there_is_refused(aws_url: str) -> None:
    place = Place("sarau-nowhere", "lib/", endpoint=aws_url, region="us-east-1")
    assert _code(open_bucket, connected(place), None) == "volume_missing"


def test_a_prefix_with_somebodys_objects_is_refused(bucket: Bucket) -> None:
    bucket.client.put_object(Bucket=bucket.place.bucket, Key="lib/photo.jpg", Body=b"x")
    assert _code(open_bucket, bucket, None) == "volume_missing"


def test_another_catalogs_library_is_refused(bucket: Bucket) -> None:
    known = open_bucket(bucket, None)
    assert open_bucket(bucket, known) == known
    other = open_bucket(replace_prefix(bucket, "other/"), None)
    assert _code(open_bucket, bucket, other) == "volume_mismatch"


def test_a_library_whose_sentinel_is_gone_is_not_made_anew(bucket: Bucket) -> None:
    known = open_bucket(bucket, None)
    bucket.remove(".sarau-volume")
    assert _code(open_bucket, bucket, known) == "volume_missing"


def test_a_sentinel_that_makes_no_sense_is_refused(bucket: Bucket) -> None:
    bucket.create_text(".sarau-volume", json.dumps({"role": "intake", "id": "x"}))
    assert _code(open_bucket, bucket, None) == "volume_mismatch"


def replace_prefix(bucket: Bucket, prefix: str) -> Bucket:
    return Bucket(replace(bucket.place, prefix=prefix), bucket.client)


def test_a_cache_volume_is_never_taken_for_a_library(tmp_path: Path) -> None:
    Volume.open(tmp_path, "cache", reserve_bytes=0)
    assert _code(lambda: Volume.open(tmp_path, "library", reserve_bytes=0)) == "volume_mismatch"
