"""What the checks of a backend start from: a backend, a lobby, a bound on every wait."""

from __future__ import annotations

import os
import signal
from concurrent.futures import TimeoutError as NotDone
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pytest

from ...contracts.backend import ExecutorRequest
from ...parallel import Parallel, delayed
from .._suite import Conformance
from . import tasks
from .aside import aside
from .lobby import Lobby

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from ...contracts.backend import Backend, Executor
    from ...tasks.naming import Task

__all__ = ["BackendChecks"]

T = TypeVar("T")


class BackendChecks(Conformance):
    """A backend to be checked.

    Attributes
    ----------
    patience : float, default=60.0
        How many seconds a check waits for anything; only a backend that fails makes it wait so
        long.
    host : str, default="127.0.0.1"
        The address of this machine, as the backend's workers see it: tasks report to it.
    """

    patience: ClassVar[float] = 60.0
    host: ClassVar[str] = "127.0.0.1"

    def make_backend(self) -> Backend:
        """Return the backend, with at least one worker, and better two."""
        raise NotImplementedError(
            f"{type(self).__name__} has to override make_backend: return a backend that can run "
            "tasks"
        )

    def kill_worker(self, pid: int) -> None:
        """End the worker process of this number, without notice; on this machine by default."""
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    @pytest.fixture
    def backend(self) -> Backend:
        """Give the backend."""
        return self.make_backend()

    @pytest.fixture
    def lobby(self) -> Iterator[Lobby]:
        """Give a place for tasks to report to."""
        with Lobby(self.host, self.patience) as lobby:
            yield lobby

    @pytest.fixture
    def executor(self, backend: Backend) -> Iterator[Executor]:
        """Give an executor for as many batches as can run at once, up to two."""
        executor = backend.executor(ExecutorRequest(n_jobs=self.slots(backend)))
        yield executor
        executor.close(abort=True)

    def slots(self, backend: Backend) -> int:
        """Return how many tasks the checks may expect to run at once: 1 or 2."""
        return min(2, backend.effective_n_jobs(-1), backend.effective_n_jobs(2))

    def runs_here(self, backend: Backend) -> bool:
        """Tell whether ``n_jobs=2`` is a loop in the calling thread: there is but one worker."""
        return backend.effective_n_jobs(2) == 1 and not backend.capabilities.spans_hosts

    def in_time(self, future: Future[T]) -> T:
        """Return what a future gives, if it does so before patience ends."""
        try:
            return future.result(self.patience)
        except NotDone:
            if future.done():
                raise  # it is what the work raised
            pytest.fail(f"it has not ended within {self.patience} seconds")

    def within(self, work: Callable[[], T]) -> T:
        """Do something that may hang, and return what it returns."""
        return self.in_time(aside(work))

    def call(self, backend: Backend, calls: Iterable[Task], **options: Any) -> Any:
        """Run tasks with ``n_jobs=2`` and return what ``Parallel`` does."""
        options.setdefault("n_jobs", 2)
        return self.within(lambda: Parallel(backend=backend, **options)(calls))

    def stream(self, backend: Backend, calls: Iterable[Task], **options: Any) -> list[Any]:
        """Run tasks with ``n_jobs=2`` and return what the generator of ``Parallel`` gives."""
        options = {"n_jobs": 2, "return_as": "generator", **options}
        return self.within(lambda: list(Parallel(backend=backend, **options)(calls)))

    def check_usable(self, backend: Backend) -> None:
        """Check that the backend runs another call, whatever came before."""
        assert self.call(backend, (delayed(tasks.add)(n) for n in range(5))) == [1, 2, 3, 4, 5]

    def check_separate(self, backend: Backend) -> bool:
        """Tell whether tasks run in processes of their own.

        A backend that declares shared memory runs them here: there is nothing between a task and
        this process, so a task that ends its process ends this one.
        """
        [(pid, _), *_] = self.call(backend, [delayed(tasks.where)() for _ in range(2)])
        is_separate: bool = pid != os.getpid()
        if not is_separate and not (backend.capabilities.shares_memory or self.runs_here(backend)):
            pytest.fail(
                "tasks run in this process, so a lost worker cannot be checked: let make_backend "
                "return one whose workers are other processes"
            )
        return is_separate
