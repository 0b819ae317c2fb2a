"""What shared arrays are in the process that makes them."""

import copy
import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
from fanfold import shared_array, shared_like
from fanfold.errors import InvalidArgumentError

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(params=["memory", "file"])
def options(request, tmp_path):
    """Arguments that choose each kind of shared memory in turn."""
    return {"temp_folder": tmp_path} if request.param == "file" else {}


@pytest.mark.parametrize("shape", [(), 0, 5, np.int64(3), (2, 0, 3), [4, 2]])
@pytest.mark.parametrize("dtype", [float, "i2", bool, "U7", "M8[s]", [("x", "i4"), ("y", "f8")]])
def test_they_are_as_numpy_makes_zeros(shape, dtype):
    array = shared_array(shape, dtype)

    zeros = np.zeros(shape, dtype)
    assert type(array) is np.ndarray
    assert (array.shape, array.dtype) == (zeros.shape, zeros.dtype)
    np.testing.assert_array_equal(array, zeros)
    assert array.flags.writeable


def test_element_types_may_be_arrays():
    assert shared_array(3, np.dtype((float, (2, 2)))).shape == (3, 2, 2)


def test_fortran_order_is_kept():
    assert shared_array((3, 4), order="F").flags.f_contiguous


def test_large_ones_hold_what_is_written(options):
    array = shared_array((300, 1000), "i4", **options)
    array[...] = np.arange(array.size).reshape(array.shape)
    assert array[299, 999] == array.size - 1


@pytest.mark.parametrize("like", [np.ones((2, 3), "f4"), np.ones((2, 3), order="F"), [[1, 2]], 7])
def test_one_like_another_has_its_form_and_not_its_contents(like):
    array = shared_like(like)

    like = np.asarray(like)
    assert (array.shape, array.dtype, array.strides) == (like.shape, like.dtype, like.strides)
    assert not array.any()


def test_copies_and_results_of_arithmetic_have_memory_of_their_own(options):
    array = shared_array(3, **options)
    others = [array + 1, array.copy(), copy.deepcopy(array), pickle.loads(pickle.dumps(array))]
    array[...] = 8
    assert all(8 not in other for other in others)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": -1}, r"shape=-1 is not valid: expected an integer of 0 or more"),
        ({"shape": (2, -3)}, r"shape=\(2, -3\) is not valid"),
        ({"shape": 2.0}, r"shape=2\.0 is not valid"),
        ({"shape": (1, "x")}, r"shape=\(1, 'x'\) is not valid"),
        ({"shape": 2, "dtype": "nonsense"}, "dtype='nonsense' is not valid: data type"),
        ({"shape": 2, "dtype": object}, "dtype=<class 'object'> holds Python objects"),
        ({"shape": 2, "dtype": [("a", "O")]}, "holds Python objects"),
        ({"shape": 2, "dtype": str}, "does not say how long its elements are: use for ex.* 'U20'"),
        ({"shape": 2, "order": "K"}, "order='K' is not valid: expected 'C' or 'F'"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        shared_array(**arguments)


def test_one_like_objects_is_refused():
    with pytest.raises(InvalidArgumentError, match="holds Python objects"):
        shared_like([None])


@pytest.mark.parametrize("length", [1 << 62, 1 << 80])
def test_more_than_there_is_is_refused_and_leaves_nothing(options, length, tmp_path):
    with pytest.raises(MemoryError, match=r"cannot get \d+ bytes of shared memory: .*smaller"):
        shared_array(length, "u1", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        shared_array(3, temp_folder=tmp_path / "missing")


def test_without_numpy_the_message_says_what_to_install():
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "import fanfold\n"
        "try:\n    fanfold.shared_array(3)\n"
        "except fanfold.errors.MissingExtraError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install numpy" in done.stdout


@on_linux
def test_memory_and_descriptors_go_with_the_last_view(options, tmp_path, note_descriptors):
    assert_descriptors_are_back, mappings = note_descriptors(), _mappings("self")
    array = shared_array(100_000, **options)
    view = array[::2].reshape(2, -1).T
    del array
    view[0, 0] = 5  # still there
    assert len(_mappings("self")) == len(mappings) + 1
    del view
    assert _mappings("self") == mappings
    assert_descriptors_are_back()
    assert list(tmp_path.iterdir()) == []


@on_linux
def test_on_linux_there_is_no_name_in_any_file_system(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    others = _mappings("self")
    array = shared_array(10)
    [mapping] = set(_mappings("self")).difference(others)
    assert "/memfd:" in mapping  # which belongs to no file system
    assert list(tmp_path.iterdir()) == []
    assert array.size == 10


def test_files_are_removed_when_their_owner_ends(tmp_path, run_script):
    run_script(
        "import fanfold, os, sys\n"
        "array = fanfold.shared_array(10, temp_folder=sys.argv[1])\n"
        "assert len(os.listdir(sys.argv[1])) == 1\n",
        str(_made(tmp_path / "kept")),
    )
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_file_may_be_removed_with_its_folder(tmp_path):
    array = shared_array(10, temp_folder=_made(tmp_path / "kept"))
    shutil.rmtree(tmp_path / "kept")
    array[...] = 1
    del array


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_leaves_the_file_to_its_owner(tmp_path, run_script):
    run_script(
        "import fanfold, os, sys\n"
        "array = fanfold.shared_array(10, temp_folder=sys.argv[1])\n"
        "if os.fork() == 0:\n"
        "    array[0] = 3\n"
        "    sys.exit()\n"
        "os.wait()\n"
        "assert len(os.listdir(sys.argv[1])) == 1 and array[0] == 3\n",
        str(_made(tmp_path / "kept")),
    )
    assert list((tmp_path / "kept").iterdir()) == []


def _made(folder):
    folder.mkdir()
    return folder


def _mappings(pid):
    with open(f"/proc/{pid}/maps") as maps:
        return [line for line in maps if "fanfold-shared" in line]
