"""How far a call may run ahead: pre_dispatch, read once, as a bound on batches or on tasks."""

from __future__ import annotations

__all__ = ["DEFAULT_PRE_DISPATCH", "Window"]

DEFAULT_PRE_DISPATCH = "2 * n_jobs"
_DEFAULT_SPELLINGS = (DEFAULT_PRE_DISPATCH, "2*n_jobs")


class Window:
    """How far a call may run ahead of those who take its results.

    Attributes
    ----------
    in_flight : int
        The most batches that are submitted and not complete.
    unread : int or None
        The most tasks that are submitted and whose results have not been taken; None where results
        are kept anyway. A consumer that stops stops the producers.
    held : int or None
        The most complete batches that wait for an earlier one; None where results are kept anyway.
    in_flight_if_quick : int
        The most batches that are submitted and not complete while they take next to no time: then
        most of a call is the waiting of workers for their next message.
    """

    __slots__ = ("held", "in_flight", "in_flight_if_quick", "unread")

    HELD_PER_IN_FLIGHT = 16
    QUICK_FACTOR = 4
    QUICK_SECONDS = 0.0002
    QUICK_BYTES = 1 << 14

    def __init__(
        self,
        in_flight: int,
        *,
        unread: int | None = None,
        held: int | None = None,
        in_flight_if_quick: int | None = None,
    ) -> None:
        self.in_flight = in_flight
        self.unread = unread
        self.held = held
        self.in_flight_if_quick = in_flight_if_quick or in_flight

    def in_flight_after(self, seconds: float, nbytes: int) -> int:
        """Return how many batches may be in flight, going by the last that was complete.

        Parameters
        ----------
        seconds : float
            How long it took where it ran.
        nbytes : int
            The bytes of its arguments or of its results, whichever are more.
        """
        if seconds < self.QUICK_SECONDS and nbytes < self.QUICK_BYTES:
            return self.in_flight_if_quick
        return self.in_flight

    @classmethod
    def of_loop(cls, *, streaming: bool) -> Window:
        """Return the window of a call that runs in the calling thread, as a loop does."""
        return cls(1, unread=1 if streaming else None)

    @classmethod
    def of(
        cls,
        pre_dispatch: int | str,
        n_jobs: int,
        *,
        streaming: bool,
        one_at_a_time: bool,
        fixed_batches: bool = False,
    ) -> Window:
        """Return the window of a call.

        The default counts batches. A number or an expression of the user's own counts tasks where
        results are streamed, so that it bounds the work that is done in vain, and the memory,
        exactly.

        Parameters
        ----------
        pre_dispatch : int or str
            As the user gave it.
        n_jobs : int
            How many batches run at once.
        streaming : bool
            Whether the results are taken one by one.
        one_at_a_time : bool
            Whether only as many batches as can run may be submitted, as a timeout needs.
        fixed_batches : bool, default=False
            Whether each batch is a message whose size the user laid down. By default more of them
            are in flight while they are quick; where sizes are free, batches grow instead.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            If `pre_dispatch` is not a positive number or an expression that gives one.
        """
        in_flight, unread = 2 * n_jobs, None
        if pre_dispatch not in _DEFAULT_SPELLINGS:
            from ._expression import evaluate_pre_dispatch  # needs ast, which most calls do not

            limit = evaluate_pre_dispatch(pre_dispatch, n_jobs)
            if limit is None:  # everything, without regard to the consumer
                return cls(n_jobs if one_at_a_time else in_flight)
            in_flight, unread = limit, limit if streaming else None
        if one_at_a_time:
            in_flight = min(in_flight, n_jobs)
        held = in_flight * cls.HELD_PER_IN_FLIGHT if streaming else None
        runs_deep = fixed_batches and pre_dispatch in _DEFAULT_SPELLINGS and not one_at_a_time
        deep = in_flight * cls.QUICK_FACTOR if runs_deep else None
        return cls(in_flight, unread=unread, held=held, in_flight_if_quick=deep)
