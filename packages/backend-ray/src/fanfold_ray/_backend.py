"""What users choose as backend="ray"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fanfold.contracts import Backend, BackendCapabilities, ExecutorRequest, resolve_n_jobs

from ._connection import connect
from ._demands import Demands
from ._executor import RayExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["RayBackend"]


class RayBackend(Backend):
    """The workers of a Ray cluster.

    It guarantees: at most `n_jobs` batches are with the cluster at once, and Ray queues those for
    which it lacks resources; every batch ends with a result or an error, also when its worker goes
    away; code that runs is ended when its call is given up.

    It uses the Ray that this process is connected to. Without one, it connects to `address`, else
    to what the environment variable ``RAY_ADDRESS`` names, else starts Ray on this machine without
    a dashboard; that Ray stays for later calls, until ``ray.shutdown()`` or the end of the process.
    The nodes need fanfold installed, in the same version. What tasks print comes back by Ray's own
    means; their warnings and log records do when their batch is done.

    Parameters
    ----------
    address : str or None, default=None
        The cluster to connect to, such as ``"10.0.0.1:6379"`` or ``"auto"``.
    num_cpus : float, default=1
        The CPUs that each batch takes.
    num_gpus : float, default=0
        The GPUs that each batch takes.
    resources : mapping of str to float or None, default=None
        What each batch takes of the resources that the cluster's administrator named.
    runtime_env : mapping or None, default=None
        The environment of the workers, as Ray describes it.
    max_retries : int, default=1
        How often a batch is run again whose worker was lost: so a task may run more than once. With
        0 a call may fail because another one was given up just before: Ray can give a batch to a
        worker that is about to be ended.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If an amount is negative, or all of them are 0.

    Examples
    --------
    >>> from fanfold import Parallel, delayed
    >>> Parallel(backend="ray", n_jobs=2)(  # doctest: +SKIP
    ...     delayed(abs)(x) for x in (-1, 2, -3)
    ... )
    [1, 2, 3]
    """

    name = "ray"
    capabilities = BackendCapabilities(
        stops_running_tasks=True, stores_objects=True, spans_hosts=True
    )
    default_n_jobs = -1

    def __init__(
        self,
        address: str | None = None,
        *,
        num_cpus: float = 1,
        num_gpus: float = 0,
        resources: Mapping[str, float] | None = None,
        runtime_env: Mapping[str, Any] | None = None,
        max_retries: int = 1,
    ) -> None:
        self._address = address
        self._demands = Demands(num_cpus, num_gpus, resources or {})
        self._options = {**self._demands.options(), "max_retries": max_retries}
        if runtime_env is not None:
            self._options["runtime_env"] = dict(runtime_env)

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return `n_jobs`, or what negative numbers leave of what fits in the whole cluster."""
        import ray

        connect(self._address)
        return resolve_n_jobs(n_jobs, self._demands.fitting(ray.cluster_resources()))

    def cpus_per_task(self, n_jobs: int) -> int:
        """Return the CPUs that each batch takes, 1 or more."""
        return self._demands.cpus_per_task

    def executor(self, request: ExecutorRequest) -> RayExecutor:
        """Return an executor for one call.

        Raises
        ------
        fanfold.errors.BackendUnavailableError
            If the cluster cannot be reached.
        """
        connect(self._address)
        return RayExecutor(request.n_jobs, self._options)
