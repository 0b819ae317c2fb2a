"""Who is told what a call does: printed messages, progress, and hooks."""

from __future__ import annotations

import sys
from itertools import count
from time import perf_counter

from ..plugins import hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from ..tasks.outcomes import Outcome
    from ._policy import Verdict

__all__ = ["HookObserver", "Observer", "VerboseObserver"]


class Observer:
    """Is told what a call does; each method may be left out."""

    def call_started(self, backend: str, n_jobs: int, total: int | None) -> None:
        """Tell that the call begins, with how many tasks if that is known."""

    def batch_finished(self, first_task: int, outcome: Outcome) -> None:
        """Tell that a batch has run."""

    def batch_lost(self, error: BaseException) -> None:
        """Tell that a batch has no outcome, because of the system."""

    def task_failed(self, index: int, error: BaseException, verdict: Verdict) -> None:
        """Tell that an attempt of a task failed, and what is done about it."""

    def call_finished(self, n_tasks: int, error: BaseException | None) -> None:
        """Tell that the call has ended, after so many tasks, and what ended it early."""


class HookObserver(Observer):
    """Passes on to the installed and registered observers."""

    _numbers = count(1)  # each number once, whatever threads ask: without the GIL too

    def __init__(self) -> None:
        self._call_id = next(self._numbers)
        self._began = perf_counter()

    def call_started(self, backend: str, n_jobs: int, total: int | None) -> None:
        """Call the hook of the same name."""
        hooks.notify(
            "fanfold_call_started",
            call_id=self._call_id,
            backend=backend,
            n_jobs=n_jobs,
            total=total,
        )

    def batch_finished(self, first_task: int, outcome: Outcome) -> None:
        """Call the hook of the same name."""
        hooks.notify(
            "fanfold_batch_finished",
            call_id=self._call_id,
            first_task=first_task,
            n_tasks=outcome.ran,
            n_failed=len(outcome.failures),
            seconds=outcome.seconds,
        )

    def batch_lost(self, error: BaseException) -> None:
        """Call ``fanfold_worker_lost``, where a worker was lost."""
        from ..errors import WorkerLostError

        if isinstance(error, WorkerLostError):
            hooks.notify("fanfold_worker_lost", call_id=self._call_id, error=error)

    def task_failed(self, index: int, error: BaseException, verdict: Verdict) -> None:
        """Call the hook of the same name."""
        hooks.notify(
            "fanfold_task_failed",
            call_id=self._call_id,
            index=index,
            error=error,
            attempts=verdict.attempts,
            retry_in=verdict.retry_in,
        )

    def call_finished(self, n_tasks: int, error: BaseException | None) -> None:
        """Call the hook of the same name."""
        hooks.notify(
            "fanfold_call_finished",
            call_id=self._call_id,
            n_tasks=n_tasks,
            seconds=perf_counter() - self._began,
            error=error,
        )


class VerboseObserver(Observer):
    """Prints how far a call is, as ``verbose`` asks for.

    Lines come more seldom as the call goes on: with ``verbose=v``, after each growth of the number
    of tasks by one part in v; above 10, after each batch. They go to stderr, above 50 to stdout.
    """

    def __init__(self, verbose: int) -> None:
        self._verbose = verbose
        self._began = perf_counter()
        self._done = 0
        self._failed = 0
        self._next_line = 1.0
        self._total: int | None = None
        self._n_jobs = 1

    def call_started(self, backend: str, n_jobs: int, total: int | None) -> None:
        """Print the backend and the number of workers."""
        self._total = total
        self._n_jobs = n_jobs
        if n_jobs > 1:
            self._print(f"Using backend {backend} with {n_jobs} concurrent workers.")

    def batch_finished(self, first_task: int, outcome: Outcome) -> None:
        """Print how many tasks have run, if it is time to."""
        self._done += len(outcome.results)
        if self._verbose <= 10 and self._done < self._next_line:
            return
        self._next_line = max(self._done + 1, self._done * (1 + 1 / self._verbose))
        elapsed = perf_counter() - self._began
        if self._total is None:
            self._print(f"{self._tasks()} tasks      | elapsed: {_duration(elapsed)}")
        elif self._done < self._total:
            left = elapsed * (self._total - self._done) / max(1, self._done)
            self._print(
                f"{self._tasks()} out of {self._total:3d} | elapsed: {_duration(elapsed)} "
                f"remaining: {_duration(left)}"
            )

    def task_failed(self, index: int, error: BaseException, verdict: Verdict) -> None:
        """Print that it is tried again, or count it as done."""
        if verdict.is_returned:
            self._done += 1
            self._failed += 1
        if verdict.retry_in is not None:
            when = f" in {verdict.retry_in:.3g}s" if verdict.retry_in else ""
            self._print(f"Task {index} failed ({type(error).__name__}): trying again{when}")

    def call_finished(self, n_tasks: int, error: BaseException | None) -> None:
        """Print the end."""
        elapsed = perf_counter() - self._began
        how = "finished" if error is None else f"ended by {type(error).__name__}"
        total = n_tasks if error is None else self._total
        out_of = "" if total is None else f" out of {total:3d}"
        self._done = n_tasks
        self._print(f"{self._tasks()}{out_of} | elapsed: {_duration(elapsed)} {how}")

    def _tasks(self) -> str:
        failed = f" ({self._failed} failed)" if self._failed else ""
        return f"Done {self._done:3d}{failed}"

    def _print(self, text: str) -> None:
        stream: TextIO = sys.stdout if self._verbose > 50 else sys.stderr
        stream.write(f"[Parallel(n_jobs={self._n_jobs})]: {text}\n")
        stream.flush()


def _duration(seconds: float) -> str:
    return f"{seconds:6.1f}s" if seconds < 60 else f"{seconds / 60:5.1f}min"
