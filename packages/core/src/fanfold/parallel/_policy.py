"""What becomes of a task that failed: it is tried again, or its failure is returned, or raised."""

from __future__ import annotations

from ..errors import InitializerError, InvalidArgumentError, OfOneTask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._retry import Retry

__all__ = ["FailurePolicy", "Verdict", "check_on_error"]

_ON_ERROR = ("raise", "return")


class Verdict:
    """What is to be done about a failure.

    Attributes
    ----------
    attempts : int
        How often the task has been tried.
    retry_in : float or None
        After how many seconds it is tried again; None if it is not.
    alone : bool
        Whether it is then tried on a worker of its own.
    is_raised : bool
        Whether the failure ends the call.
    """

    __slots__ = ("alone", "attempts", "is_raised", "retry_in")

    def __init__(
        self,
        attempts: int,
        *,
        retry_in: float | None = None,
        alone: bool = False,
        is_raised: bool = False,
    ) -> None:
        self.attempts = attempts
        self.retry_in = retry_in
        self.alone = alone
        self.is_raised = is_raised

    @property
    def is_returned(self) -> bool:
        """Whether the failure takes the place of the task's result."""
        return self.retry_in is None and not self.is_raised


class FailurePolicy:
    """Judges failures, and counts the attempts that each task has had.

    Parameters
    ----------
    on_error : {'raise', 'return'}
        What becomes of a task that is not tried again.
    retry : Retry
        Which are tried again, how often and when.

    Attributes
    ----------
    goes_on : bool
        Whether a batch should go on after a task that failed: it need not end the call.
    """

    def __init__(self, on_error: str, retry: Retry) -> None:
        self._returns = on_error == "return"
        self._retry = retry
        self._attempts: dict[int, int] = {}
        self.goes_on = self._returns or retry.times > 0

    def judge(self, index: int, error: BaseException) -> Verdict:
        """Return what is to be done about the failure of the task with this number.

        An exit or an interrupt, which is no ``Exception``, always ends the call, and so does an
        initializer that fails, because it is no task's. So that a task
        that takes its workers along cannot take anything else, its last attempt is on its own.
        """
        attempts = self._attempts.pop(index, 0) + 1
        retry = self._retry
        if not isinstance(error, Exception) or isinstance(error, InitializerError):
            return Verdict(attempts, is_raised=True)
        if attempts > retry.times or not isinstance(error, retry.on):
            return Verdict(attempts, is_raised=not self._returns)
        self._attempts[index] = attempts
        return Verdict(
            attempts,
            retry_in=retry.seconds_after(attempts),
            alone=attempts == retry.times and isinstance(error, OfOneTask),
        )


def check_on_error(on_error: object) -> None:
    """Refuse what `on_error` cannot be."""
    if on_error not in _ON_ERROR:
        raise InvalidArgumentError(
            f"on_error={on_error!r} is not valid: expected 'raise', to end the call with the first "
            "failure, or 'return', to have a fanfold.TaskFailure in the place of the result"
        )
