"""Ten tasks of one second each on eight workers: two rounds, so a little over two seconds.

What to see: the loop would take ten seconds. Eight naps run at once and two in a second round.
"""

from __future__ import annotations

from time import perf_counter, sleep

from fanfold import Parallel, delayed


def nap(seconds: float) -> float:
    """Sleep, and return for how long."""
    sleep(seconds)
    return seconds


def main() -> None:
    """Take the naps."""
    parallel = Parallel(n_jobs=8)
    parallel(delayed(nap)(0) for _ in range(8))  # the workers start here, once for all calls

    began = perf_counter()
    naps = parallel(delayed(nap)(1) for _ in range(10))
    took = perf_counter() - began

    print(f"{len(naps)} naps of 1 s took {took:.2f} s")
    assert naps == [1] * 10
    assert 2 <= took < 5, "five rounds or more: the naps were not taken side by side"


if __name__ == "__main__":
    main()
