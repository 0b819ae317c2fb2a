"""Many workers fill one array in place: ``fanfold.shared_array``.

What to see: a plain array that tasks write to stays empty, because each worker writes to its own
copy. A shared array is one piece of memory that all of them see, on processes as on threads.
"""

from __future__ import annotations

import numpy as np
from fanfold import Parallel, delayed, shared_array

ROWS = 8


def fill(table: np.ndarray, row: int) -> None:
    """Write the powers of a number into its row."""
    table[row] = float(row) ** np.arange(table.shape[1])


def main() -> None:
    """Fill a plain array, then a shared one on every local backend."""
    plain = np.zeros((ROWS, 5))
    Parallel(n_jobs=2)(delayed(fill)(plain, row) for row in range(ROWS))
    print(f"plain array, processes: {np.count_nonzero(plain)} numbers arrived")
    assert not plain.any()

    expected = np.vander(np.arange(ROWS, dtype=float), 5, increasing=True)
    for backend in ("processes", "threads", "sequential"):
        table = shared_array((ROWS, 5), float)
        Parallel(n_jobs=2, backend=backend)(delayed(fill)(table, row) for row in range(ROWS))
        print(f"shared array, {backend}: {np.count_nonzero(table)} numbers arrived")
        assert np.array_equal(table, expected)


if __name__ == "__main__":
    main()
