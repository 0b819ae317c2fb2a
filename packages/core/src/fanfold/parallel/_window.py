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
    """

    __slots__ = ("held", "in_flight", "unread")

    HELD_PER_IN_FLIGHT = 16

    def __init__(
        self, in_flight: int, *, unread: int | None = None, held: int | None = None
    ) -> None:
        self.in_flight = in_flight
        self.unread = unread
        self.held = held

    @classmethod
    def of_loop(cls, *, streaming: bool) -> Window:
        """Return the window of a call that runs in the calling thread, as a loop does."""
        return cls(1, unread=1 if streaming else None)

    @classmethod
    def of(
        cls, pre_dispatch: int | str, n_jobs: int, *, streaming: bool, one_at_a_time: bool
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
        return cls(in_flight, unread=unread, held=held)
