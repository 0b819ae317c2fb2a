from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from fanfold.contracts import Store
from fanfold.errors import InvalidArgumentError, StoreError
from fanfold.plugins import stores
from fanfold_s3 import S3Store

SECRETS: dict[str, Any] = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "hush"}
QUICK: dict[str, Any] = {"region": "us-east-1", "retry_seconds": 0.1, **SECRETS}

USES: dict[str, Callable[[Store], object]] = {
    "get": lambda store: store.get("a/b"),
    "get a range": lambda store: store.get("a/b", 2, 5),
    "get an empty range": lambda store: store.get("a/b", 2, 2),
    "get many": lambda store: store.get_many(["a/b", "a/c"]),
    "put": lambda store: store.put("a/b", [b"value"]),
    "put a big value": lambda store: store.put("a/b", [b"x" * (9 << 20)]),
    "put_if_absent": lambda store: store.put_if_absent("a/b", [b"value"]),
    "delete": lambda store: store.delete("a/b"),
    "list": lambda store: list(store.list()),
}


@pytest.fixture
def store(s3: Any) -> S3Store:
    return S3Store(s3.new_location(), **s3.options)


def stored(s3: Any, store: S3Store) -> list[str]:
    """Return the names of the objects of a store, as S3 tells them."""
    prefix = store.location.removeprefix("s3://bucket/")
    found = s3.client.list_objects_v2(Bucket="bucket", Prefix=f"{prefix}/")
    return [one["Key"].removeprefix(f"{prefix}/") for one in found.get("Contents", [])]


def test_it_is_found_by_the_scheme_of_a_location(s3: Any) -> None:
    location = s3.new_location()

    store = stores.for_location(location)(location, **s3.options)

    assert type(store) is S3Store
    store.put("a", [b"value"])
    assert stored(s3, store) == ["a"]


def test_an_entry_is_an_object_below_the_prefix(s3: Any, store: S3Store) -> None:
    store.put("a/b", [b"value"])

    assert stored(s3, store) == ["a/b"]


@pytest.mark.parametrize("location", ["s3://bucket", "s3://bucket/", "S3://bucket//"])
def test_a_bucket_may_be_used_as_a_whole(s3: Any, location: str) -> None:
    store = S3Store(location, **s3.options)
    store.put("whole/bucket", [b"value"])

    assert store.location == "s3://bucket"
    assert "whole/bucket" in [entry.key for entry in store.list()]
    assert store.delete("whole/bucket")


@pytest.mark.parametrize(
    "location", ["", "bucket/prefix", "s3://", "s3:///prefix", "s3://bucket/a//b", "gs://bucket"]
)
def test_other_locations_are_refused(location: str) -> None:
    with pytest.raises(InvalidArgumentError, match="is not the location of an S3 store"):
        S3Store(location)


def test_an_endpoint_that_is_no_url_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="'localhost:9000' is not a URL: write http://"):
        S3Store("s3://bucket", endpoint="localhost:9000")


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"])
def test_the_environment_gives_what_no_option_gives(
    s3: Any, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, s3.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    store = S3Store(s3.new_location())
    store.put("a", [b"value"])

    assert stored(s3, store) == ["a"]


def test_an_option_goes_before_the_environment(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")

    store = S3Store(s3.new_location(), **s3.options)
    store.put("a", [b"value"])

    assert stored(s3, store) == ["a"]


def test_a_copy_has_the_options_but_nothing_of_the_environment(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-the-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "from-the-environment")
    store = S3Store(s3.new_location(), endpoint=s3.endpoint, region="us-east-1")
    store.put("a", [b"value"])

    pickled = pickle.dumps(store)

    assert b"from-the-environment" not in pickled
    assert pickle.loads(pickled).get("a") == b"value"


def test_its_repr_hides_the_credentials(s3: Any) -> None:
    store = S3Store("s3://bucket/prefix", **s3.options | SECRETS)

    assert repr(store) == "S3Store('s3://bucket/prefix')"


def test_a_public_bucket_needs_no_credentials(s3: Any) -> None:
    location = s3.new_location()
    s3.client.put_object(
        Bucket="bucket",
        Key=f"{location.removeprefix('s3://bucket/')}/a",
        Body=b"value",
        ACL="public-read",
    )

    store = S3Store(location, endpoint=s3.endpoint, skip_signature=True)

    assert store.get("a") == b"value"


def test_a_big_value_goes_in_parts(s3: Any, store: S3Store) -> None:
    value = os.urandom(1 << 20) * 20

    store.put("a", [value])

    assert store.get("a") == value
    prefix = store.location.removeprefix("s3://bucket/")
    tag = s3.client.head_object(Bucket="bucket", Key=f"{prefix}/a")["ETag"]
    assert tag.endswith('-3"')  # so S3 marks an object of three parts


def test_many_small_pieces_go_in_parts_of_a_size_that_s3_takes(store: S3Store) -> None:
    pieces = [b"%06d" % number * 1000 for number in range(2000)]

    store.put("a", pieces)

    assert store.get("a") == b"".join(pieces)


def test_foreign_objects_are_not_listed(s3: Any, store: S3Store) -> None:
    store.put("a", [b"value"])
    prefix = store.location.removeprefix("s3://bucket/")
    for name in (".hidden", "with space", "a%20b"):
        s3.client.put_object(Bucket="bucket", Key=f"{prefix}/{name}", Body=b"")

    assert [entry.key for entry in store.list()] == ["a"]


def test_an_object_with_an_impossible_name_is_an_error_of_the_listing(
    s3: Any, store: S3Store
) -> None:
    prefix = store.location.removeprefix("s3://bucket/")
    s3.client.put_object(Bucket="bucket", Key=f"{prefix}/a//b", Body=b"")

    with pytest.raises(StoreError, match="choose a prefix that only fanfold writes to"):
        list(store.list())


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_missing_bucket_is_an_error_of_every_method(
    s3: Any, use: Callable[[Store], object]
) -> None:
    store = S3Store("s3://no-such-bucket/prefix", **s3.options)

    with pytest.raises(StoreError, match="create the bucket, or check its name") as raised:
        use(store)

    assert "NoSuchBucket" in str(raised.value)
    assert "s3://no-such-bucket/prefix" in str(raised.value)
    assert s3.endpoint in str(raised.value)
    assert raised.value.__cause__ is not None


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.timeout(30)
def test_an_endpoint_that_nobody_serves_is_an_error_of_every_method(
    use: Callable[[Store], object], unserved: str
) -> None:
    store = S3Store("s3://bucket/prefix", endpoint=unserved, **QUICK)

    with pytest.raises(StoreError, match="check that the endpoint is right, runs") as raised:
        use(store)

    assert "s3://bucket/prefix" in str(raised.value)
    assert unserved in str(raised.value)


@pytest.mark.timeout(60)
def test_with_no_options_it_gives_up_on_its_own(unserved: str) -> None:
    store = S3Store("s3://bucket", endpoint=unserved, **SECRETS)

    with pytest.raises(StoreError, match="check that the endpoint is right, runs"):
        store.get("a")


@pytest.mark.timeout(30)
def test_an_endpoint_that_never_answers_is_an_error(silent: str) -> None:
    store = S3Store("s3://bucket", endpoint=silent, answer_seconds=0.2, **QUICK)

    with pytest.raises(StoreError, match="check that the endpoint is right, runs"):
        store.get("a")


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_wrong_credentials_are_an_error_of_every_method(
    guarded_s3: Any, use: Callable[[Store], object]
) -> None:
    store = S3Store("s3://bucket/prefix", endpoint=guarded_s3.endpoint, **QUICK)

    with pytest.raises(StoreError, match="check the credentials and the policy") as raised:
        use(store)

    assert "InvalidAccessKeyId" in str(raised.value)
    assert "hush" not in str(raised.value)


def test_no_credentials_at_all_are_an_error_that_says_where_to_put_them(
    unserved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without any, obstore asks the machine for those of its role.
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", unserved)
    store = S3Store("s3://bucket", region="us-east-1", retry_seconds=0.1)

    with pytest.raises(StoreError, match="set AWS_ACCESS_KEY_ID") as raised:
        store.get("a")

    assert "at Amazon S3" in str(raised.value)


@pytest.mark.parametrize(
    ("status", "body", "step"),
    [
        (404, b"", "check that the endpoint is an S3 service"),
        (403, b"", "check the credentials and the policy"),
        (503, b"", "try again later, or give the store more time"),
        (
            400,
            b"<Error><Code>Surprise</Code><Message>Something new</Message></Error>",
            "Surprise: Something new; the cause, above, tells",
        ),
        (
            301,
            b"<Error><Code>PermanentRedirect</Code><Message>Elsewhere</Message></Error>",
            "the bucket is in another region: pass region=",
        ),
    ],
)
def test_an_odd_answer_is_an_error_with_a_next_step(
    answering: Callable[[int, bytes], str], status: int, body: bytes, step: str
) -> None:
    store = S3Store("s3://bucket", endpoint=answering(status, body), **QUICK)

    with pytest.raises(StoreError, match=step):
        store.get("a")


def test_a_delete_that_only_the_policy_forbids_is_an_error(
    answering: Callable[[int, bytes], str],
) -> None:
    store = S3Store("s3://bucket", endpoint=answering(206, b"v"), **QUICK)

    with pytest.raises(StoreError, match=r"cannot delete the entry 'a': .*check the credentials"):
        store.delete("a")


def test_importing_the_package_is_all_that_a_worker_needs(s3: Any, store: S3Store) -> None:
    store.put("a", [b"value"])
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer).get('a'))"

    result = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(store),
        capture_output=True,
        timeout=150,
        check=True,
    )

    assert result.stdout.strip() == b"b'value'"


@pytest.fixture
def unserved() -> Iterator[str]:
    """Give the URL of a port that is taken, but not listened to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """Give the URL of a port that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def answering() -> Iterator[Callable[[int, bytes], str]]:
    """Give a function that serves one answer to every GET, and returns the URL; POST is denied."""
    servers = []

    def serve(status: int, body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if status == 206:
                    self.send_header("Content-Range", f"bytes 0-{len(body) - 1}/{len(body)}")
                    self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
                    self.send_header("ETag", '"0"')
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(403)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()
