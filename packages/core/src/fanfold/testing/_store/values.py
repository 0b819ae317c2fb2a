"""Checks of what is put and read."""

from __future__ import annotations

import os
from array import array
from typing import TYPE_CHECKING

import pytest

from .base import StoreChecks
from .pieces import KEY, Interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...contracts.store import Piece, Store

__all__ = ["ValueChecks"]

_PIECES: dict[str, Sequence[Piece]] = {
    "one piece": [b"value"],
    "a tuple": (b"a", b"value"),
    "every byte": [bytes(range(256))],
    "text-like ends": [b"\r\n", b"\x1a", b"\n"],
    "no pieces": [],
    "an empty piece": [b""],
    "empty pieces between": [b"", b"a", b"", b"b", b""],
    "a thousand pieces": [b"%d," % number for number in range(1000)],
    "every kind": [b"bytes", bytearray(b"bytearray"), memoryview(b"memoryview")],
    "a view of numbers": [memoryview(array("d", [1.5, 2.5])), b"end"],
    "a view of nothing": [memoryview(array("d")), b"end"],
}

_WHOLE = bytes(range(256)) * 4
_RANGES = [
    (0, None),
    (0, 10),
    (5, 10),
    (0, len(_WHOLE)),
    (1000, None),
    (1000, len(_WHOLE) + 1000),
    (len(_WHOLE) - 1, len(_WHOLE)),
    (len(_WHOLE), None),
    (len(_WHOLE), len(_WHOLE) + 1),
    (len(_WHOLE) + 5, len(_WHOLE) + 10),
    (0, 0),
    (7, 7),
    (9, 3),
]


class ValueChecks(StoreChecks):
    """What is read is what was put."""

    @pytest.mark.parametrize("pieces", _PIECES.values(), ids=_PIECES)
    def test_an_entry_comes_back_as_it_was_put(self, store: Store, pieces: Sequence[Piece]) -> None:
        store.put(KEY, pieces)

        value = store.get(KEY)

        assert isinstance(value, bytes)
        assert value == b"".join(bytes(piece) for piece in pieces)

    def test_a_missing_entry_is_none(self, store: Store) -> None:
        store.put("some/other", [b"value"])

        assert store.get(KEY) is None

    @pytest.mark.parametrize(("start", "stop"), _RANGES)
    def test_a_range_gives_what_a_slice_gives(
        self, store: Store, start: int, stop: int | None
    ) -> None:
        store.put(KEY, [_WHOLE])

        part = store.get(KEY, start, stop)

        assert isinstance(part, bytes)
        assert part == _WHOLE[start:stop]

    @pytest.mark.parametrize(("start", "stop"), [(0, None), (0, 10), (5, None), (3, 3)])
    def test_a_range_of_an_empty_entry_is_empty(
        self, store: Store, start: int, stop: int | None
    ) -> None:
        store.put(KEY, [])

        assert store.get(KEY, start, stop) == b""

    @pytest.mark.parametrize(("start", "stop"), [(0, 10), (5, None), (5, 10), (3, 3)])
    def test_a_range_of_a_missing_entry_is_none(
        self, store: Store, start: int, stop: int | None
    ) -> None:
        assert store.get(KEY, start, stop) is None

    def test_a_put_replaces_what_was_there(self, store: Store) -> None:
        for value in (b"first", b"2", b"", b"much longer than the first"):
            store.put(KEY, [value])

            assert store.get(KEY) == value

    def test_a_big_value_comes_back_whole_and_in_parts(self, store: Store) -> None:
        pieces: list[Piece] = [
            os.urandom(1 << 20) * 4,
            memoryview(array("q", range(1 << 19))),
            b"tail",
        ]
        value = b"".join(bytes(piece) for piece in pieces)

        store.put(KEY, [*pieces, *pieces])

        # Compared beforehand: to show how two long values differ takes pytest minutes.
        is_whole = store.get(KEY) == value + value
        assert is_whole
        for border in (4 << 20, len(value), len(value) + (4 << 20)):
            around = slice(border - 1000, border + 1000)
            assert store.get(KEY, around.start, around.stop) == (value + value)[around]

    def test_what_happens_to_the_pieces_after_a_put_does_not_matter(self, store: Store) -> None:
        piece = bytearray(b"as it was")
        store.put(KEY, [piece])

        piece[:] = b"different"

        assert store.get(KEY) == b"as it was"

    def test_a_put_whose_pieces_cannot_be_read_changes_nothing(self, store: Store) -> None:
        store.put(KEY, [b"old"])

        def fail() -> None:
            raise RuntimeError("no more pieces")

        with pytest.raises(RuntimeError, match="no more pieces"):
            store.put(KEY, Interrupted(b"new" * 100_000, b"value", between=fail))

        assert store.get(KEY) == b"old"
        assert [entry.key for entry in store.list()] == [KEY]
