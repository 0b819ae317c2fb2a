"""Files that real versions of joblib wrote are loaded; ``files_of_joblib/make.py`` made them."""

import io
import os
import runpy
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fanfold.errors import CorruptFileError, FanfoldWarning, UntrustedGlobalError
from fanfold.persistence import load

FOLDER = Path(__file__).parent / "files_of_joblib"
VALUE = runpy.run_path(str(FOLDER / "write.py"))["value"]()
ARRAYS = [name for name, value in VALUE.items() if type(value) is np.ndarray]
FILES = [
    (archive.stem, name)
    for archive in sorted(FOLDER.glob("joblib-*.zip"))
    for name in zipfile.ZipFile(archive).namelist()
    if name.endswith(".pkl")
]
PLAIN = [(version, name) for version, name in FILES if name.startswith(("protocol", "default"))]
COMPRESSED = [file for file in FILES if file not in PLAIN]
IN_ONE_FILE = [f for f in FILES if f[0] != "joblib-0.9.4" or f[1] == "zlib.pkl"]


@pytest.fixture
def unpacked(tmp_path):
    def unpack(version, name):
        """Unpack a file, and those beside it that belong to it."""
        with zipfile.ZipFile(FOLDER / f"{version}.zip") as archive:
            for member in archive.namelist():
                if member.startswith(name):
                    archive.extract(member, tmp_path)
        return tmp_path / name

    return unpack


def check(loaded, *, native):
    assert loaded.keys() == {*VALUE, "again"}
    for name, expected in VALUE.items():
        np.testing.assert_array_equal(loaded[name], expected, err_msg=name)
    for name in ARRAYS:
        assert loaded[name].dtype == VALUE[name].dtype or name == "big-endian"
        assert loaded[name].shape == VALUE[name].shape
    assert loaded["big-endian"].dtype.isnative == native
    assert loaded["fortran"].flags.f_contiguous
    assert type(loaded["matrix"]) is np.matrix
    np.testing.assert_array_equal(loaded["masked"].mask, [True, False])
    assert type(loaded["scalar"]) is np.float64
    np.testing.assert_array_equal(loaded["again"], VALUE["plain"])


def test_there_are_files_of_many_versions():
    versions = {version for version, _ in FILES}

    assert {"joblib-0.9.4", "joblib-0.10.3", "joblib-1.6.0"} < versions
    assert len(versions) >= 14
    assert len(FILES) > 140


@pytest.mark.parametrize(("version", "name"), FILES)
def test_a_file_of_each_version_and_kind_is_loaded(version, name, unpacked):
    loaded = load(unpacked(version, name))

    check(loaded, native=True)
    for array in ARRAYS:
        assert type(loaded[array]) is np.ndarray, array
        assert loaded[array].flags.writeable, array


@pytest.mark.parametrize(("version", "name"), IN_ONE_FILE)
def test_numpy_is_all_that_need_be_trusted(version, name, unpacked):
    check(load(unpacked(version, name), trusted=["numpy"]), native=True)


@pytest.mark.parametrize(("version", "name"), PLAIN)
def test_the_arrays_of_each_version_are_mapped(version, name, unpacked):
    loaded = load(unpacked(version, name), mmap_mode="c")

    check(loaded, native=False)
    for array in set(ARRAYS) - {"objects"}:
        assert type(loaded[array]) is np.memmap, array
        assert loaded[array].mode == "c"


@pytest.mark.parametrize(("version", "name"), COMPRESSED)
def test_what_each_version_compressed_is_loaded_with_one_warning(version, name, unpacked):
    path = unpacked(version, name)

    with pytest.warns(FanfoldWarning, match="is compressed") as caught:
        loaded = load(path, mmap_mode="r")

    assert len(caught) == 1
    # numpy's own pickles, which joblib 0.9 kept for small arrays, come back in native byte order.
    check(loaded, native=(version, name) == ("joblib-0.9.4", "zlib.pkl"))


class TestFilesBesideThePickle:
    """Before 0.10 each array had a file of its own."""

    @pytest.fixture(params=["default.pkl", "zlib-apart.pkl"])
    def path(self, request, unpacked):
        return unpacked("joblib-0.9.4", request.param)

    def test_the_pickle_may_be_an_open_file(self, path):
        with open(path, "rb") as file:
            check(load(file), native=True)

    def test_they_are_found_from_another_folder(self, path, monkeypatch):
        monkeypatch.chdir(path.parent)

        check(load(path.name), native=True)

    def test_one_that_is_missing_is_named(self, path):
        missing = next(path.parent.glob(f"{path.name}_01*"))
        missing.unlink()

        with pytest.raises(FileNotFoundError, match=missing.name):
            load(path)

    def test_without_a_path_they_cannot_be_found(self, path):
        with pytest.raises(CorruptFileError, match="load it by its path"):
            load(io.BytesIO(path.read_bytes()))

    @pytest.mark.parametrize("mmap_mode", [None, "r"])
    def test_one_that_was_cut_is_refused(self, mmap_mode, unpacked):
        path = unpacked("joblib-0.9.4", "default.pkl")
        cut = path.parent / "default.pkl_01.npy"

        for length in (0, 5, 60, 700):
            cut.write_bytes(cut.read_bytes()[:length].ljust(length))
            with pytest.raises(CorruptFileError, match=r"default\.pkl_01\.npy"):
                load(path, mmap_mode=mmap_mode)

    def test_a_compressed_one_that_is_none_is_refused(self, unpacked):
        path = unpacked("joblib-0.9.4", "zlib-apart.pkl")
        (path.parent / "zlib-apart.pkl_01.npy.z").write_bytes(b"other" * 10)

        with pytest.raises(CorruptFileError, match="does not start with b'ZF'"):
            load(path)

    @pytest.mark.parametrize("folder", ["/etc/", "../"])
    def test_a_file_elsewhere_is_refused(self, folder, unpacked):
        path = unpacked("joblib-0.9.4", "default.pkl")
        name = b"default.pkl_01.npy"
        elsewhere = folder.encode() + name[len(folder) :]
        path.write_bytes(path.read_bytes().replace(name, elsewhere))

        with pytest.raises(CorruptFileError, match="which is not beside it"):
            load(path)

    @pytest.mark.parametrize("trusted", [["numpy"], ["numpy", "joblib"]])
    def test_nothing_is_loaded_where_not_all_is_trusted(self, trusted, path):
        with pytest.raises((CorruptFileError, UntrustedGlobalError)):
            load(path, trusted=trusted)

    def test_trust_in_joblib_does_not_extend_to_other_files(self, unpacked):
        path = unpacked("joblib-0.9.4", "default.pkl")

        with pytest.raises(UntrustedGlobalError, match="trusted= covers no other files"):
            load(path, trusted=["numpy", "joblib"])

    def test_one_space_more_in_front_of_what_is_compressed_is_skipped(self, unpacked):
        path = unpacked("joblib-0.9.4", "zlib.pkl")
        whole = path.read_bytes()
        path.write_bytes(whole[:21] + b" " + whole[21:])

        check(load(path), native=True)


def test_what_a_file_of_numpy_maps_for_writing_stays_in_it(unpacked):
    path = unpacked("joblib-0.9.4", "default.pkl")

    mapped = load(path, mmap_mode="r+")
    mapped["plain"][0] = 77
    mapped["plain"].flush()

    assert load(path)["plain"][0] == 77
    assert os.path.basename(mapped["plain"].filename) == "default.pkl_01.npy"
