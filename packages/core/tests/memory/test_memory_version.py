"""`Memory.cache(version=...)`: a function whose version is told by hand."""

import pickle
import threading
import warnings

import pytest
from fanfold import Memory, hash
from fanfold.errors import InvalidArgumentError
from fanfold.hashing import fingerprint

LOCK = threading.Lock()
CALLS = []


def locked(x):
    with LOCK:
        CALLS.append(x)
    return x


@pytest.fixture
def memory(tmp_path):
    CALLS.clear()
    return Memory(tmp_path, verbose=0)


def test_a_pinned_function_is_computed_anew_when_its_version_changes(memory):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is said of the lock
        for version in ("1", "1", "2", "1"):
            memory.cache(locked, version=version)(3)

    assert CALLS == [3, 3]


def test_the_decorator_takes_a_version(memory):
    @memory.cache(version=1)
    def double(x):
        CALLS.append(x)  # changes with each call, and would else count
        return 2 * x

    assert [double(2), double(2)] == [4, 4]
    assert CALLS == [2]
    assert double.version == 1


def test_a_pinned_function_keeps_its_version_in_other_processes(memory):
    cached = memory.cache(locked, version="1")

    again = pickle.loads(pickle.dumps(cached))
    cached(3)

    assert again.version == "1"
    assert again.check_call_in_cache(3)


def test_where_a_pinned_function_is_used_its_version_counts(memory):
    def using(cached):
        return lambda x: cached(x)

    one, other, unpinned = (memory.cache(locked, version=version) for version in ("1", "2", None))

    assert fingerprint(using(one)) == fingerprint(using(memory.cache(locked, version="1")))
    assert fingerprint(using(one)) != fingerprint(using(other))
    assert hash(one) != hash(other)
    assert unpinned.version is None


def test_what_is_no_version_is_refused(memory):
    with pytest.raises(InvalidArgumentError, match=r"version=1\.5: expected text or a number"):
        memory.cache(locked, version=1.5)
