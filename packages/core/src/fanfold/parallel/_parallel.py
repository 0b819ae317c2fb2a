"""Parallel: what users call."""

from __future__ import annotations

from functools import partial

from ..contracts.backend import ExecutorRequest
from ..plugins import hooks
from ..tasks.local import StopFlag
from ..tasks.storing import Storage
from ..tasks.terms import BATCH_SECONDS, FOREVER, Terms
from ..tasks.travel.packing import pack_luggage
from ._ahead import run_ahead
from ._arguments import (
    check_batch_size,
    check_choice,
    check_max_nbytes,
    check_timeout,
    limit_in_caller,
    make_initializer,
    warn_if_not_applied,
)
from ._call import Call
from ._configuration import configuration
from ._defaults import UNSET, Unset
from ._dispatcher import Dispatcher
from ._feeding import feeder_for
from ._observing import HookObserver, Observer, VerboseObserver
from ._peeking import finder_of_first
from ._policy import FailurePolicy, check_on_error
from ._random import seeds_of_calls
from ._recovery import Recovery
from ._requeue import Requeue
from ._resolve import count_workers, make_backend, merge, nested_level, resolve_backend
from ._retry import as_retry
from ._sizing import Durations, FixedSizer, GrowingSizer
from ._window import DEFAULT_PRE_DISPATCH, Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from types import TracebackType
    from typing import Any, Literal, Self

    from ..contracts.backend import Executor
    from ..tasks.naming import Task
    from ._deadlines import Deadlines
    from ._feeding import Feeder
    from ._resolve import BackendArgument
    from ._retry import Retry
    from ._sizing import BatchSizer

__all__ = ["Parallel"]

_RETURN_AS = ("list", "generator", "generator_unordered")
_MMAP_MODES = (None, "r", "r+", "w+", "c")
_durations = Durations()


class Parallel:
    """Runs many calls of functions at once and gives their results in order.

    It guarantees: results come in the order of the tasks (except with ``"generator_unordered"``);
    the first failure of a task is raised with the worker's traceback, and nothing further is
    started; the input is taken from only as far ahead as `pre_dispatch` says; a consumer that stops
    taking from a generator stops the work. Of the calls of a function that a
    :class:`fanfold.Memory` caches, only those are sent whose results are not there. Tasks find the
    context variables, the filters of warnings and the levels of loggers that hold when the call is
    made; their own warnings and log records take effect in this process.

    Parameters
    ----------
    n_jobs : int or None, default=None
        How many workers to use. -1 is all CPUs, -2 all but one, and so on. None stands for what an
        enclosing `parallel_config` says, else 1. With 1, local backends run a plain loop in the
        calling thread.
    backend : str, Backend or None, default=None
        What runs the tasks: ``"processes"`` (also ``"loky"``, ``"multiprocessing"``), ``"threads"``
        (also ``"threading"``), ``"sequential"``, ``"interpreters"`` (from Python 3.14 on), the name
        of a plugin such as ``"dask"`` or ``"ray"``, or an instance. None leaves it to the enclosing
        `parallel_config`, else to the environment variable ``FANFOLD_DEFAULT_BACKEND``, else it is
        processes, also on builds of Python without the GIL.
    return_as : {'list', 'generator', 'generator_unordered'}, default='list'
        A list when all is done, or a generator of the results: in the order of the tasks, or in the
        order in which they are done.
    verbose : int, default=0
        Print how far it is; more often the higher it is. Above 10 after each batch, above 50 to
        stdout in place of stderr.
    timeout : float or None, default=None
        How many seconds each task may take. On processes, a task that takes longer is stopped.
        Tasks are then sent one at a time. Not applied in the calling thread (``n_jobs=1``).
    pre_dispatch : int or str, default='2 * n_jobs'
        How many batches to submit ahead: a number, arithmetic on ``n_jobs``, or ``"all"``. With a
        generator, a value other than the default bounds the tasks whose results have not been
        taken, exactly. Of batches of a given size the default lets up to ``8 * n_jobs`` run ahead
        while they are small and take less than 0.2 ms each.
    batch_size : int or 'auto', default='auto'
        How many tasks to send at once. ``"auto"`` measures how long they take.
    temp_folder : str or None, default=None
        A folder for files in which to keep large arguments while tasks need them; it is made if it
        is not there. By default they are kept in memory, which processes of this machine share.
    max_nbytes : int, str or None, default='1M'
        Arrays (and whatever else lets its memory leave a pickle stream) of this size and more are
        copied once for all tasks of the call that are given them; what tasks may do with them is
        said by `mmap_mode`. Smaller ones are copied for each task, which may write to its copy. So
        is everything with None. Arrays that are mapped from a file, or made by `shared_array`, are
        not copied at all.
    mmap_mode : {None, 'r', 'r+', 'w+', 'c'}, default='r'
        What tasks may do with such arrays: read them (``'r'``), write to a copy of their own, made
        as they write (``'c'``), or write so that other tasks of the call that are given the array
        see it (``'r+'``, ``'w+'``). None is as ``max_nbytes=None``.
    prefer : {'processes', 'threads'} or None, default=None
        A hint for where nobody chose a backend.
    require : 'sharedmem' or None, default=None
        ``"sharedmem"`` demands that tasks see the caller's objects: it runs on threads.
    seed : int or None, optional
        Gives each task its own stream of random numbers, which depends on the seed and on the
        task's index alone: see :func:`fanfold.task_rng` and :func:`fanfold.task_random`. Where a
        task runs on its process's main thread (processes, Ray, the calling thread), `random` and
        ``numpy.random`` are seeded for it too, and put back when it is done. Each call draws the
        same. By default, a call in a seeded task, or in ``parallel_config(seed=…)``, gets a seed
        that is derived from that; None means no seed.
    return_generator : bool, optional
        The older form of ``return_as="generator"``.
    initializer : callable or None, default=None
        What each worker calls once, before its first task of the calls that ask for it: each
        process; each thread of ``"threads"``; with ``"sequential"`` the calling thread. A worker
        that has called the same function with the same `initargs` for an earlier call does not do
        so again. If it raises something, the call ends with an error that names it.
    initargs : tuple, default=()
        The arguments of `initializer`.
    progress : bool, default=False
        Show a progress bar (with rich where it is installed) on stderr.
    on_error : {'raise', 'return'}, default='raise'
        What becomes of a task that fails: its exception is raised and ends the call, or a
        :class:`TaskFailure` takes the place of its result and the call goes on. An exit or an
        interrupt in a task ends the call in any case, and so does a backend that cannot run.
    retries : int or Retry, default=0
        How often a task that fails is tried again; a :class:`Retry` also says when, and for which
        exceptions. A lost worker counts as a failure of the task that it ran, and of no other.
    task_timeout : float or None, default=None
        How many seconds one task may run before it has failed, with a
        :class:`fanfold.errors.TaskTimeoutError`; `on_error` and `retries` apply. Batches may hold
        many tasks all the same. On processes its worker is ended; on threads the task is left
        behind and another thread takes over; elsewhere the error is raised in the task, at its
        next step in Python. Not applied in the calling thread (``n_jobs=1``).
    **backend_kwargs
        Arguments of the backend's constructor.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If an argument is none of what it can be. It is a ``ValueError``.
    fanfold.errors.UnknownPluginError
        If no backend has this name. It is a ``ValueError``.

    Examples
    --------
    >>> from math import sqrt
    >>> from fanfold import Parallel, delayed
    >>> Parallel(n_jobs=2)(delayed(sqrt)(i**2) for i in range(5))
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """

    def __init__(
        self,
        n_jobs: int | Unset | None = UNSET,
        backend: BackendArgument | Unset = UNSET,
        return_as: Literal["list", "generator", "generator_unordered"] = "list",
        verbose: int | Unset = UNSET,
        timeout: float | None = None,
        pre_dispatch: int | str = DEFAULT_PRE_DISPATCH,
        batch_size: int | Literal["auto"] = "auto",
        temp_folder: str | Unset | None = UNSET,
        max_nbytes: int | str | Unset | None = UNSET,
        mmap_mode: str | Unset | None = UNSET,
        prefer: str | Unset | None = UNSET,
        require: str | Unset | None = UNSET,
        *,
        seed: int | Unset | None = UNSET,
        return_generator: bool | None = None,
        initializer: Callable[..., object] | Unset | None = UNSET,
        initargs: tuple[object, ...] | Unset = UNSET,
        progress: bool = False,
        on_error: Literal["raise", "return"] | Unset = UNSET,
        retries: int | Retry | Unset = UNSET,
        task_timeout: float | Unset | None = UNSET,
        **backend_kwargs: Any,
    ) -> None:
        given = {
            "n_jobs": n_jobs,
            "backend": backend,
            "verbose": verbose,
            "temp_folder": temp_folder,
            "max_nbytes": max_nbytes,
            "mmap_mode": mmap_mode,
            "prefer": prefer,
            "require": require,
            "on_error": on_error,
            "retries": retries,
            "task_timeout": task_timeout,
            "initializer": initializer,
            "initargs": initargs,
        }
        settings = merge(given)
        self._backend, asked = resolve_backend(given, settings, backend_kwargs)
        self._n_workers = count_workers(self._backend, asked)
        self.n_jobs: int = int(asked) if asked is not None else self._backend.default_n_jobs
        self.return_as = "generator" if return_generator else return_as
        self.verbose: int = settings["verbose"]
        self.timeout = timeout
        self.pre_dispatch = pre_dispatch
        self.batch_size = batch_size
        self.temp_folder: str | None = settings["temp_folder"]
        self.max_nbytes = check_max_nbytes(settings["max_nbytes"])
        self.mmap_mode = check_choice("mmap_mode", settings["mmap_mode"], _MMAP_MODES)
        self.progress = progress
        self._seeds = seeds_of_calls(seed)
        # For another backend than the configured one it was not meant.
        is_configured = self._backend is configuration.get({}).get("backend")
        self._inner_max_num_threads = settings["inner_max_num_threads"] if is_configured else None
        self._initializer = make_initializer(settings["initializer"], settings["initargs"])
        self._on_error: str = settings["on_error"]
        self._retry = as_retry(settings["retries"])
        self._task_timeout: float | None = settings["task_timeout"]
        # A call takes what is in it: of two threads that call at once, one finds nothing there.
        self._turn = [True]
        self._dispatcher: Dispatcher | None = None
        check_choice("return_as", self.return_as, _RETURN_AS)
        check_batch_size(batch_size)
        check_timeout("timeout", timeout)
        check_timeout("task_timeout", self._task_timeout)
        check_on_error(self._on_error)
        # As with joblib: one local worker is the calling thread. On a cluster, one worker is one
        # worker: it may have what the driver lacks.
        if self._n_workers == 1 and not self._backend.capabilities.spans_hosts:
            self._inner_max_num_threads = limit_in_caller(self._inner_max_num_threads)
            self._backend = make_backend("sequential", {})
        if self._backend.capabilities.runs_in_caller:
            warn_if_not_applied("timeout", timeout)
            warn_if_not_applied("task_timeout", self._task_timeout)

    def __repr__(self) -> str:
        """Return what was asked for."""
        return f"Parallel(n_jobs={self.n_jobs})"

    def __enter__(self) -> Self:
        """Return itself; workers are kept between calls anyway."""
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Do nothing: workers are kept for the next call, whoever makes it."""

    @property
    def n_dispatched_tasks(self) -> int:
        """How many tasks the present or last call gave to its backend.

        Those whose results were found in a cache are not among them.
        """
        dispatcher = self._dispatcher
        return dispatcher.submitted_tasks - dispatcher.found_tasks if dispatcher else 0

    @property
    def n_completed_tasks(self) -> int:
        """How many tasks of the present or last call are done."""
        return self._dispatcher.completed_tasks if self._dispatcher else 0

    def __call__(self, iterable: Iterable[Task]) -> Any:
        """Run tasks.

        Parameters
        ----------
        iterable : iterable
            What ``delayed(function)(argument, …)`` returns, for each task.

        Returns
        -------
        list or generator
            The results, as `return_as` says.

        Raises
        ------
        RuntimeError
            If an earlier call of this object has not ended: its generator is neither exhausted nor
            closed.
        TypeError
            If `iterable` cannot be iterated over, or yields something else.
        fanfold.errors.UnpicklableTaskError
            If a task cannot be sent to a worker; the message names the part at fault.
        fanfold.errors.WorkerLostError
            If a worker ended while it ran a task; the message names task and cause.
        fanfold.errors.InitializerError
            If the initializer failed on a worker.
        fanfold.errors.TaskTimeoutError
            If a task took longer than `timeout`. It is a ``TimeoutError``.
        Exception
            The first that a task raises, or that `iterable` raises.
        """
        try:
            self._turn.pop()
        except IndexError:
            raise RuntimeError(
                "this Parallel object is running already: take all results of its earlier "
                "generator or close it, or use another Parallel object"
            ) from None
        streaming = self.return_as != "list"
        try:
            call = self._start(iterable, streaming)
        except BaseException:
            self._turn.append(True)
            raise
        if not streaming:
            return call.results()
        in_caller = self._backend.capabilities.runs_in_caller
        if self.pre_dispatch == "all" and not in_caller:
            return run_ahead(call)
        return call.stream(ahead=not in_caller)

    def _start(self, iterable: Iterable[Task], streaming: bool) -> Call:
        backend = self._backend
        stop = StopFlag()
        window = self._window(streaming)
        policy = FailurePolicy(self._on_error, self._retry)
        terms = self._terms(policy)
        executor = backend.executor(self._request(streaming))
        try:
            storage = self._storage(executor)
            tasks, finder = finder_of_first(iterable, backend.capabilities)
            feeder = feeder_for(
                backend.capabilities,
                tasks,
                terms,
                storage,
                stop,
                self._initializer,
                finder,
            )
            if self.pre_dispatch == "all":
                feeder.take_all()
            function, sizer = self._sizer(feeder, window, streaming)
        except BaseException:
            executor.close(abort=True)
            raise
        keep_order = self.return_as != "generator_unordered"
        dispatcher = Dispatcher(window, sizer, keep_order=keep_order)
        make_call: Callable[..., Call] = Call
        if finder is not None:
            from ._found import FindingCall, FindingDispatcher  # most calls need neither

            dispatcher = FindingDispatcher(
                window, sizer, keep_order=keep_order, streaming=streaming
            )
            make_call = partial(FindingCall, streaming=streaming)
        again = Requeue(self._n_workers)
        observers = self._observers(_length(iterable))
        self._dispatcher = dispatcher
        return make_call(
            executor,
            dispatcher,
            feeder,
            again,
            Recovery(policy, dispatcher, again, observers, streaming=streaming),
            deadlines=self._deadlines(),
            stop=stop,
            observers=observers,
            on_end=partial(self._end_call, function, dispatcher, storage),
        )

    def _terms(self, policy: FailurePolicy) -> Terms:
        capabilities = self._backend.capabilities
        return Terms(
            nested_level(self._backend, self._n_workers),
            self._stored_from,
            None if capabilities.shares_memory else pack_luggage(self._initializer),
            self._seeds.next_call(),
            goes_on=policy.goes_on,
            batch_seconds=BATCH_SECONDS if self.batch_size == "auto" else FOREVER,
            task_seconds=None if capabilities.limits_task_time else self._task_timeout,
        )

    def _deadlines(self) -> Deadlines | None:
        """Return the deadlines that the call itself sees to, if there are any."""
        capabilities = self._backend.capabilities
        watched = self._task_timeout if capabilities.shares_memory else None
        if capabilities.runs_in_caller or (self.timeout is None and watched is None):
            return None
        from ._deadlines import Deadlines

        return Deadlines(self.timeout, watched)

    @property
    def _stored_from(self) -> int | None:
        """From which size on buffers are shared by those who need them; None is never."""
        return None if self.mmap_mode is None else self.max_nbytes

    def _storage(self, executor: Executor) -> Storage | None:
        """Return where the large buffers of a call's arguments are kept, if anywhere."""
        if not self._backend.capabilities.stores_objects or self._stored_from is None:
            return None
        assert self.mmap_mode is not None
        return Storage(executor.put, executor.least_put, self._stored_from, self.mmap_mode)

    def _window(self, streaming: bool) -> Window:
        window = Window.of(
            self.pre_dispatch,
            self._n_workers,
            streaming=streaming,
            one_at_a_time=self.timeout is not None,
            fixed_batches=self.batch_size != "auto"
            and not self._backend.capabilities.shares_memory,
        )
        if self._backend.capabilities.runs_in_caller:
            return Window.of_loop(streaming=streaming)
        return window

    def _sizer(
        self, feeder: Feeder, window: Window, streaming: bool
    ) -> tuple[Hashable | None, BatchSizer]:
        """Return what tells the first task's function, where it counts, and how to size batches."""
        if self.timeout is not None or (streaming and self._backend.capabilities.runs_in_caller):
            return None, FixedSizer(1)
        if self.batch_size != "auto":
            return None, FixedSizer(self.batch_size)
        function = feeder.first_function() if window.unread is None else None
        if function is None:
            return None, GrowingSizer()
        first = _durations.first_size(function)
        if first > 1:
            # A short input is shared out evenly, in case the guess is wrong.
            ahead = feeder.look_ahead(first * self._n_workers)
            first = min(first, -(-ahead // self._n_workers))
        return function, GrowingSizer(first)

    def _request(self, streaming: bool) -> ExecutorRequest:
        limits_time = self._backend.capabilities.limits_task_time
        return ExecutorRequest(
            n_jobs=self._n_workers,
            inner_max_num_threads=self._inner_max_num_threads,
            interruptible=streaming and self.pre_dispatch == "all",
            temp_folder=self.temp_folder,
            task_timeout=self._task_timeout if limits_time else None,
        )

    def _observers(self, total: int | None) -> list[Observer]:
        observers: list[Observer] = []
        if self.verbose:
            observers.append(VerboseObserver(self.verbose))
        if hooks.active() is not None:
            observers.append(HookObserver())
        if self.progress:
            from ._progress import ProgressObserver

            observers.append(ProgressObserver())
        for observer in observers:
            observer.call_started(self._backend.name, self._n_workers, total)
        return observers

    def _end_call(
        self, function: Hashable | None, dispatcher: Dispatcher, storage: Storage | None
    ) -> None:
        self._turn.append(True)
        if storage is not None:
            storage.clear()
        if function is not None and dispatcher.completed_tasks:
            _durations.remember(function, dispatcher.completed_tasks, dispatcher.task_seconds)


def _length(iterable: object) -> int | None:
    try:
        return len(iterable)  # type: ignore[arg-type]  # many iterables have none
    except TypeError:
        return None
