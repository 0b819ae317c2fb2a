"""What came of a batch, read on the side of the caller."""

from __future__ import annotations

from _pickle import loads

from ..errors import RemoteTaskError, UnencodableResultError, UnreadableResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._buffers import Buffer
    from .running import EncodedFailure, EncodedOutcome

    Describe = Callable[[int], str]

__all__ = ["Outcome", "RemoteTraceback", "decode_outcome"]


class Outcome:
    """The results of a batch, up to the first task that failed.

    Attributes
    ----------
    results : list
        What the tasks returned, in order.
    failure : BaseException or None
        What the task after those raised.
    seconds : float
        How long they took together, measured where they ran.
    nbytes : int
        How much memory the results take, about.
    """

    __slots__ = ("failure", "nbytes", "results", "seconds")

    def __init__(
        self,
        results: list[object],
        failure: BaseException | None,
        seconds: float,
        nbytes: int = 0,
    ) -> None:
        self.results = results
        self.failure = failure
        self.seconds = seconds
        self.nbytes = nbytes


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
    """Rebuild an outcome; what cannot be rebuilt becomes the failure of its task.

    Parameters
    ----------
    encoded : tuple
        The outcome as the worker encoded it.
    buffers : sequence of bytearray
        The buffers that came beside it.
    describe : callable
        Returns the text that names the task at a position of the batch.
    """
    seconds, blobs, counts, failure = encoded
    results: list[object] = []
    remaining = iter(buffers)
    try:
        if counts is None:
            for blob in blobs:
                results.append(loads(blob))  # noqa: PERF401  what was read before an error counts
        else:
            for blob in blobs:
                results.append(loads(blob, buffers=remaining))  # noqa: PERF401  as above
    except Exception as error:  # noqa: BLE001  a user's __setstate__ may raise anything
        unreadable = UnreadableResultError(
            f"the result of {describe(len(results))} cannot be rebuilt in this process: "
            f"{type(error).__name__}: {error}. Return something that this process can unpickle, "
            "such as built-in types or arrays"
        )
        unreadable.__cause__ = error
        return Outcome(results, unreadable, seconds)
    nbytes = sum(map(len, blobs))
    if buffers:
        nbytes += sum(map(len, buffers))
    decoded = None if failure is None else _decode_failure(failure, describe)
    return Outcome(results, decoded, seconds, nbytes)


def _decode_failure(failure: EncodedFailure, describe: Describe) -> BaseException:
    position, stage, encoded, type_name, text = failure
    task = describe(position)
    if stage == "result":
        return UnencodableResultError(
            f"{task} ran, but what it returned cannot be sent back: {text}. Return the parts that "
            "can be pickled, or run on threads: backend='threads'"
        )
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
    return error


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
