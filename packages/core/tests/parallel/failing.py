"""Tasks that fail, or end their worker, and how they are run."""

import os
import signal

from fanfold import (
    Parallel,
)


def fail_at(bad, i):
    if i in bad:
        raise ValueError(f"no {i}")
    return i


def leave(how, i):
    if how == "exit":
        os._exit(7)
    os.kill(os.getpid(), signal.SIGKILL)


def run(backend, calls, **options):
    return list(Parallel(n_jobs=2, backend=backend, **options)(calls))
