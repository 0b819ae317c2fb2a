"""Fresh memory is writable, of the size that was asked for, whatever its size."""

import subprocess
import sys

import pytest
from fanfold._buffers import allocate

SIZES = [0, 1, 100, 64 << 10, 1 << 20, 40 << 20]


@pytest.mark.parametrize("size", SIZES)
def test_memory_has_its_size_and_can_be_written(size):
    buffer = memoryview(allocate(size))
    assert buffer.nbytes == size
    if size:
        buffer[-1:] = b"x"
        assert buffer[size - 1] == ord("x")


def test_without_numpy_it_is_the_same():
    code = f"""
import sys
from fanfold._buffers import allocate
for size in {SIZES}:
    assert len(allocate(size)) == size
assert "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_too_much_is_a_memory_error():
    with pytest.raises(MemoryError, match="no memory for a buffer of"):
        allocate(1 << 60)
