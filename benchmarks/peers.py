"""Two workers of each peer, and the same calls through each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from importlib.util import find_spec
from multiprocessing.pool import Pool, ThreadPool
from typing import Any, Literal, TypeAlias

import fanfold
import joblib

NAMES = ["fanfold", "joblib", "Pool", "futures", *(["mpire"] if find_spec("mpire") else [])]
"""Who takes part; mpire where it is installed."""
Contestants: TypeAlias = dict[str, Callable[[], object]]


class Peers:
    """Two workers of each peer, processes or threads, which are started when they are needed.

    Parameters
    ----------
    stack : ExitStack
        What ends them.
    backend : {'loky', 'threading'}
        What fanfold and joblib call such workers.
    names : sequence of str, optional
        Who takes part; all by default.
    """

    def __init__(
        self,
        stack: ExitStack,
        backend: Literal["loky", "threading"],
        names: Sequence[str] = NAMES,
    ) -> None:
        self._stack = stack
        self._backend = backend
        self.names = names
        self._started: dict[str, Any] = {}

    def calls(
        self, function: Callable[..., object], calls: Sequence[Sequence[Any]], chunk: int | None
    ) -> Contestants:
        """Return what calls a function with each of the arguments.

        Parameters
        ----------
        function : callable
            What to call.
        calls : sequence of sequences
            The arguments of each call.
        chunk : int or None
            How many calls to send at once; None is as each thinks best.
        """
        eighth = chunk or max(1, len(calls) // 8)  # four chunks a worker, as Pool does by itself
        batch_size: int | Literal["auto"] = chunk or "auto"

        def ours() -> object:
            return fanfold.Parallel(n_jobs=2, backend=self._backend, batch_size=batch_size)(
                fanfold.delayed(function)(*args) for args in calls
            )

        def joblibs() -> object:
            return joblib.Parallel(n_jobs=2, backend=self._backend, batch_size=batch_size)(
                joblib.delayed(function)(*args) for args in calls
            )

        def pools() -> object:
            return self._pool().starmap(function, calls, chunksize=chunk)

        def futures() -> object:
            columns = zip(*calls, strict=True)
            return list(self._executor().map(function, *columns, chunksize=eighth))

        def mpires() -> object:
            return self._mpire().map(function, calls, chunk_size=chunk)

        everybody: Contestants = {
            "fanfold": ours,
            "joblib": joblibs,
            "Pool": pools,
            "futures": futures,
            "mpire": mpires,
        }
        return {name: everybody[name] for name in self.names}

    def _pool(self) -> Pool:
        if "Pool" not in self._started:
            make = Pool if self._backend == "loky" else ThreadPool
            self._started["Pool"] = self._stack.enter_context(make(2))
        pool: Pool = self._started["Pool"]
        return pool

    def _executor(self) -> Executor:
        if "futures" not in self._started:
            make = ProcessPoolExecutor if self._backend == "loky" else ThreadPoolExecutor
            self._started["futures"] = self._stack.enter_context(make(2))
        executor: Executor = self._started["futures"]
        return executor

    def _mpire(self) -> Any:
        if "mpire" not in self._started:
            from mpire.pool import WorkerPool

            method = "fork" if self._backend == "loky" else "threading"
            pool = WorkerPool(2, start_method=method, keep_alive=True)
            self._started["mpire"] = self._stack.enter_context(pool)
        return self._started["mpire"]
