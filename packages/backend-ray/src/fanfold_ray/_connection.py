"""The connection of this process to Ray, of which there is one."""

from __future__ import annotations

import logging
import threading

import ray
from fanfold.errors import BackendUnavailableError

__all__ = ["connect", "session"]

_connecting = threading.Lock()


def connect(address: str | None) -> None:
    """Make sure that this process is connected to Ray.

    A connection that is there is used, whatever the address.

    Raises
    ------
    fanfold.errors.BackendUnavailableError
        If the cluster cannot be reached, or Ray cannot be started.
    """
    with _connecting:
        if ray.is_initialized():
            return
        try:
            # What a task prints comes to the caller; Ray's own announcements do not.
            ray.init(
                address=address,
                include_dashboard=False if address is None else None,
                logging_level=logging.WARNING,
                log_to_driver=True,
            )
        except Exception as error:  # of no class of its own, where a node is too slow to come up
            where = "on this machine" if address is None else f"at address={address!r}"
            raise BackendUnavailableError(
                f"cannot use Ray {where}: {error}. Start a cluster with `ray start --head` and "
                "give the address that it prints, or call ray.init(…) before Parallel"
            ) from error


def session() -> tuple[str, str] | None:
    """Return what tells this connection from an earlier or later one; None without any."""
    if not ray.is_initialized():
        return None
    context = ray.get_runtime_context()
    try:
        return context.get_node_id(), context.get_worker_id()
    except (AssertionError, AttributeError):
        return None  # another thread is shutting Ray down just now
