"""One call's hold on some workers.

There is no thread here: whoever waits for a result drives the connections of the call's own
workers. Two batches are in flight for each worker, so the next one is there when the first is done;
more while a worker answers quickly, so that it need not wait for each.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from time import monotonic, perf_counter

from ...contracts.backend import Batch, Executor
from ...tasks.batches import EncodedBatch
from ...tasks.pickling import OUT_OF_BAND
from .bell import Bell
from .future import DrivenFuture
from .life import DEFAULT_LIFE
from .losses import never_ready, task_timed_out, what_was_done, worker_lost
from .refusals import refused
from .stock import WorkerStock, dismiss
from .watching import READ, WRITE, Watcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from queue import SimpleQueue

    from ...contracts.future import BatchFuture
    from .handle import Answer, WorkerHandle
    from .life import Life

__all__ = ["ProcessesExecutor"]

_GONE = (BrokenPipeError, ConnectionResetError)


class ProcessesExecutor(Executor):
    """Runs batches on worker processes of its own, taken as they are needed.

    Parameters
    ----------
    stock : WorkerStock
        Where workers come from and go back to.
    n_jobs : int
        How many workers at the most.
    environment : mapping
        Environment variables that the workers have beside this process's.
    life : tuple
        How long workers stay without work, and how large they may become.
    interruptible : bool
        Whether a thread may interrupt another that waits.
    temp_folder : str or None
        Where to keep large buffers in files; None keeps them in memory.
    task_timeout : float or None
        How many seconds a task may run until its worker is ended.

    Raises
    ------
    fanfold.errors.BackendUnavailableError
        If the system refuses what watching workers takes.
    """

    least_put = OUT_OF_BAND
    IN_FLIGHT_EACH = 2
    IN_FLIGHT_IF_SMALL = 8
    SMALL = 1 << 14
    """Fewer bytes than this make a small batch, of which a quick worker may have several."""
    MOST_LOST = 3
    """So many workers may end before they begin a batch until the batch itself is suspected."""
    PATIENCE = 0.002
    """Seconds that a worker with nothing to do waits until it gets what others have not begun."""

    def __init__(
        self,
        stock: WorkerStock,
        n_jobs: int,
        *,
        environment: Mapping[str, str],
        life: Life = DEFAULT_LIFE,
        interruptible: bool,
        temp_folder: str | None,
        task_timeout: float | None,
    ) -> None:
        self._task_timeout = task_timeout
        self._stock = stock
        self._environment = environment
        self._life = life
        self._n_jobs = n_jobs
        self._temp_folder = temp_folder
        self._workers: list[WorkerHandle] = []
        self._watched: dict[int, WorkerHandle] = {}
        self._waiting: deque[tuple[EncodedBatch, DrivenFuture]] = deque()
        self._closing = Lock()
        self._is_closed = False
        self._bell = None
        try:
            self._watcher = Watcher(n_jobs)
            if interruptible:
                self._bell = Bell()
                self._watcher.add(self._bell.fd)
        except OSError as error:
            raise refused("cannot watch worker processes", error) from error

    def submit(self, batch: Batch) -> DrivenFuture:
        """Send the batch to a worker with room for it, or queue it."""
        assert isinstance(batch, EncodedBatch)
        future = DrivenFuture()
        if self._is_closed:
            return future  # another thread gave the call up: as of what waits, nothing comes of it
        worker = None if self._waiting else self._worker_for(batch)
        if worker is not None:
            self._send(worker, batch, future)
        else:
            self._waiting.append((batch, future))
        return future

    def put(self, data: memoryview) -> object:
        """Copy a buffer into shared memory, or elsewhere if there is no room for it."""
        return self._stock.segments.store(data, self._temp_folder) or bytearray(data)

    def wait(
        self, completed: SimpleQueue[BatchFuture | None], timeout: float | None
    ) -> BatchFuture | None:
        """Drive the connections until a future is complete, or for `timeout` seconds."""
        deadline = None if timeout is None else monotonic() + timeout
        left = timeout
        while completed.empty():
            time_to_act = _sooner(left, self._balance())
            if self._task_timeout is not None:
                time_to_act = _sooner(time_to_act, self._end_overdue(self._task_timeout))
            for descriptor, events in self._watcher.wait(time_to_act):
                self._handle(descriptor, events)
            if deadline is not None and completed.empty():
                left = deadline - monotonic()
                if left <= 0:
                    return None
        return completed.get()

    def close(self, *, abort: bool = False) -> None:
        """Give idle workers back; end those that still run something, which only `abort` leaves."""
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
            self._watcher.close()
            if self._bell is not None:
                self._bell.close()
        self._waiting.clear()
        leaving = [worker for worker in self._workers if worker.entries or worker.is_retired]
        idle = [worker for worker in self._workers if worker not in leaving]
        self._workers.clear()
        self._watched.clear()
        self._stock.give_back(idle)
        for worker in leaving:
            worker.receive()  # what it printed still counts
        dismiss(leaving)

    def interrupt(self) -> None:
        """Make a `wait` that is under way in another thread return."""
        with self._closing:
            if self._bell is not None and not self._is_closed:
                self._bell.ring()

    def _assign(self) -> None:
        """Send what waits, as far as there is room."""
        while self._waiting and (worker := self._worker_for(self._waiting[0][0])) is not None:
            self._send(worker, *self._waiting.popleft())

    def _balance(self) -> float | None:
        """Find something to do for workers with nothing to do: what others have not begun.

        Batches that wait behind a long one are moved; if there are none, the workers that have been
        busy longest are asked for the rest of their batch, which comes back to core.

        Returns the seconds until that may be worth while, or None if it is not to be expected.
        """
        for idle in self._workers:
            if not idle.entries:
                break
        else:
            return None
        is_up = idle.was_ready()
        queued = [worker for worker in self._workers if _keeps_waiting(worker, is_up=is_up)]
        if not queued:
            return self._ask_back()
        longest = min(queued, key=_busy_since)
        left = longest.busy_since + self.PATIENCE - monotonic()
        if left > 0:
            return left
        entry = longest.take_back()
        if entry is None:
            return None  # the worker began it just now
        self._send(idle, *entry)
        return self._balance()

    def _ask_back(self) -> float | None:
        """Ask as many workers for the rest of their batch as others have nothing to do."""
        n_idle = sum(not worker.entries for worker in self._workers)
        n_asked = sum(worker.is_wanted_back for worker in self._workers)
        rests = [worker for worker in self._workers if worker.has_rest()]
        for worker in sorted(rests, key=_busy_since)[: max(0, n_idle - n_asked)]:
            left = worker.busy_since + self.PATIENCE - monotonic()
            if left > 0:
                return left
            worker.want_back()
        return None

    def _end_overdue(self, limit: float) -> float:
        """End the workers whose task has had its time; return the seconds until the next may."""
        soonest = limit  # for tasks that have not begun
        for worker in self._workers:
            left = worker.running_since() + limit - perf_counter()
            if left > 0:
                soonest = min(soonest, left)
            else:
                worker.kill()
        return soonest

    def _worker_for(self, batch: EncodedBatch) -> WorkerHandle | None:
        """Return a worker for a batch, or None if all have enough to do."""
        if batch.isolated:
            return self._fresh_worker()
        # An idle one, else a new one, else the one that has the least to do. Nothing is queued
        # behind a long batch: it would only have to be taken back.
        is_small = batch.nbytes < self.SMALL and not batch.buffers
        fewest = self.IN_FLIGHT_IF_SMALL if is_small else self.IN_FLIGHT_EACH
        long_ago = monotonic() - self.PATIENCE
        best = None
        for worker in self._workers:
            entries = worker.entries
            if not entries:
                return worker
            if (
                len(entries) < fewest
                and worker.busy_since > long_ago
                and not entries[0][0].isolated
            ):
                best, fewest = worker, len(entries)
        if len(self._workers) < self._n_jobs:
            return self._add(self._stock.take(self._environment, self._life))
        return best

    def _fresh_worker(self) -> WorkerHandle | None:
        """Return a new worker in the place of an idle one, or None if all are busy."""
        if len(self._workers) >= self._n_jobs:
            idle = next((worker for worker in self._workers if not worker.entries), None)
            if idle is None:
                return None
            self._remove(idle)
            self._stock.give_back([idle])
        return self._add(self._stock.start(self._environment, self._life))

    def _add(self, worker: WorkerHandle) -> WorkerHandle:
        for descriptor in worker.descriptors:
            self._watcher.add(descriptor)
            self._watched[descriptor] = worker
        self._workers.append(worker)
        return worker

    def _remove(self, worker: WorkerHandle) -> None:
        self._workers.remove(worker)
        for descriptor in worker.descriptors:
            self._watcher.remove(descriptor)
            del self._watched[descriptor]

    def _send(self, worker: WorkerHandle, batch: EncodedBatch, future: DrivenFuture) -> None:
        try:
            if not worker.send(batch, future):
                self._watcher.change(worker.connection, READ | WRITE)
        except _GONE:
            self._lost(worker)

    def _handle(self, descriptor: int, events: int) -> None:
        """Act on what was seen of a worker, or of the bell."""
        worker = self._watched.get(descriptor)
        if worker is None:
            # It was lost by an earlier event of the same round; or it is the bell, and what
            # interrupts is in the queue of the completed. The number of a descriptor that was
            # closed in this round may be another worker's now: so nothing is taken for granted.
            return
        try:
            if events & WRITE and worker.flush():
                self._watcher.change(worker.connection, READ)
        except _GONE:
            self._lost(worker)
            return
        if events != WRITE:
            is_open = self._receive(worker)
            if worker not in self._workers:
                return  # it was lost when it was to be sent more
            if not is_open or (descriptor != worker.connection and not worker.is_alive()):
                self._lost(worker)

    def _receive(self, worker: WorkerHandle) -> bool:
        """Complete the futures whose answers are there, and tell whether the connection is open."""
        answers, is_open = worker.receive()
        if is_open and self._waiting:
            self._assign()  # first give the worker something to do, then look at what it did
        _complete(answers)
        return is_open

    def _lost(self, worker: WorkerHandle) -> None:
        """Take note that a worker ended: fail what it ran, and send the rest elsewhere."""
        if worker not in self._workers:
            return  # sending to it has told so already
        _complete(worker.receive()[0])  # what it still sent before it ended
        self._remove(worker)
        running, was_ready = worker.running_position(), worker.was_ready()
        finished = worker.finished()
        if self._is_innocent(worker):
            running = None
        error_of = task_timed_out if worker.was_killed else worker_lost
        dismiss([worker])
        if running is not None:
            batch, future = worker.entries.popleft()
            future.set_exception(error_of(batch, running, worker, finished))
        elif finished:
            worker.entries.popleft()[1].set_result(what_was_done(finished))
        if not was_ready:
            for _, future in worker.entries:
                future.set_exception(never_ready(worker.exit_code))
            return
        for batch, future in reversed(worker.entries):
            batch.lost_workers += not worker.is_retired
            if batch.lost_workers < self.MOST_LOST:
                self._waiting.appendleft((batch, future))
            else:
                future.set_exception(worker_lost(batch, None, worker))
        self._assign()

    def _is_innocent(self, worker: WorkerHandle) -> bool:
        """Tell whether the last task that a worker began has nothing to do with its end.

        It was done, or it began when the one before it had just used up its time.
        """
        if self._task_timeout is None or not worker.was_killed:
            return worker.was_done()
        return perf_counter() < worker.running_since() + self._task_timeout


def _complete(answers: Iterable[Answer]) -> None:
    for future, answer in answers:
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)


def _sooner(one: float | None, other: float | None) -> float | None:
    """Return the shorter of two times, of which None is for ever."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _keeps_waiting(worker: WorkerHandle, *, is_up: bool) -> bool:
    """Tell whether a worker has a batch that an idle one may begin sooner.

    That is one behind another; or its first, where it is still starting and the idle one is up.
    """
    entries = worker.entries
    if len(entries) > 1:
        return True
    return is_up and bool(entries) and not entries[0][0].isolated and not worker.was_ready()


def _busy_since(worker: WorkerHandle) -> float:
    return worker.busy_since
