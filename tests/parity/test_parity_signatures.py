"""What joblib's functions take, ours take: under the same names, with the same defaults.

What differs on purpose is listed here, and nothing else does.
"""

from __future__ import annotations

import inspect

import fanfold
import joblib
import pytest

FUNCTIONS = [
    "Memory",
    "Parallel",
    "cpu_count",
    "delayed",
    "dump",
    "effective_n_jobs",
    "expires_after",
    "hash",
    "load",
    "parallel_backend",
    "parallel_config",
    "register_compressor",
    "register_parallel_backend",
    "register_store_backend",
]
METHODS = {
    "Memory": ["cache", "clear", "eval", "reduce_size"],
    "a cached function": ["__call__", "call", "call_and_shelve", "check_call_in_cache", "clear"],
    "a shelved result": ["get", "clear"],
    "a function that is not cached": ["__call__", "call", "call_and_shelve", "clear"],
    "Parallel": ["__call__"],
}
OTHER_DEFAULTS = {
    # joblib's md5 is of a pickle; this one is of the value, and many times as fast.
    ("hash", "hash_name"): "xxh3_128",
}
OUR_OWN = {
    ("Parallel", "return_generator"),
    ("Parallel", "progress"),
    ("Memory", "max_bytes"),
    ("Memory", "max_entries"),
    ("Memory", "ttl"),
    ("Memory", "read_only"),
    ("Memory", "hot"),
    ("Memory", "signing_key"),
    ("Memory", "single_flight"),
    ("Memory", "lease_seconds"),
    ("dump", "durable"),
    ("load", "trusted"),
} | {
    (name, argument)
    for name in ("Parallel", "parallel_config")
    # joblib passes the last two on to the backend, by the same names; here every backend has them.
    for argument in ("on_error", "retries", "task_timeout", "seed", "initializer", "initargs")
}
NOT_OURS = {
    "Logger": "messages go through the standard library's logging",
    "MemorizedResult": "ours is made by call_and_shelve alone",
    "ParallelBackendBase": "fanfold.contracts.Backend is what a backend derives from",
    "PrintTime": "no part of parallel work, caching or persistence",
    "StoreBackendBase": "fanfold.contracts.Store is what a store derives from",
}


def square(x):
    return x**2


def objects(library, folder):
    """Return one of each class whose methods are compared."""
    memory = library.Memory(folder, verbose=0)
    return {
        "Memory": memory,
        "a cached function": memory.cache(square),
        "a shelved result": memory.cache(square).call_and_shelve(2),
        "a function that is not cached": library.Memory(None).cache(square),
        "Parallel": library.Parallel(n_jobs=1),
    }


def is_mark(default):
    """Tell whether a default stands for "as configured", for which each library has its mark."""
    return type(default).__module__.split(".")[0] in ("joblib", "fanfold")


def parameters(function):
    return {
        name: (parameter.kind, "as configured" if is_mark(parameter.default) else parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
    }


def test_what_is_missing_has_its_reason():
    assert {name for name in joblib.__all__ if name not in fanfold.__all__} <= NOT_OURS.keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_have_joblibs_names_kinds_and_defaults(name):
    theirs = parameters(getattr(joblib, name))
    ours = parameters(getattr(fanfold, name))

    for argument, (kind, default) in theirs.items():
        assert ours[argument] == (kind, OTHER_DEFAULTS.get((name, argument), default)), argument
    assert {(name, argument) for argument in ours.keys() - theirs.keys()} <= OUR_OWN


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_that_may_be_given_by_place_have_the_same_places(name):
    theirs, ours = (
        [
            argument
            for argument, (kind, _) in parameters(getattr(library, name)).items()
            if kind == inspect.Parameter.POSITIONAL_OR_KEYWORD
        ]
        for library in (joblib, fanfold)
    )

    assert ours == theirs


@pytest.mark.parametrize(
    ("owner", "method"), [(owner, method) for owner, names in METHODS.items() for method in names]
)
def test_methods_take_what_joblibs_take(owner, method, tmp_path):
    theirs = parameters(getattr(objects(joblib, tmp_path / "joblib")[owner], method))
    ours = parameters(getattr(objects(fanfold, tmp_path / "fanfold")[owner], method))

    assert set(theirs) <= set(ours)
    assert {argument: ours[argument] for argument in theirs} == theirs


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_jobs", 1), ("verbose", 0), ("timeout", None), ("pre_dispatch", "2 * n_jobs")],
)
def test_what_parallel_is_without_arguments(library, name, value):
    assert getattr(library.Parallel(), name) == value
