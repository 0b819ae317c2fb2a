"""The memory that 150 results of 16 MB take: as a list, and as they come.

::

    python examples/streaming_memory.py [--results N] [--megabytes SIZE]

What to see: a list holds all 2.4 GB at once. A generator holds only what has been computed ahead of
the one who takes the results. When some tasks are slow, the results that come after one of them
must wait for it; ``generator_unordered`` hands out whatever is done, and needs less.
"""

from __future__ import annotations

import argparse
import threading
from time import sleep
from types import TracebackType
from typing import Literal, Self

import numpy as np
import psutil
from fanfold import Parallel, delayed
from fanfold.backends.processes import ProcessesBackend

ReturnAs = Literal["list", "generator", "generator_unordered"]


def make(index: int, megabytes: int, seconds: float) -> np.ndarray:
    """Return a large result, after some time."""
    sleep(seconds)
    return np.full(megabytes * 125_000, float(index))


class PeakMemory:
    """Measures how much memory is taken at the most, beyond what it is at the start.

    That is what this process has for itself, and what the processes of the machine share, where
    large results lie.
    """

    def __init__(self) -> None:
        self.nbytes = 0
        self._process = psutil.Process()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._start = self._taken()
        self._thread.start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.005):
            self.nbytes = max(self.nbytes, self._taken() - self._start)

    def _taken(self) -> int:
        own = self._process.memory_info()
        if not hasattr(own, "shared"):  # only Linux tells them apart
            return int(own.rss)
        return int(own.rss - own.shared + psutil.virtual_memory().shared)


def peak(options: argparse.Namespace, return_as: ReturnAs, *, slow: bool) -> int:
    """Return how many bytes it takes to add up the results; with `slow`, a few come late."""
    seconds = [0.5 if slow and i % 50 == 0 else 0.0 for i in range(options.results)]
    ProcessesBackend().close()  # workers keep some memory for later calls: begin without
    with PeakMemory() as memory:
        results = Parallel(n_jobs=2, return_as=return_as)(
            delayed(make)(i, options.megabytes, seconds[i]) for i in range(options.results)
        )
        total = sum(float(result.mean()) for result in results)
    assert total == sum(range(options.results))
    how = "with slow tasks" if slow else "all tasks alike"
    print(f"{return_as:>20}, {how}: {memory.nbytes / 1e6:7,.0f} MB", flush=True)
    return memory.nbytes


def main() -> None:
    """Measure, what needs least first."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--results", type=int, default=150, help="how many (default: 150)")
    parser.add_argument("--megabytes", type=int, default=16, help="how large (default: 16)")
    options = parser.parse_args()

    unordered_despite_slow = peak(options, "generator_unordered", slow=True)
    ordered_despite_slow = peak(options, "generator", slow=True)
    generator = peak(options, "generator", slow=False)
    everything = peak(options, "list", slow=False)

    assert generator < everything / 3
    assert unordered_despite_slow < ordered_despite_slow


if __name__ == "__main__":
    main()
