"""What came of a batch, read on the side of the caller."""

from __future__ import annotations

from _pickle import loads
from itertools import islice

from ..errors import RemoteTaskError, UnencodableResultError, UnreadableResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._buffers import Buffer
    from .running import EncodedFailure, EncodedOutcome

    Describe = Callable[[int], str]

__all__ = ["FailedTask", "Outcome", "RemoteTraceback", "decode_outcome"]


class FailedTask:
    """A task of a batch that failed.

    Attributes
    ----------
    position : int
        Its position within the batch.
    error : BaseException
        What it raised.
    traceback : str or None
        Where it was raised, as text; None where `error` has its own traceback.
    worker : str, int or None
        Who ran it: a process or a thread.
    peak_memory : int or None
        The most bytes that process had used by then.
    """

    __slots__ = ("error", "peak_memory", "position", "traceback", "worker")

    def __init__(
        self,
        position: int,
        error: BaseException,
        traceback: str | None = None,
        worker: str | int | None = None,
        peak_memory: int | None = None,
    ) -> None:
        self.position = position
        self.error = error
        self.traceback = traceback
        self.worker = worker
        self.peak_memory = peak_memory


class Outcome:
    """What came of the first tasks of a batch, or of all.

    Attributes
    ----------
    results : list
        What the tasks returned, in order, without those that failed.
    failures : sequence of FailedTask
        Those that failed, in order.
    seconds : float
        How long they took together, measured where they ran.
    nbytes : int
        How much memory the results take, about.
    """

    __slots__ = ("failures", "nbytes", "results", "seconds")

    def __init__(
        self,
        results: list[object],
        failures: Sequence[FailedTask],
        seconds: float,
        nbytes: int = 0,
    ) -> None:
        self.results = results
        self.failures = failures
        self.seconds = seconds
        self.nbytes = nbytes

    @property
    def ran(self) -> int:
        """How many of the batch's tasks ran: those before the first that did not."""
        return len(self.results) + len(self.failures)


class RemoteTraceback(Exception):  # noqa: N818  it is the cause of an error, not an error
    """The traceback of an exception that was raised on a worker, as text.

    It is the ``__cause__`` of that exception, so that Python prints both.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        """Return the traceback, set apart from what follows."""
        return f"\n{self.text}"


def decode_outcome(
    encoded: EncodedOutcome, buffers: Sequence[Buffer], describe: Describe
) -> Outcome:
    """Rebuild an outcome; what cannot be rebuilt is a failure of its task.

    Parameters
    ----------
    encoded : tuple
        The outcome as the worker encoded it.
    buffers : sequence of bytearray
        The buffers that came beside it.
    describe : callable
        Returns the text that names the task at a position of the batch.
    """
    seconds, encoded_results, nbytes, counts, failed = encoded
    failures: Sequence[FailedTask] = ()
    if failed:
        failures = [_decode_failure(failure, describe) for failure in failed]
    try:
        remaining = iter(buffers)
        results = [
            loads(result, buffers=remaining) if type(result) is bytes else result
            for result in encoded_results
        ]
    except Exception:  # noqa: BLE001  a user's __setstate__ may raise anything: see which it is
        results, failures = _one_by_one(encoded_results, counts, buffers, failures, describe)
    if buffers:
        nbytes += sum(map(len, buffers))
    return Outcome(results, failures, seconds, nbytes)


def _one_by_one(
    encoded: Sequence[object],
    counts: Sequence[int] | None,
    buffers: Sequence[Buffer],
    failures: Sequence[FailedTask],
    describe: Describe,
) -> tuple[list[object], list[FailedTask]]:
    """Rebuild each result by itself; those that cannot be are failures, beside the given ones."""
    failed = {failure.position: failure for failure in failures}
    left = [position for position in range(len(encoded) + len(failed)) if position not in failed]
    results: list[object] = []
    remaining = iter(buffers)
    for number, (position, result) in enumerate(zip(left, encoded, strict=True)):
        mine = list(islice(remaining, counts[number])) if counts else ()
        try:
            results.append(loads(result, buffers=mine) if isinstance(result, bytes) else result)
        except Exception as error:  # noqa: BLE001  a user's __setstate__ may raise anything
            failed[position] = FailedTask(position, _unreadable(describe(position), error))
    return results, [failed[position] for position in sorted(failed)]


def _unreadable(task: str, error: Exception) -> UnreadableResultError:
    unreadable = UnreadableResultError(
        f"the result of {task} cannot be rebuilt in this process: {type(error).__name__}: {error}. "
        "Return something that this process can unpickle, such as built-in types or arrays"
    )
    unreadable.__cause__ = error
    return unreadable


def _decode_failure(failure: EncodedFailure, describe: Describe) -> FailedTask:
    position, stage, encoded, type_name, text, worker, peak_memory = failure
    task = describe(position)
    error: BaseException
    if stage == "result":
        error = UnencodableResultError(
            f"{task} ran, but what it returned cannot be sent back: {text}. Return the parts that "
            "can be pickled, or run on threads: backend='threads'"
        )
        return FailedTask(position, error, None, worker, peak_memory)
    error = _rebuild(encoded, type_name, text, task)
    error.__cause__ = RemoteTraceback(text)
    if stage == "terms":
        error.add_note(f"so {task} was not run")
    elif stage == "task":
        error.add_note(f"raised by {task}")
    else:
        error.add_note(
            f"the worker could not rebuild the {stage} of {task}; whatever it refers to must be "
            "importable there, or defined in __main__"
        )
    return FailedTask(position, error, text, worker, peak_memory)


def _rebuild(encoded: bytes | None, type_name: str, text: str, task: str) -> BaseException:
    if encoded is not None:
        try:
            error = loads(encoded)
        except Exception:  # noqa: BLE001  its class is not known here: it arrives as text
            pass
        else:
            if isinstance(error, BaseException):
                return error
    last_line = text.strip().rpartition("\n")[2]
    return RemoteTaskError(
        f"{task} raised {type_name}, which cannot be rebuilt in this process: {last_line}"
    )
