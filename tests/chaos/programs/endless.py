"""Calls with large arguments and results, one after the other, until somebody ends it.

::

    python endless.py
"""

from __future__ import annotations

from fanfold import Parallel, delayed
from support import assert_is, assert_works, doubled, large


def main() -> None:
    """Say so when the pool is warm, then go on for ever."""
    assert_works()
    print("warm", flush=True)
    while True:
        run = Parallel(n_jobs=2)
        for number, array in enumerate(run(delayed(doubled)(large(i)) for i in range(4))):
            assert_is(array, 2 * number)


if __name__ == "__main__":
    main()
