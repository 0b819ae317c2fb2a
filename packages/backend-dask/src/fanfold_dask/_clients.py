"""Which client of Dask a call uses."""

from __future__ import annotations

import threading

import distributed
from fanfold.errors import BackendUnavailableError

__all__ = ["Clients", "check_usable", "clients", "current_client"]


class Clients:
    """The connections that were made for an address, kept for later calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_address: dict[str, distributed.Client] = {}

    def connect(self, address: str) -> distributed.Client:
        """Return a client that is connected to this scheduler.

        Raises
        ------
        fanfold.errors.BackendUnavailableError
            If the scheduler cannot be reached.
        """
        with self._lock:
            client = self._by_address.get(address)
            if client is None or client.status == "closed":
                client = self._by_address[address] = _connect(address)
            return client

    def close(self, address: str) -> None:
        """Close the connection to this scheduler, if there is one."""
        with self._lock:
            client = self._by_address.pop(address, None)
        if client is not None:
            client.close()


clients = Clients()


def _connect(address: str) -> distributed.Client:
    try:
        return distributed.Client(address, set_as_default=False)
    except (OSError, ValueError) as error:
        raise BackendUnavailableError(
            f"cannot connect to a Dask scheduler at address={address!r}: {error}. Start one with "
            "`dask scheduler`, and give the address that it prints"
        ) from error


def current_client() -> distributed.Client:
    """Return the client that Dask calls current.

    Raises
    ------
    fanfold.errors.BackendUnavailableError
        If there is none.
    """
    try:
        return distributed.get_client()
    except ValueError as error:
        raise BackendUnavailableError(
            "the dask backend needs a cluster, and no client of one is there: create a "
            "distributed.Client(…) first, or give the scheduler's address with "
            "Parallel(backend='dask', address='tcp://…')"
        ) from error


def check_usable(client: distributed.Client) -> distributed.Client:
    """Return a client that can be used from this thread.

    Raises
    ------
    fanfold.errors.BackendUnavailableError
        If it is closed or asynchronous.
    """
    if client.status == "closed":
        raise BackendUnavailableError(
            f"the Dask client {client!r} is closed: create another distributed.Client(…)"
        )
    if client.asynchronous:
        raise BackendUnavailableError(
            f"the Dask client {client!r} is asynchronous, and Parallel waits for its results: give "
            "it a client that was made without asynchronous=True"
        )
    return client
