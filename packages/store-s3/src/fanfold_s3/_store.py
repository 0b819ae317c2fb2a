"""The store that keeps its entries as objects of an S3 bucket."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ClassVar, cast

from fanfold.contracts import (
    Piece,
    Store,
    StoreCapabilities,
    StoreEntry,
    check_key,
    check_prefix,
    is_key,
)
from obstore.exceptions import AlreadyExistsError, BaseError

from ._client import endpoint_of, make_client, parse_location
from ._failure import error_code, failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from fanfold.errors import StoreError
    from obstore.store import S3Config

__all__ = ["S3Store"]

_CONFIGURATION = (
    "region",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "skip_signature",
)
"""The options that obstore knows under the same names, and has its own defaults for."""

_PART = 8 << 20
_MOST_PARTS = 10_000
_REQUESTS = 32

# obstore reports a missing object as FileNotFoundError, and some faults as ValueError.
_FAILURES = (BaseError, OSError, ValueError)


class S3Store(Store):
    """Entries as objects of a bucket: of ``s3://bucket/prefix``, ``a/b`` is ``prefix/a/b``.

    It works with Amazon S3 and with services that speak its protocol, which have to know
    conditional writes (``If-None-Match``). S3 shows an object when its upload is complete, so every
    write is atomic. A value of more than 8 MiB goes in parts; the parts of a writer that dies stay
    in the bucket, unseen, until a lifecycle rule of the bucket removes incomplete uploads.

    Every option that is None comes from the usual environment variables: ``AWS_ENDPOINT_URL``,
    ``AWS_REGION``, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN`` and so
    on; credentials also from the role of the machine. Profiles in ``~/.aws`` are not read.

    The options travel to workers with the pickled store; what comes from the environment does not.

    Parameters
    ----------
    location : str
        ``s3://bucket`` or ``s3://bucket/prefix``. The bucket has to be there.
    endpoint : str or None, default=None
        The URL of a service that is not Amazon's, such as ``http://localhost:9000``.
    region : str or None, default=None
        The bucket's region; ``us-east-1`` where nothing tells.
    access_key_id, secret_access_key, session_token : str or None, default=None
        Credentials.
    skip_signature : bool, default=False
        Use no credentials, for a public bucket.
    connect_seconds : float, default=2.0
        How long to wait for a connection.
    answer_seconds : float, default=60.0
        How long to wait for the answer to one request, or for its next bytes.
    retry_seconds : float, default=5.0
        How long to try again after an error that may pass.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        When the location or the endpoint is no such URL.
    """

    name: ClassVar[str] = "s3"
    capabilities: ClassVar[StoreCapabilities] = StoreCapabilities(
        put_if_absent=True, spans_hosts=True, get_many=True
    )

    def __init__(
        self,
        location: str,
        *,
        endpoint: str | None = None,
        region: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        session_token: str | None = None,
        skip_signature: bool = False,
        connect_seconds: float = 2.0,
        answer_seconds: float = 60.0,
        retry_seconds: float = 5.0,
    ) -> None:
        bucket, prefix = parse_location(location)
        super().__init__(f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}")
        self._options: dict[str, Any] = {
            "endpoint": endpoint,
            "region": region,
            "access_key_id": access_key_id,
            "secret_access_key": secret_access_key,
            "session_token": session_token,
            "skip_signature": skip_signature,
            "connect_seconds": connect_seconds,
            "answer_seconds": answer_seconds,
            "retry_seconds": retry_seconds,
        }
        self._endpoint = endpoint_of(endpoint)
        config = {name: self._options[name] for name in _CONFIGURATION if self._options[name]}
        self._client = make_client(
            bucket,
            prefix,
            self._endpoint,
            cast("S3Config", config),
            connect_seconds=connect_seconds,
            answer_seconds=answer_seconds,
            retry_seconds=retry_seconds,
        )

    def __reduce__(self) -> tuple[functools.partial[S3Store], tuple[()]]:
        return functools.partial(type(self), self.location, **self._options), ()

    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        """Return the bytes of an entry, or None where there is none."""
        check_key(key)
        try:
            return self._get(key, start, stop)
        except FileNotFoundError as error:
            if error_code(error) == "NoSuchKey":
                return None
            raise self._failure(f"read the entry {key!r}", error) from error
        except _FAILURES as error:
            if error_code(error) == "InvalidRange":
                return b""  # the entry is there, but ends before `start`
            raise self._failure(f"read the entry {key!r}", error) from error

    def get_many(
        self, keys: Sequence[str], start: int = 0, stop: int | None = None
    ) -> Sequence[bytes | None]:
        """Return the bytes of many entries, in the order of the keys; None where there is none.

        They are asked for side by side, by as many threads as there are keys, up to 32.
        """
        from concurrent.futures import ThreadPoolExecutor  # not all programs look up many

        for key in keys:
            check_key(key)
        if not keys:
            return []
        with ThreadPoolExecutor(min(len(keys), _REQUESTS)) as threads:
            return list(threads.map(lambda key: self.get(key, start, stop), keys))

    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        """Write an entry atomically, in the place of one that may be there."""
        check_key(key)
        views = [memoryview(piece).cast("B") for piece in pieces if memoryview(piece).nbytes]
        size = sum(view.nbytes for view in views)
        try:
            if size <= _PART:
                self._client.put(key, b"".join(views), use_multipart=False)
            else:
                part = max(_PART, -(-size // _MOST_PARTS))
                self._client.put(key, views, use_multipart=True, chunk_size=part)
        except _FAILURES as error:
            raise self._failure(f"write the entry {key!r}", error) from error

    def put_if_absent(self, key: str, pieces: Sequence[Piece]) -> bool:
        """Write an entry unless there is one, and return whether this call wrote it.

        The value goes in one request. Where the answer to it is lost, the entry may be there and
        the return value False all the same.
        """
        check_key(key)
        value = b"".join(pieces)
        try:
            self._client.put(key, value, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        except _FAILURES as error:
            raise self._failure(f"write the entry {key!r}", error) from error
        return True

    def delete(self, key: str) -> bool:
        """Remove an entry and return whether it was there.

        S3 does not tell whether it was; so of several deletes at once, several may say so.
        """
        if self.get(key, 0, 0) is None:
            return False
        try:
            self._client.delete(key)
        except _FAILURES as error:
            raise self._failure(f"delete the entry {key!r}", error) from error
        return True

    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        """Iterate over the entries whose keys start with `prefix`, in any order."""
        return self._list(check_prefix(prefix))

    def _get(self, key: str, start: int, stop: int | None) -> bytes:
        if stop is None:
            whole = self._client.get(key, options={"range": {"offset": start}} if start else None)
            return bytes(whole.bytes())
        if stop > start:
            return bytes(self._client.get_range(key, start=start, end=stop))
        # S3 has no empty ranges; its answer to a byte tells whether the entry is there.
        self._client.get_range(key, start=0, end=1)
        return b""

    def _list(self, prefix: str) -> Iterator[StoreEntry]:
        try:
            for page in self._client.list(prefix or None, chunk_size=1000):
                for found in page:
                    if is_key(found["path"]):
                        modified = found["last_modified"].timestamp()
                        yield StoreEntry(found["path"], found["size"], modified)
        except _FAILURES as error:
            raise self._failure("list its entries", error) from error

    def _failure(self, action: str, error: Exception) -> StoreError:
        return failure(action, self.location, self._endpoint, error)
