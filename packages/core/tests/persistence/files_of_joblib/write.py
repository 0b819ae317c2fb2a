"""Write one value with the joblib that is installed, in all its ways; for Python 3.6 and later.

    python write.py FOLDER

`make.py` runs it. What is written is small, so that it can be kept.
"""

import os
import pickle
import sys
import warnings

import joblib
import numpy as np


def value():
    """Return what is written: something of each kind that joblib treats in its own way."""
    return {
        "plain": np.arange(100),
        "fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        "strided": np.arange(20)[::3],
        "0-d": np.array(5),
        "empty": np.zeros((0, 3)),
        "dates": np.array(["2020-01-01"], "M8[s]"),
        "big-endian": np.arange(5).astype(">i4"),
        "structured": np.array([(1, 2.5, "x")], [("a", "<i4"), ("b", "<f8"), ("c", "U3")]),
        "objects": np.array([1, "x", None], dtype=object),
        "matrix": np.arange(4).reshape(2, 2).view(np.matrix),
        "masked": np.ma.array([1.0, 2.0], mask=[True, False]),
        "scalar": np.float64(2.5),
        "list": [1, "text", {"a": (2, 3)}],
    }


def ways(version):
    """Return the arguments of `dump` for each way to write a file, by the name of the file."""
    if version.startswith("0.9"):  # it cannot write with other protocols than the default one
        apart = {"compress": 3, "cache_size": 0}  # arrays in files of their own, compressed too
        return {"default": {}, "zlib": {"compress": 3}, "zlib-apart": apart}
    methods = ["zlib", "gzip", "bz2", "lzma", "xz"]
    if hasattr(joblib, "register_compressor"):  # since 0.12
        methods.append("lz4")
    compressed = {method: {"compress": (method, 3)} for method in methods}
    protocols = range(pickle.HIGHEST_PROTOCOL + 1)
    return dict(compressed, **{f"protocol-{p}": {"protocol": p} for p in protocols})


def main(folder):
    """Write the files."""
    written = value()
    written["again"] = written["plain"]
    for name, arguments in ways(joblib.__version__).items():
        joblib.dump(written, os.path.join(folder, name + ".pkl"), **arguments)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of numpy, about its matrix
    main(sys.argv[1])
