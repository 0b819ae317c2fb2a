"""``fanfold inspect`` shows what is in a file, and nothing of the file runs."""

from __future__ import annotations

import fractions
import functools
import json
import os
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from fanfold.cli import main
from fanfold.persistence import dump, encode

VALUE = {"weights": np.zeros((4, 3)), "objects": np.array([1, None]), "number": 1j}
NUMPY = "trusted=['numpy']"


class Running:
    """Would leave a trace if it were loaded."""

    def __reduce__(self):
        return os.mkdir, ("trace",)


@pytest.fixture
def inspect(capsys):
    def run(path):
        code = main(["inspect", "--json", str(path)])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_container_is_described(inspect):
    data = b"".join(encode(VALUE, metadata={"seconds": 1.5}))
    with open("value", "wb") as file:
        file.write(data)

    code, report = inspect("value")

    imports = {one["name"]: one["trusted_by"] for one in report.pop("imports")}
    assert code == 0
    assert imports["numpy.dtype"] == "numpy"
    assert imports["builtins.complex"] == ""
    assert report.pop("pickle_size") > 100
    assert report == {
        "path": "value",
        "size": len(data),
        "format": "fanfold",
        "version": 1,
        "compression": None,
        "metadata": {"seconds": 1.5},
        "protocol": 5,
        "n_buffers": 1,
        "buffers_size": 96,
        "checked": True,
        "following": 0,
        "arrays": [
            {"dtype": "<f8", "shape": [4, 3], "size": 96},
            {"dtype": "O", "shape": [2], "size": 16},
        ],
        "problem": None,
    }


@pytest.mark.parametrize("method", ["zlib", "gzip", "bz2", "xz", "lzma", "lz4", "zstd"])
def test_a_compressed_container_is_described(inspect, method):
    dump(VALUE, "value", compress=method)

    code, report = inspect("value")

    assert (code, report["compression"], report["buffers_size"]) == (0, method, 96)
    assert [one["shape"] for one in report["arrays"]] == [[4, 3], [2]]


@pytest.mark.parametrize("method", [None, "zlib", "gzip", "bz2", "xz", "lzma", "lz4"])
def test_a_file_of_joblib_is_described(inspect, method):
    joblib.dump(VALUE, "value", compress=(method, 3) if method else 0)

    code, report = inspect("value")

    assert (code, report["format"], report["compression"]) == (0, "joblib", method)
    assert [one["dtype"] for one in report["arrays"]] == ["<f8", "O"]
    assert {"name": "numpy.ndarray", "trusted_by": "numpy"} in report["imports"]


@pytest.mark.parametrize("protocol", range(6))
def test_a_plain_pickle_is_described_and_does_not_run(inspect, folder, protocol):
    value = [Running(), functools.partial(int, "1"), fractions.Fraction(1, 2), VALUE]
    (folder / "value").write_bytes(pickle.dumps(value, protocol))

    code, report = inspect("value")

    names = {one["name"] for one in report["imports"]}
    assert (code, report["format"], report["protocol"]) == (
        0,
        "pickle",
        protocol if protocol > 1 else 0,
    )
    assert names >= {"posix.mkdir", "functools.partial", "fractions.Fraction", "numpy.dtype"}
    assert not (folder / "trace").exists()


def test_what_calls_would_return_is_followed_too(inspect, folder):
    bound = fractions.Fraction(1, 2).limit_denominator
    stream = b"cfunctools\npartial\n(cos\nsystem\nVtrue\ntR)Rcos\ngetcwd\n0."
    (folder / "methods").write_bytes(pickle.dumps([bound, dict.fromkeys]))
    (folder / "calls").write_bytes(stream)

    for path, names in [
        ("methods", {"builtins.getattr", "fractions.Fraction", "builtins.dict"}),
        ("calls", {"functools.partial", "os.system", "os.getcwd"}),
    ]:
        code, report = inspect(path)
        assert (code, report["problem"]) == (0, None)
        assert {one["name"] for one in report["imports"]} == names


def test_what_is_named_is_not_imported(folder):
    dump(VALUE, "value")
    (folder / "other").write_bytes(b"cwsgiref.simple_server\nsoftware_version\n.")
    program = (
        "import sys; from fanfold.cli import main; main(['inspect', sys.argv[1]]);"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'joblib', 'wsgiref')))"
    )

    for name in ("value", "other"):
        assert subprocess.run([sys.executable, "-c", program, name]).returncode == 0


def test_what_follows_the_value_is_counted(inspect):
    with open("value", "wb") as file:
        dump(1, file)
        first = file.tell()
        dump(2, file)
    with open("pickle", "wb") as file:
        file.write(pickle.dumps(1) + b"abc")

    assert inspect("value")[1]["following"] == os.path.getsize("value") - first
    assert inspect("pickle")[1]["following"] == 3


def test_a_file_that_was_mapped_for_writing_is_not_checked(inspect):
    from fanfold import load

    dump(np.zeros(100), "value")
    load("value", mmap_mode="r+")

    assert inspect("value")[1]["checked"] is False


@pytest.mark.parametrize("write", [dump, joblib.dump])
def test_a_damaged_file_is_described_up_to_the_damage(inspect, write):
    write([np.zeros(1000), fractions.Fraction(1, 2)], "value")
    os.truncate("value", 1000)

    code, report = inspect("value")

    assert code == 1
    assert "truncated" in report["problem"]
    assert report["checked"] is False


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"zebra", "is no opcode"),
        (b"\xffanfold\n", "should have 64 bytes"),
        (b"\x1f\x8babc", "cannot be decompressed"),
    ],
)
def test_what_is_none_of_these_files_is_said_to_be_so(inspect, folder, content, problem):
    (folder / "value").write_bytes(content)

    code, report = inspect("value")

    assert code == 1
    assert problem in report["problem"]


def test_a_compressor_that_is_not_there_is_named(inspect, folder):
    from fanfold.persistence import Compressor, register_compressor
    from fanfold.persistence._compressors import compressors

    class Copying(Compressor):
        def compress(self, data, level):
            return bytes(data)

        def decompress(self, data, size):
            return bytes(data)

    register_compressor("copying", Copying())
    dump(1, "value", compress="copying")
    del compressors["copying"]

    code, report = inspect("value")

    assert code == 1
    assert "register_compressor('copying', ...)" in report["problem"]


def test_tables_show_it_to_people(capsys):
    dump([np.zeros(n) for n in range(200)], "value")

    assert main(["inspect", "value"]) == 0

    shown = capsys.readouterr().out
    assert "fanfold, version 1" in shown
    assert "pickle" in shown
    assert "checksums    right" in shown
    assert "and 100 others; --json has all" in shown
    assert f"numpy.dtype                      {NUMPY}" in shown


def test_tables_show_the_problem(capsys, folder):
    (folder / "value").write_bytes(b"cos\n\x1b[2J\nI1\n.x"[:-3])

    assert main(["inspect", "value"]) == 1

    shown = capsys.readouterr().out
    assert "problem" in shown
    assert "\x1b" not in shown


def test_a_file_that_is_not_there_is_named(capsys):
    assert main(["inspect", "nowhere"]) == 1

    assert "No such file or directory: 'nowhere'" in capsys.readouterr().err
