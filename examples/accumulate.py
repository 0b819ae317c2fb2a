"""One pool for many calls: accumulate until a threshold is reached.

What to see: each round needs the result of the round before, so it is a call of its own. The
workers are started once and serve all rounds; entering the ``with`` block is not even needed for
that, but shows that they belong together.
"""

from __future__ import annotations

import os
import random

from fanfold import Parallel, delayed

THRESHOLD = 100.0


def draw(seed: int) -> tuple[float, int]:
    """Return a random number and the process that drew it."""
    return random.Random(seed).uniform(0, 2), os.getpid()


def main() -> None:
    """Draw until the sum is large enough."""
    total, rounds = 0.0, 0
    workers: set[int] = set()
    with Parallel(n_jobs=2) as parallel:
        while total < THRESHOLD:
            results = parallel(delayed(draw)(10 * rounds + i) for i in range(10))
            total += sum(number for number, _ in results)
            workers |= {worker for _, worker in results}
            rounds += 1

    print(f"the sum is {total:.1f} after {rounds} rounds on {len(workers)} workers")
    assert total >= THRESHOLD
    assert rounds > 5
    assert len(workers) <= 2
    assert os.getpid() not in workers


if __name__ == "__main__":
    main()
