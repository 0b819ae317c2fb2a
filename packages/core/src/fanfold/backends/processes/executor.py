"""One call's hold on some workers.

There is no thread here: whoever waits for a result drives the connections of the call's own
workers with one selector. Two batches are in flight for each worker, so the next one is there when
the first is done.
"""

from __future__ import annotations

import selectors
from collections import deque
from threading import Lock
from time import monotonic

from ...contracts.backend import Batch, Executor
from ...errors import BackendUnavailableError, FanfoldError
from ...tasks.batches import EncodedBatch
from ...tasks.pickling import OUT_OF_BAND
from .bell import Bell
from .future import DrivenFuture
from .life import DEFAULT_LIFE
from .stock import WorkerStock, dismiss

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from queue import SimpleQueue

    from ...contracts.future import BatchFuture
    from .handle import WorkerHandle
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
    """

    least_put = OUT_OF_BAND
    IN_FLIGHT_EACH = 2
    MOST_LOST = 3
    """So many workers may end before they begin a batch until the batch itself is suspected."""
    PATIENCE = 0.002
    """Seconds that a batch may wait behind a running one while another worker has nothing to do."""

    def __init__(
        self,
        stock: WorkerStock,
        n_jobs: int,
        *,
        environment: Mapping[str, str],
        life: Life = DEFAULT_LIFE,
        interruptible: bool,
        temp_folder: str | None,
    ) -> None:
        self._stock = stock
        self._environment = environment
        self._life = life
        self._n_jobs = n_jobs
        self._temp_folder = temp_folder
        self._workers: list[WorkerHandle] = []
        self._waiting: deque[tuple[EncodedBatch, DrivenFuture]] = deque()
        self._selector = selectors.DefaultSelector()
        self._closing = Lock()
        self._is_closed = False
        self._bell = Bell() if interruptible else None
        if self._bell is not None:
            self._selector.register(self._bell.fd, selectors.EVENT_READ, None)

    def submit(self, batch: Batch) -> DrivenFuture:
        """Send the batch to a worker with room for it, or queue it."""
        assert isinstance(batch, EncodedBatch)
        future = DrivenFuture()
        worker = None if self._waiting else self._worker_with_room()
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
            for key, events in self._selector.select(_sooner(left, self._balance())):
                self._handle(key.data, key.fd, events)
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
            self._selector.close()
            if self._bell is not None:
                self._bell.close()
        self._waiting.clear()
        leaving = [worker for worker in self._workers if worker.entries or worker.is_retired]
        idle = [worker for worker in self._workers if worker not in leaving]
        self._workers.clear()
        self._stock.give_back(idle)
        dismiss(leaving)

    def interrupt(self) -> None:
        """Make a `wait` that is under way in another thread return."""
        with self._closing:
            if self._bell is not None and not self._is_closed:
                self._bell.ring()

    def _assign(self) -> None:
        """Send what waits, as far as there is room."""
        while self._waiting and (worker := self._worker_with_room()) is not None:
            self._send(worker, *self._waiting.popleft())

    def _balance(self) -> float | None:
        """Move batches that wait behind a long one to workers with nothing to do.

        Returns the seconds until that may be worth while, or None if it is not to be expected.
        """
        idle = next((worker for worker in self._workers if not worker.entries), None)
        if idle is None:
            return None
        queued = [worker for worker in self._workers if len(worker.entries) > 1]
        if not queued:
            return None
        longest = min(queued, key=_busy_since)
        left = longest.busy_since + self.PATIENCE - monotonic()
        if left > 0:
            return left
        entry = longest.take_back()
        if entry is None:
            return None  # the worker began it just now
        self._send(idle, *entry)
        return self._balance()

    def _worker_with_room(self) -> WorkerHandle | None:
        """Return an idle worker, else a new one, else one with a single batch, else None."""
        best = None
        for worker in self._workers:
            load = len(worker.entries)
            if load == 0:
                return worker
            if load < self.IN_FLIGHT_EACH and (best is None or worker.busy_since > best.busy_since):
                best = worker
        if len(self._workers) < self._n_jobs:
            return self._take()
        # Nothing is queued behind a long batch: it would only have to be taken back.
        if best is not None and monotonic() - best.busy_since < self.PATIENCE:
            return best
        return None

    def _take(self) -> WorkerHandle:
        worker = self._stock.take(self._environment, self._life)
        for descriptor in worker.descriptors:
            self._selector.register(descriptor, selectors.EVENT_READ, worker)
        self._workers.append(worker)
        return worker

    def _send(self, worker: WorkerHandle, batch: EncodedBatch, future: DrivenFuture) -> None:
        try:
            if not worker.send(batch, future):
                self._watch(worker, selectors.EVENT_READ | selectors.EVENT_WRITE)
        except _GONE:
            self._lost(worker)

    def _watch(self, worker: WorkerHandle, events: int) -> None:
        self._selector.modify(worker.connection, events, worker)

    def _handle(self, worker: WorkerHandle | None, descriptor: int, events: int) -> None:
        """Act on what the selector saw of a worker, or of the bell."""
        if worker is None:
            return  # what interrupts is in the queue of the completed
        if worker not in self._workers:
            return  # it was lost by an earlier event of the same round
        try:
            if events & selectors.EVENT_WRITE and worker.flush():
                self._watch(worker, selectors.EVENT_READ)
        except _GONE:
            self._lost(worker)
            return
        if events & selectors.EVENT_READ:
            is_open = self._receive(worker)
            if not is_open or descriptor != worker.connection:
                self._lost(worker)

    def _receive(self, worker: WorkerHandle) -> bool:
        """Complete the futures whose answers are there, and tell whether the connection is open."""
        messages, is_open = worker.receive()
        answers = [(worker.answered()[1], answer) for answer in messages]
        if is_open:
            self._assign()  # first give the worker something to do, then look at what it did
        for future, answer in answers:
            future.set_result(worker.read(answer))
        return is_open

    def _lost(self, worker: WorkerHandle) -> None:
        """Take note that a worker ended: fail what it ran, and send the rest elsewhere."""
        if worker not in self._workers:
            return  # that was seen while sending it more
        self._receive_last(worker)
        self._workers.remove(worker)
        for descriptor in worker.descriptors:
            self._selector.unregister(descriptor)
        running, was_ready = worker.running_position(), worker.was_ready()
        dismiss([worker])
        if running is not None:
            batch, future = worker.entries.popleft()
            future.set_exception(_worker_lost(batch, running, worker.exit_code))
        if not was_ready:
            for _, future in worker.entries:
                future.set_exception(_never_ready(worker.exit_code))
            return
        for batch, future in reversed(worker.entries):
            batch.lost_workers += not worker.is_retired
            if batch.lost_workers < self.MOST_LOST:
                self._waiting.appendleft((batch, future))
            else:
                future.set_exception(_worker_lost(batch, None, worker.exit_code))
        self._assign()

    def _receive_last(self, worker: WorkerHandle) -> None:
        """Read what the worker still sent before it ended."""
        messages, _ = worker.receive()
        for answer in messages:
            worker.answered()[1].set_result(worker.read(answer))


def _sooner(one: float | None, other: float | None) -> float | None:
    """Return the shorter of two times, of which None is for ever."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _busy_since(worker: WorkerHandle) -> float:
    return worker.busy_since


def _worker_lost(batch: EncodedBatch, position: int | None, exit_code: int | None) -> FanfoldError:
    from ...errors import WorkerLostError

    what = "was about to run" if position is None else "ran"
    task = batch.describe(position or 0)
    return WorkerLostError(
        f"a worker process {_how_it_ended(exit_code)} while it {what} {task}. The other workers "
        "were not affected, and the next call starts a new one",
        task_index=batch.first_task + (position or 0),
        exit_code=exit_code,
    )


def _how_it_ended(exit_code: int | None) -> str:
    import signal

    if exit_code is None:
        return "ended"
    if exit_code >= 0:
        return f"ended with exit code {exit_code} (os._exit, or a crash at exit)"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = "unknown"
    hint = {
        "SIGKILL": "; the kernel sends it when memory runs out",
        "SIGSEGV": "; an extension module crashed",
    }.get(name, "")
    return f"was ended by signal {-exit_code} ({name}{hint})"


def _never_ready(exit_code: int | None) -> BackendUnavailableError:
    return BackendUnavailableError(
        f"a worker process {_how_it_ended(exit_code)} before it was ready; what it wrote to stderr "
        "says why. A module that shadows one of the standard library is a usual cause"
    )
