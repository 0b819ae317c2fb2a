"""pre_dispatch: numbers and arithmetic, and a clear error for everything else."""

import pytest
from fanfold import Parallel, delayed


def run(pre_dispatch, n_jobs=2):
    return Parallel(n_jobs=n_jobs, backend="threads", pre_dispatch=pre_dispatch)(
        delayed(abs)(-i) for i in range(20)
    )


@pytest.mark.parametrize(
    "pre_dispatch",
    [1, 3, 2.5, "all", "n_jobs", "2 * n_jobs", "1.5*n_jobs", "(n_jobs + 1) // 2", "n_jobs ** 2",
     "-(-n_jobs)", "+n_jobs", "7 % 4", "n_jobs - 1", "0.5 * n_jobs / 2"],
)  # fmt: skip
def test_valid_values_run_everything(pre_dispatch):
    assert run(pre_dispatch) == list(range(20))


@pytest.mark.parametrize(
    "pre_dispatch",
    ["nonsense", "import os", "__import__('os')", "n_jobs.bit_length()", "[1]", "1 if 1 else 2",
     "n_jobs and 1", "~n_jobs", "", "2 *", "1 / 0", "9 ** 9 ** 9", "1e400", "True", "'2'"],
)  # fmt: skip
def test_what_is_not_arithmetic_is_named(pre_dispatch):
    with pytest.raises(ValueError, match="pre_dispatch=") as raised:
        run(pre_dispatch)
    assert repr(pre_dispatch) in str(raised.value)
    assert "2 * n_jobs" in str(raised.value)


@pytest.mark.parametrize("pre_dispatch", [0, -1, "0 * n_jobs", "-n_jobs", float("nan")])
def test_what_is_not_positive_is_refused(pre_dispatch):
    with pytest.raises(ValueError, match="not a number of batches"):
        run(pre_dispatch)


@pytest.mark.parametrize("pre_dispatch", [None, True, [2]])
def test_what_is_no_number_is_refused(pre_dispatch):
    with pytest.raises(ValueError, match="not a number"):
        run(pre_dispatch)


def test_the_input_is_taken_as_far_ahead_as_pre_dispatch_says():
    taken = []

    def inputs():
        for i in range(10):
            taken.append(i)
            yield delayed(abs)(i)

    results = Parallel(n_jobs=2, backend="threads", pre_dispatch=3, return_as="generator")(inputs())
    assert len(taken) == 3
    assert list(results) == list(range(10))


def test_all_takes_the_whole_input_before_the_first_result():
    taken = []

    def inputs():
        for i in range(50):
            taken.append(i)
            yield delayed(abs)(i)

    results = Parallel(n_jobs=2, backend="threads", pre_dispatch="all", return_as="generator")(
        inputs()
    )
    assert len(taken) == 50
    assert list(results) == list(range(50))
