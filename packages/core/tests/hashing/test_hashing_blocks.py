"""`hash` of long runs of bytes, which several threads work off in blocks."""

import threading

import numpy as np
import pytest
import xxhash
from fanfold.hashing import hash

MEGABYTE = 1 << 20
LONG = np.random.default_rng(0).random((1100, 3000))  # 25 MB


@pytest.mark.parametrize("n_threads", ["1", "2", "3", "64", "many", ""])
def test_the_number_of_threads_does_not_count(monkeypatch, n_threads):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    by_one = hash(LONG)

    monkeypatch.setenv("OMP_NUM_THREADS", n_threads)

    assert hash(LONG) == by_one


@pytest.mark.parametrize(
    "same",
    [
        LONG.copy(),
        np.asfortranarray(LONG),
        np.repeat(LONG, 2, axis=1)[:, ::2],
        LONG[::-1].copy()[::-1],
        np.asfortranarray(LONG.reshape(11, 100, 3000)).reshape(LONG.shape),
    ],
    ids=["copy", "columns", "strided", "reversed", "cube"],
)
def test_layout_of_long_arrays_does_not_count(same):
    assert hash(same) == hash(LONG)


def test_layout_does_not_count_where_a_row_is_longer_than_a_block():
    wide = LONG.reshape(2, 1, -1)

    assert hash(np.asfortranarray(wide)) == hash(wide)
    assert hash(np.repeat(wide, 2, axis=2)[..., ::2]) == hash(wide)


@pytest.mark.parametrize("place", [0, 4 * MEGABYTE // 8 - 1, 4 * MEGABYTE // 8, -1])
def test_every_block_counts(place):
    changed = LONG.copy()

    changed.reshape(-1)[place] += 1

    assert hash(changed) != hash(LONG)


def test_the_order_of_blocks_counts():
    blocks = LONG.reshape(-1)[: 6 * 4 * MEGABYTE // 8].reshape(6, -1)

    assert hash(blocks) != hash(blocks[[1, 0, 2, 3, 4, 5]])


@pytest.mark.parametrize("n_bytes", [4 * MEGABYTE - 1, 4 * MEGABYTE, 4 * MEGABYTE + 1])
def test_bytes_at_the_edge_of_a_block_count(n_bytes):
    data = bytes(n_bytes)

    assert hash(data) == hash(data[:-1] + b"\0")
    assert len({hash(data), hash(data[:-1] + b"x"), hash(data + b"\0"), hash(data[:-1])}) == 4


def test_items_that_no_block_is_a_multiple_of_are_cut():
    words = np.arange(2_000_000).astype("U7")[:1_000_000]

    assert hash(np.repeat(words, 2)[::2]) == hash(words)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "c8", "c16", "g"])
@pytest.mark.parametrize("n_items", [3, 100_000, 3_000_000])
def test_a_nan_is_a_nan_in_long_arrays_too(dtype, n_items):
    one = np.zeros(n_items, dtype)
    one[-1] = np.nan
    other = one.copy()
    other[-1] = -np.float64(np.nan)

    assert hash(one) == hash(other) != hash(np.zeros(n_items, dtype))


def test_a_nan_that_signals_raises_no_warning():
    signals = np.array([0x7FF0_0000_0000_0001, 1], "u8").view("f8")

    assert hash(signals) == hash(np.array([np.nan, 5e-324]))
    assert hash(np.resize(signals, 10_000)) == hash(np.resize([np.nan, 5e-324], 10_000))


def test_where_no_thread_can_be_started_one_does_it_all(monkeypatch):
    expected = hash(LONG)

    def refuse(thread):
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    assert hash(LONG) == expected


def test_no_thread_is_left():
    hash(LONG)

    assert "fanfold-hash" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("who_fails", ["caller", "helper"])
def test_what_fails_in_a_thread_is_raised(monkeypatch, who_fails):
    from fanfold.hashing import _blocks
    from fanfold.hashing._algorithms import Algorithm
    from fanfold.hashing._words import Chunks

    class BrokenError(Exception):
        pass

    has_a_block = {"caller": threading.Event(), "helper": threading.Event()}

    def digest(block):
        who = "helper" if threading.current_thread().name == "fanfold-hash" else "caller"
        has_a_block[who].set()
        assert all(event.wait(60) for event in has_a_block.values())
        if who == who_fails:
            raise BrokenError
        return xxhash.xxh3_128_digest(block)

    monkeypatch.setattr(_blocks, "_n_threads", lambda n_blocks: 2)
    chunks = Chunks(20 * MEGABYTE, lambda: [bytes(20 * MEGABYTE)])

    with pytest.raises(BrokenError):
        _blocks.digest_of_chunks(Algorithm(xxhash.xxh3_128, digest), chunks)
    assert "fanfold-hash" not in [thread.name for thread in threading.enumerate()]
