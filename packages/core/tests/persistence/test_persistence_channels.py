"""Values go through whatever bytes go through: sockets, pipes, named pipes, files that pack."""

import bz2
import gzip
import io
import lzma
import os
import socket
import tempfile
import threading
import zipfile

import joblib
import numpy as np
import pytest
from fanfold.errors import FanfoldWarning
from fanfold.persistence import dump, load

VALUE = {
    "large": np.arange(300_000.0).reshape(500, 600),
    "turned": np.arange(300_000).reshape(500, 600).T,
    "scattered": np.arange(600_000)[::2],
    "small": [np.arange(n) for n in range(50)],
    "list": list(range(100_000)),
}
VALUES = [VALUE, "next", VALUE["large"]]
COMPRESSIONS = [0, ("zlib", 1), ("lz4", 1)]


def check(loaded):
    assert loaded.keys() == VALUE.keys()
    for name in ("large", "turned", "scattered"):
        np.testing.assert_array_equal(loaded[name], VALUE[name])
    assert all(map(np.array_equal, loaded["small"], VALUE["small"]))
    assert loaded["list"] == VALUE["list"]


def check_all(loaded):
    first, second, third = loaded
    check(first)
    assert second == "next"
    np.testing.assert_array_equal(third, VALUE["large"])


@pytest.fixture
def in_background():
    """Run a function while the test goes on; its error is the test's."""
    errors = []
    threads = []

    def guarded(function):
        try:
            function()
        except BaseException as error:
            errors.append(error)

    def start(function):
        thread = threading.Thread(target=guarded, args=[function])
        thread.start()
        threads.append(thread)

    yield start
    for thread in threads:
        thread.join()
    assert not errors


def socket_files(**arguments):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        return theirs.makefile("wb", **arguments), ours.makefile("rb", **arguments)


def pipe_files(**arguments):
    reading, writing = os.pipe()
    return open(writing, "wb", **arguments), open(reading, "rb", **arguments)


@pytest.mark.parametrize("compress", COMPRESSIONS)
@pytest.mark.parametrize("buffering", [-1, 0])
@pytest.mark.parametrize("files", [socket_files, pipe_files])
def test_several_values_in_a_row_go_through(files, buffering, compress, in_background):
    writing, reading = files(buffering=buffering)

    def send():
        with writing:
            for value in VALUES:
                dump(value, writing, compress=compress)

    with reading:
        in_background(send)
        check_all([load(reading) for _ in VALUES])
        with pytest.raises(EOFError, match="no value to load"):
            load(reading)


def test_values_of_joblib_go_through_a_pipe(in_background):
    writing, reading = pipe_files()
    written = io.BytesIO()
    joblib.dump(VALUE, written)

    def send():
        with writing:
            writing.write(written.getvalue())

    with reading:
        in_background(send)
        check(load(reading))


def test_a_pipe_cannot_be_mapped_and_says_so_once(in_background):
    writing, reading = pipe_files()

    def send():
        with writing:
            dump(VALUE, writing)

    with reading:
        in_background(send)
        with pytest.warns(FanfoldWarning, match="not a file on disk") as caught:
            check(load(reading, mmap_mode="r"))
    assert len(caught) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
@pytest.mark.parametrize("compress", COMPRESSIONS)
def test_the_path_of_a_named_pipe_will_do(compress, tmp_path, in_background):
    path = tmp_path / "pipe"
    os.mkfifo(path)

    in_background(lambda: dump(VALUE, path, compress=compress))

    check(load(path))
    assert path.is_fifo()


@pytest.mark.parametrize("library", [gzip, bz2, lzma])
def test_files_that_pack_what_is_written_will_do(library, tmp_path):
    with library.open(tmp_path / "packed", "wb") as file:
        dump(VALUE["list"], file)
        dump("next", file)

    with library.open(tmp_path / "packed", "rb") as file:
        assert load(file) == VALUE["list"]
        assert load(file) == "next"


def test_members_of_an_archive_will_do(tmp_path):
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive, archive.open("value", "w") as file:
        dump(VALUE, file)

    with zipfile.ZipFile(tmp_path / "archive") as archive, archive.open("value") as file:
        check(load(file))


@pytest.mark.parametrize(
    "opened", [io.BytesIO, tempfile.TemporaryFile, tempfile.SpooledTemporaryFile]
)
@pytest.mark.parametrize("compress", COMPRESSIONS)
def test_files_that_can_be_rewound_will_do(opened, compress):
    with opened() as file:
        for value in VALUES:
            dump(value, file, compress=compress)
        file.seek(0)

        check_all([load(file) for _ in VALUES])
