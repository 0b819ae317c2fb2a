"""What each batch takes of the cluster's resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fanfold.errors import InvalidArgumentError

__all__ = ["Demands"]


class Demands:
    """The resources of one batch, by Ray's names.

    Parameters
    ----------
    num_cpus, num_gpus : float
        How many CPUs and GPUs.
    resources : mapping of str to float
        How much of other resources.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If an amount is negative, or all of them are 0.
    """

    def __init__(self, num_cpus: float, num_gpus: float, resources: Mapping[str, float]) -> None:
        self._custom = dict(resources)
        self._amounts = {"CPU": num_cpus, "GPU": num_gpus, **resources}
        for name, amount in self._amounts.items():
            if not amount >= 0:
                raise InvalidArgumentError(
                    f"each batch cannot take {amount!r} of {name!r}: expected a number of 0 or more"
                )
        if not any(self._amounts.values()):
            raise InvalidArgumentError(
                "batches that take nothing would all run on one node: give num_cpus, num_gpus or "
                "resources an amount above 0"
            )

    @property
    def cpus_per_task(self) -> int:
        """How many whole CPUs a batch has, and 1 at the least."""
        return max(1, int(self._amounts["CPU"]))

    def fitting(self, cluster: Mapping[str, float]) -> int:
        """Return how many batches run at once in a cluster with these resources, 0 or more."""
        return min(
            int(cluster.get(name, 0) / amount) for name, amount in self._amounts.items() if amount
        )

    def options(self) -> dict[str, Any]:
        """Return the options of a remote function that declare this."""
        return {
            "num_cpus": self._amounts["CPU"],
            "num_gpus": self._amounts["GPU"],
            "resources": self._custom,
        }
