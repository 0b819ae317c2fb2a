"""The contract of a backend: something that runs batches of tasks.

A :class:`Backend` is the engine as configured; an :class:`Executor` is the hold that one call of
``Parallel`` has on it. Core cuts tasks into batches, encodes them, decides what runs when, and
reads the results; a backend only carries a batch to a worker and its outcome back.

*Required*: :meth:`Backend.effective_n_jobs`, :meth:`Backend.executor`, :meth:`Executor.submit` and
:meth:`Executor.close`. Everything else has a default, and is used only where
:class:`BackendCapabilities` declares it.
"""

from __future__ import annotations

from _queue import Empty  # queue itself imports four modules more
from abc import ABC, abstractmethod

from .._cpu import cpu_count
from ..errors import UnsupportedOperationError
from ._value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queue import SimpleQueue
    from typing import ClassVar

    from .future import BatchFuture

__all__ = [
    "Backend",
    "BackendCapabilities",
    "Batch",
    "Executor",
    "ExecutorRequest",
]


class BackendCapabilities(Value):
    """What a backend can do beyond carrying batches; each is a promise that the suite checks.

    Attributes
    ----------
    shares_memory : bool, default=False
        Tasks run in the calling process and see its objects. Batches are not encoded: the backend
        calls :meth:`Batch.run` instead of sending :attr:`Batch.payload`. Needed for
        ``require="sharedmem"``.
    runs_in_caller : bool, default=False
        :meth:`Executor.submit` itself runs the batch, in the calling thread. Core then takes one
        task at a time from the user's iterator, as a plain loop would.
    stops_running_tasks : bool, default=False
        :meth:`Executor.close` with ``abort=True`` ends code that is running, not only what waits.
    stores_objects : bool, default=False
        :meth:`Executor.put` keeps bytes near the workers, so that they travel only once.
    limits_inner_threads : bool, default=False
        Numeric libraries in tasks use as many threads as
        :attr:`ExecutorRequest.inner_max_num_threads` says.
    limits_task_time : bool, default=False
        A task that runs longer than :attr:`ExecutorRequest.task_timeout` is ended, and its batch's
        future is completed with a :class:`fanfold.errors.TaskTimeoutError` whose ``task_index`` is
        that of the task. Without this, and without `shares_memory`, core has the worker raise that
        error in the task, which ends only what runs Python code.
    spans_hosts : bool, default=False
        Workers may be on other machines: they share neither memory nor, perhaps, a file system.
    """

    __slots__ = (
        "limits_inner_threads",
        "limits_task_time",
        "runs_in_caller",
        "shares_memory",
        "spans_hosts",
        "stops_running_tasks",
        "stores_objects",
    )

    shares_memory: bool
    runs_in_caller: bool
    stops_running_tasks: bool
    stores_objects: bool
    limits_inner_threads: bool
    limits_task_time: bool
    spans_hosts: bool

    def __init__(
        self,
        *,
        shares_memory: bool = False,
        runs_in_caller: bool = False,
        stops_running_tasks: bool = False,
        stores_objects: bool = False,
        limits_inner_threads: bool = False,
        limits_task_time: bool = False,
        spans_hosts: bool = False,
    ) -> None:
        self._hold(
            shares_memory=shares_memory,
            runs_in_caller=runs_in_caller,
            stops_running_tasks=stops_running_tasks,
            stores_objects=stores_objects,
            limits_inner_threads=limits_inner_threads,
            limits_task_time=limits_task_time,
            spans_hosts=spans_hosts,
        )


class Batch(ABC):
    """Some tasks of one call, in the order they were given, as a backend sees them.

    A backend never looks into a batch. It sends :attr:`payload` and :attr:`shared` to a worker,
    which calls ``fanfold.run_batch(payload, *shared)`` and returns what that returns, bytes for
    bytes. A backend that shares memory calls :meth:`run` instead.

    Attributes
    ----------
    first_task : int
        The number of the batch's first task, counted from 0 within its call.
    shared : tuple
        What :meth:`Executor.put` returned for the objects that this batch refers to. An engine that
        resolves references among a task's own arguments gets them resolved by passing them there.
    isolated : bool, default=False
        Whether it holds one task that ended its workers before, on its last attempt. A backend that
        can gives it a new worker, on which nothing else runs meanwhile.
    """

    first_task: int
    shared: tuple[object, ...] = ()
    isolated: bool = False

    @property
    @abstractmethod
    def size(self) -> int:
        """How many tasks it holds."""

    @property
    @abstractmethod
    def label(self) -> str:
        """The name of its first task's function, for dashboards and logs."""

    @property
    def summary(self) -> str:
        """Its tasks by number, and the name of the first one's function, for messages."""
        last = self.first_task + self.size - 1
        if last <= self.first_task:
            return f"task {self.first_task} ({self.label})"
        return f"tasks {self.first_task} to {last} ({self.label}, …)"

    @property
    @abstractmethod
    def payload(self) -> bytes:
        """The batch as bytes, for ``fanfold.run_batch`` on a worker."""

    @abstractmethod
    def run(self) -> object:
        """Run the tasks here and return what the batch's future must be completed with.

        An exception of a task is part of what is returned; this raises only for interruptions such
        as ``KeyboardInterrupt``.
        """


class ExecutorRequest(Value):
    """What one call of ``Parallel`` asks of a backend.

    Attributes
    ----------
    n_jobs : int
        How many batches should run at once, 1 or more: :meth:`Backend.effective_n_jobs` of what the
        user asked for. Above the engine's capacity, batches queue.
    label : str, default=""
        A name for the call, for dashboards and logs.
    inner_max_num_threads : int or None, default=None
        How many threads the numeric libraries inside one task may use; None leaves it to the
        backend. Only given to backends that declare ``limits_inner_threads``.
    interruptible : bool, default=False
        Whether core may call :meth:`Executor.interrupt` while another thread is in ``wait``.
    temp_folder : str or None, default=None
        Where to keep large buffers in files, if the user wants them there.
    task_timeout : float or None, default=None
        How many seconds one task may run. Only given to backends that declare ``limits_task_time``.
    """

    __slots__ = (  # noqa: RUF023  in the order of the arguments
        "n_jobs",
        "label",
        "inner_max_num_threads",
        "interruptible",
        "temp_folder",
        "task_timeout",
    )

    n_jobs: int
    label: str
    inner_max_num_threads: int | None
    interruptible: bool
    temp_folder: str | None
    task_timeout: float | None

    def __init__(
        self,
        n_jobs: int,
        label: str = "",
        inner_max_num_threads: int | None = None,
        interruptible: bool = False,
        temp_folder: str | None = None,
        task_timeout: float | None = None,
    ) -> None:
        self._hold(
            n_jobs=n_jobs,
            label=label,
            inner_max_num_threads=inner_max_num_threads,
            interruptible=interruptible,
            temp_folder=temp_folder,
            task_timeout=task_timeout,
        )


class Executor(ABC):
    """The hold that one call of ``Parallel`` has on a backend.

    It is used by one call at a time. ``submit``, ``put`` and ``wait`` are called from the thread
    that made the call or consumes its results; ``close`` may come from any thread, and more than
    once.

    Attributes
    ----------
    least_put : int, default=1 MiB
        Buffers of this many bytes and more are given to :meth:`put`, where the capabilities declare
        ``stores_objects``; smaller ones travel in the payload.
    """

    least_put: ClassVar[int] = 1 << 20

    @abstractmethod
    def submit(self, batch: Batch) -> BatchFuture:
        """Arrange for a batch to run and return its future at once.

        Every future ends in exactly one completion, whatever happens: the result of
        ``fanfold.run_batch`` (or :meth:`Batch.run`), or an exception where the *system* failed,
        such as :class:`fanfold.errors.WorkerLostError` when the worker ended. Its ``task_index``
        says which task ran, where that is known; core runs the others again, and the halves of the
        batch apart where it is not.

        Parameters
        ----------
        batch : Batch
            What to run.

        Returns
        -------
        BatchFuture
            Such as a :class:`concurrent.futures.Future`; completed with the batch's outcome, from
            any thread.

        Raises
        ------
        fanfold.errors.BackendUnavailableError
            When the engine cannot take work any more.
        """

    @abstractmethod
    def close(self, *, abort: bool = False) -> None:
        """Give the workers back; the executor takes no batch after this.

        Parameters
        ----------
        abort : bool, default=False
            False: called when every future is complete. True: what waits is dropped, and what runs
            is ended where the capabilities declare ``stops_running_tasks``. The futures of dropped
            batches may stay incomplete, because nobody looks at them any more.
        """

    def wait(
        self, completed: SimpleQueue[BatchFuture | None], timeout: float | None
    ) -> BatchFuture | None:
        """Wait until a future is complete and return it, or None after `timeout` seconds.

        Core puts each completed future in `completed` (through ``Future.add_done_callback``). The
        default waits for that queue. An executor overrides this if it makes progress only while
        somebody waits, such as one that reads its workers' sockets in the calling thread.
        """
        try:
            return completed.get(timeout=timeout)
        except Empty:
            return None

    def interrupt(self) -> None:  # noqa: B027  the default wait needs nothing more
        """Make a `wait` that is under way in another thread return None soon.

        Core has put None in the queue that the default ``wait`` waits for. Whoever overrides
        ``wait`` overrides this too. Called from any thread, also after ``close``.
        """

    def abandon(self, future: BatchFuture) -> None:  # noqa: B027  it costs a slot, nothing more
        """Take note that nobody waits for a batch any more, and use another worker in its place.

        Core calls it where memory is shared and a task took longer than it may: nobody can stop a
        thread. By default its slot stays taken until the batch ends.
        """

    def put(self, data: memoryview) -> object:
        """Keep a copy of a buffer near the workers and return a handle for :attr:`Batch.shared`.

        Core gives it the large buffers in arguments: those of `max_nbytes` and more once for all
        tasks of the call. It lets go of the handle when no task needs it any more.

        Parameters
        ----------
        data : memoryview
            Contiguous bytes. They may change as soon as this returns.

        Raises
        ------
        fanfold.errors.UnsupportedOperationError
            Unless the capabilities declare ``stores_objects``.
        """
        raise UnsupportedOperationError(
            f"{type(self).__name__} does not store objects; send them with each batch, or declare "
            "BackendCapabilities(stores_objects=True) and override Executor.put"
        )


class Backend(ABC):
    """An engine that runs batches, as configured.

    One instance may serve many calls at once, from many threads. It is made with the keyword
    arguments that the user gave beside ``backend=`` (in ``parallel_config`` or ``Parallel``), so
    its constructor should name those that it takes.

    Attributes
    ----------
    name : str
        The name under which users choose it.
    capabilities : BackendCapabilities
        What it can do beyond the required methods.
    default_n_jobs : int, default=1
        The ``n_jobs`` of calls that do not say; a cluster may prefer -1, all it has.
    """

    name: ClassVar[str]
    capabilities: ClassVar[BackendCapabilities] = BackendCapabilities()
    default_n_jobs: ClassVar[int] = 1

    @abstractmethod
    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return how many batches run at once for a request of `n_jobs`.

        Parameters
        ----------
        n_jobs : int
            Never 0. Negative counts back from what the engine has: -1 is all of it, -2 all but one.

        Returns
        -------
        int
            1 or more.
        """

    @abstractmethod
    def executor(self, request: ExecutorRequest) -> Executor:
        """Return an executor for one call.

        Raises
        ------
        fanfold.errors.BackendUnavailableError
            When the engine cannot be reached or cannot run here; the message says what to do.
        """

    def nested_backend(self) -> str | None:
        """Return the name of the backend for calls made inside tasks; None leaves it to core.

        Core's rule is joblib's: threads inside the first level, sequential below that.
        """
        return None

    def cpus_per_task(self, n_jobs: int) -> int:
        """Return how many CPUs each of `n_jobs` tasks may use that run at once.

        What is counted inside a task (``cpu_count()``, negative ``n_jobs``) stays within it. The
        default shares the CPUs of this process evenly; where workers may be on other hosts it is 1,
        what the schedulers of clusters count for a task.

        Parameters
        ----------
        n_jobs : int
            1 or more: :meth:`effective_n_jobs` of what the user asked for.

        Returns
        -------
        int
            1 or more.
        """
        if self.capabilities.spans_hosts:
            return 1
        return max(1, cpu_count() // n_jobs)

    def close(self) -> None:  # noqa: B027  optional: many backends hold nothing between calls
        """Let go of whatever the backend keeps between calls; it may be used again after this."""
