"""A file that changes between its rehearsal and its reading imports nothing more than before."""

import io
import pickle
import sys
from fractions import Fraction
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
from fanfold.errors import UntrustedGlobalError
from fanfold.persistence import load

CHANGES_THE_FILE = """
import sys

class Thing:
    pass

sys.modules["file_of_the_test"].change()
"""


def plain(value):
    return pickle.dumps(value)


def of_joblib(value):
    file = io.BytesIO()
    joblib.dump([np.zeros(3), value], file)
    return file.getvalue()


@pytest.mark.parametrize("written", [plain, of_joblib])
def test_what_was_not_rehearsed_is_refused(written, tmp_path, monkeypatch):
    def change():
        position = file.tell()
        file.seek(0)
        file.write(written(Fraction(1, 2)))
        file.seek(position)

    # What is trusted is imported after the rehearsal, and before anything runs.
    (tmp_path / "imported_between.py").write_text(CHANGES_THE_FILE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "file_of_the_test", SimpleNamespace(change=lambda: None))
    from imported_between import Thing

    file = io.BytesIO(written(Thing))
    monkeypatch.delitem(sys.modules, "imported_between")
    monkeypatch.setitem(sys.modules, "file_of_the_test", SimpleNamespace(change=change))

    with pytest.raises(UntrustedGlobalError, match=r"Fraction only when it runs"):
        load(file, trusted=["imported_between.Thing", "numpy"])
