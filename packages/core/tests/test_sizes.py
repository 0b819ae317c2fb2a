"""Sizes as people write them."""

import pytest
from fanfold._sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (5, 5),
        ("5", 5),
        ("1K", 1024),
        ("1kb", 1024),
        ("1.5M", 3 << 19),
        (" 2 G ", 2 << 30),
        ("1T", 1 << 40),
    ],
)
def test_sizes_are_read(text, size):
    assert parse_size(text, "max_nbytes") == size


@pytest.mark.parametrize("wrong", ["", "K", "1X", "one", "1e999G", 1.5, None])
def test_what_is_no_size_is_named(wrong):
    with pytest.raises(ValueError, match="limit=") as raised:
        parse_size(wrong, "limit")
    assert repr(wrong) in str(raised.value)
