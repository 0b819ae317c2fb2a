"""What users choose as backend="dask"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fanfold.contracts import Backend, BackendCapabilities, ExecutorRequest, resolve_n_jobs
from fanfold.errors import InvalidArgumentError

from ._clients import check_usable, clients, current_client
from ._executor import DaskExecutor

if TYPE_CHECKING:
    import distributed

__all__ = ["DaskBackend"]


class DaskBackend(Backend):
    """The workers of a Dask cluster.

    It guarantees: at most `n_jobs` batches are with the cluster at once, whatever its size; without
    workers they wait for the first; every batch ends with a result or an error, also when its
    worker, the scheduler or the client goes away.

    The workers need fanfold installed. A task whose worker is lost is run again on others, as often
    as the scheduler's ``distributed.scheduler.allowed-failures`` says: so a task may run more than
    once. Dask cannot stop code that runs, so what has begun when a call is given up goes on to its
    end. What tasks print stays with the worker; their warnings and log records come back when their
    batch is done.

    Parameters
    ----------
    address : str or None, default=None
        The scheduler to connect to, such as ``"tcp://10.0.0.1:8786"``. The connection is kept for
        later calls.
    client : distributed.Client or None, default=None
        The client to use. With neither, it is the one that Dask calls current: the last
        ``distributed.Client(…)``, or in a task of Dask the worker's own.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If both are given.

    Examples
    --------
    >>> from distributed import Client
    >>> from fanfold import Parallel, delayed
    >>> with Client(n_workers=1, threads_per_worker=1, dashboard_address=":0"):
    ...     Parallel(backend="dask")(delayed(abs)(x) for x in (-1, 2, -3))
    [1, 2, 3]
    """

    name = "dask"
    capabilities = BackendCapabilities(stores_objects=True, spans_hosts=True)
    default_n_jobs = -1

    def __init__(
        self, address: str | None = None, client: distributed.Client | None = None
    ) -> None:
        if address is not None and client is not None:
            raise InvalidArgumentError(
                f"address={address!r} and client={client!r} cannot both be given: a client is "
                "connected already"
            )
        self._address = address
        self._client = client

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return `n_jobs`, or what negative numbers leave of the threads of all present workers."""
        return resolve_n_jobs(n_jobs, sum(self._find_client().nthreads().values()))

    def executor(self, request: ExecutorRequest) -> DaskExecutor:
        """Return an executor for one call.

        Raises
        ------
        fanfold.errors.BackendUnavailableError
            If there is no client, or it cannot be used; the message says what to do.
        """
        return DaskExecutor(self._find_client(), request.n_jobs)

    def close(self) -> None:
        """Close the connection that was made for `address`; what it runs is lost."""
        if self._address is not None:
            clients.close(self._address)

    def _find_client(self) -> distributed.Client:
        if self._client is not None:
            return check_usable(self._client)
        if self._address is not None:
            return clients.connect(self._address)
        return check_usable(current_client())
