"""Having several workers take part in a call for certain: each waits until all are there."""

import os
import tempfile
import time
from pathlib import Path

from fanfold import Parallel, delayed


def worker_pids(n_jobs=2):
    """Return the numbers of so many worker processes, each of which has run a task."""
    with tempfile.TemporaryDirectory() as folder:
        run = Parallel(n_jobs=n_jobs, backend="processes", batch_size=1)
        return set(run(delayed(meet)(Path(folder), n_jobs) for _ in range(n_jobs)))


def meet(folder, n_expected, seconds=60):
    """Return the number of this process when so many have come to the folder."""
    (folder / str(os.getpid())).touch()
    deadline = time.monotonic() + seconds
    while len(list(folder.iterdir())) < n_expected:
        assert time.monotonic() < deadline, "the others do not come"
        time.sleep(0.002)
    return os.getpid()
