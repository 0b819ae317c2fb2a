"""Signed results: `Memory(signing_key=...)`."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from fanfold import Memory, Parallel, delayed, expires_after
from fanfold.errors import (
    BadSignatureError,
    CacheMissError,
    CorruptFileError,
    FanfoldWarning,
    InvalidArgumentError,
)
from fanfold.memory.care import find_damaged

KEY = b"0123456789abcdef" * 2
OTHER_KEY = b"fedcba9876543210" * 2


def token(x: object, n: int = 8) -> bytes:
    return os.urandom(n)


def key_from_elsewhere() -> bytes:
    return KEY


class Trap:
    """Tells when it is unpickled."""

    sprung: ClassVar[list[str]] = []

    def __reduce__(self) -> Any:
        return Trap.sprung.append, ("unpickled",)


@pytest.fixture
def signed(location: str) -> Memory:
    return Memory(location, verbose=0, signing_key=KEY)


@pytest.fixture
def plain(location: str) -> Memory:
    return Memory(location, verbose=0)


@pytest.mark.parametrize("n", [8, 1_000_000])
@pytest.mark.parametrize("compress", [False, "zlib"])
def test_what_was_signed_is_found(location: str, compress: Any, n: int) -> None:
    cached = Memory(location, verbose=0, signing_key=KEY, compress=compress).cache(token)
    value = cached(1, n)

    again = Memory(location, verbose=0, signing_key=KEY).cache(token)

    assert again(1, n) == cached(1, n) == value
    assert again.check_call_in_cache(1, n)


@pytest.mark.parametrize(
    "source", ["FANFOLD_TEST_KEY", key_from_elsewhere, [KEY], (OTHER_KEY, KEY)]
)
def test_the_key_comes_from_anywhere(
    location: str, monkeypatch: pytest.MonkeyPatch, signed: Memory, source: Any
) -> None:
    monkeypatch.setenv("FANFOLD_TEST_KEY", KEY.decode())
    value = signed.cache(token)(1)

    assert Memory(location, verbose=0, signing_key=source).cache(token)(1) == value


def test_the_first_of_several_keys_signs(location: str) -> None:
    value = Memory(location, verbose=0, signing_key=[OTHER_KEY, KEY]).cache(token)(1)

    assert Memory(location, verbose=0, signing_key=OTHER_KEY).cache(token)(1) == value


def test_what_is_signed_can_be_read_without_a_key(signed: Memory, plain: Memory) -> None:
    value = signed.cache(token)(1)

    assert plain.cache(token)(1) == value
    assert list(find_damaged(plain)) == []
    assert [entry.arguments["x"] for entry in plain.entries()] == ["1"]


def change_a_byte(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (lambda data: data[:-48], "is not signed"),
        (change_a_byte, "signature of the entry .* is wrong"),
        (lambda data: data[:-20] + bytes(12) + data[-8:], "signature of the entry .* is wrong"),
        (lambda data: data[:-48] + bytes(8) + data[-40:], "signed by the key 0000000000000000"),
        (lambda data: b"", "is not signed"),
    ],
    ids=["removed", "content", "signature", "unknown key", "empty"],
)
@pytest.mark.parametrize(
    "use",
    [
        lambda cached: cached(1),
        lambda cached: cached.call_and_shelve(1).get(),
    ],
    ids=["call", "shelve"],
)
def test_what_is_not_signed_as_it_should_be_is_computed_again(
    signed: Memory, forge: Callable[[bytes], bytes], message: str, use: Callable[[Any], Any]
) -> None:
    cached = signed.cache(token)
    value = cached(1)
    store = signed.store_backend
    assert store is not None
    [stored] = store.list()
    data = store.get(stored.key)
    assert data is not None
    store.put(stored.key, [forge(data)])

    with pytest.warns(FanfoldWarning, match=f"computed again: .*{message}"):
        after = use(cached)

    assert after != value
    assert cached(1) == after
    assert signed.stats().refused == 1
    assert "refused" in signed.stats()._repr_html_()


def test_nothing_of_what_is_refused_is_unpickled(signed: Memory, plain: Memory) -> None:
    Trap.sprung.clear()
    cached: Any = plain.cache(token)
    cached.put((1,), Trap())

    with pytest.warns(FanfoldWarning, match="is not signed"):
        signed.cache(token)(1)

    assert Trap.sprung == []


def test_an_entry_that_was_moved_to_another_key_is_refused(signed: Memory) -> None:
    cached = signed.cache(token)
    first, second = cached.call_and_shelve(1), cached.call_and_shelve(2)
    store = signed.store_backend
    assert store is not None
    data = store.get(second.key)  # type: ignore[union-attr]
    assert data is not None
    store.put(first.key, [data])  # type: ignore[union-attr]

    with pytest.raises(CacheMissError, match="moved here from another place"):
        first.get()
    assert not signed.stats().hits


def test_a_validation_sees_no_metadata_of_what_is_refused(signed: Memory, plain: Memory) -> None:
    plain.cache(token)(1)
    seen = []

    def note(metadata: Any) -> bool:
        seen.append(metadata)
        return True

    with pytest.warns(FanfoldWarning, match="is not signed"):
        signed.cache(token, cache_validation_callback=note)(1)

    assert seen == []


def test_all_that_is_refused_is_told_once_and_counted(signed: Memory, plain: Memory) -> None:
    for x in range(3):
        plain.cache(token)(x)

    with pytest.warns(FanfoldWarning, match="is not signed") as told:
        list(map(signed.cache(token), range(3)))

    assert len(told) == 1
    assert signed.stats().refused == 3


def test_a_validated_result_is_found(signed: Memory) -> None:
    cached = signed.cache(token, cache_validation_callback=expires_after(hours=1))

    assert cached(1) == cached(1)


def test_what_is_signed_is_not_mapped_and_that_is_told(tmp_path: Any) -> None:
    with pytest.warns(FanfoldWarning, match="no effect: results are signed"):
        Memory(tmp_path, mmap_mode="r", signing_key=KEY)


def test_the_hot_tier_keeps_what_was_checked(location: str) -> None:
    cached = Memory(location, verbose=0, signing_key=KEY, hot="1MB").cache(lambda x: [x])

    assert cached(1) == cached(1) == cached(1) == [1]


def test_workers_sign_with_the_key_that_the_environment_has(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FANFOLD_TEST_KEY", KEY.decode())
    cached = Memory(tmp_path, verbose=0, signing_key="FANFOLD_TEST_KEY").cache(token)

    values = Parallel(n_jobs=2)(delayed(cached)(x) for x in range(4))

    assert [cached(x) for x in range(4)] == values


@pytest.mark.parametrize("keys", [KEY, ["FANFOLD_TEST_KEY", KEY]])
def test_a_key_given_as_bytes_is_never_pickled(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, keys: Any
) -> None:
    monkeypatch.setenv("FANFOLD_TEST_KEY", OTHER_KEY.decode())
    memory = Memory(tmp_path, verbose=0, signing_key=keys)
    shelved = memory.cache(token).call_and_shelve(1)

    for what in (memory, memory.cache(token), shelved):
        with pytest.raises(pickle.PicklingError, match="name of an environment variable"):
            pickle.dumps(what)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (b"short", "at least 16 bytes"),
        (lambda: 5, "at least 16 bytes"),
        (5, "at least 16 bytes"),
        ("FANFOLD_NOT_SET", "'FANFOLD_NOT_SET' is taken as the name of an environment variable"),
        ([], "signing_key is empty"),
    ],
)
@pytest.mark.parametrize("kept", [True, False])
def test_a_key_that_will_not_do_is_refused(
    tmp_path: Any, kept: bool, key: Any, message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        Memory(tmp_path if kept else None, signing_key=key)


def test_a_bad_signature_is_a_kind_of_damage() -> None:
    assert issubclass(BadSignatureError, CorruptFileError)
