"""References to results, small enough to be sent and stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import CacheMissError, StoreError
from ..hashing import register_hasher
from ._entries import MISSING
from ._showing import html_table, readable_seconds, readable_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contracts.store import Store
    from ._entries import Entries

R = TypeVar("R")


class MemorizedResult(Generic[R]):
    """A reference to a result in a cache; see :meth:`MemorizedFunc.call_and_shelve`.

    It is small whatever the result, and can be pickled: any process that reaches the cache can get
    the result. Two references to one result are equal.

    Attributes
    ----------
    func : str
        The name of the function, with its module.
    key : str
        The key of the entry.
    metadata : mapping
        What is known of the result; see :meth:`MemorizedFunc.call`.
    mmap_mode : str or None
        How arrays are mapped.
    """

    def __init__(
        self,
        entries: Entries,
        key: str,
        func: str,
        metadata: Mapping[str, Any],
        mmap_mode: str | None,
    ) -> None:
        self._entries = entries
        self.key = key
        self.func = func
        self.metadata = metadata
        self.mmap_mode = mmap_mode

    @property
    def location(self) -> str:
        """Where the cache is."""
        return self._entries.store.location

    @property
    def store_backend(self) -> Store:
        """The store that the result is in."""
        return self._entries.store

    @property
    def duration(self) -> float:
        """How long computing the result took, in seconds."""
        seconds: float = self.metadata["duration"]
        return seconds

    @property
    def func_id(self) -> str:
        """The part of the key that stands for the function in this version."""
        return self.key.rpartition("/")[0]

    @property
    def args_id(self) -> str:
        """The part of the key that stands for the arguments."""
        return self.key.rpartition("/")[2]

    def get(self) -> R:
        """Return the result.

        Raises
        ------
        fanfold.errors.CacheMissError
            If it is no longer in the cache, or damaged.
        fanfold.errors.StoreError
            If the store cannot be read.
        """
        try:
            value = self._entries.read(self.key, self.mmap_mode)
        except StoreError:
            raise
        except Exception as error:
            raise self._miss(f"cannot be read ({type(error).__name__}: {error})") from error
        if value is MISSING:
            raise self._miss("is not in the cache any more")
        self._entries.note_use(self.key)
        result: R = value
        return result

    def clear(self) -> None:
        """Remove the result from the cache.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be written.
        """
        self._entries.delete(self.key)

    def _miss(self, why: str) -> CacheMissError:
        return CacheMissError(
            f"the result {self.key} in {self.location} {why}; call {self.func} again to have it"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MemorizedResult):
            return NotImplemented
        return (self.location, self.key) == (other.location, other.key)

    def __hash__(self) -> int:
        return hash((self.location, self.key))

    def _repr_html_(self) -> str:
        arguments = ", ".join(
            f"{name}={text}" for name, text in self.metadata["input_args"].items()
        )
        rows = [
            ("result of", f"{self.func}({arguments})"),
            ("location", self.location),
            ("key", self.key),
            ("took", readable_seconds(self.duration)),
            ("created", readable_time(self.metadata["time"])),
        ]
        return html_table((), rows)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(location={self.location!r}, func={self.func!r}, "
            f"args_id={self.args_id!r})"
        )


class NotMemorizedResult(Generic[R]):
    """A result with the methods of :class:`MemorizedResult`, where nothing is cached.

    Attributes
    ----------
    valid : bool
        False once it was cleared.
    """

    __slots__ = ("_value", "valid")

    def __init__(self, value: R) -> None:
        self._value: R | None = value
        self.valid = True

    def get(self) -> R:
        """Return the result.

        Raises
        ------
        fanfold.errors.CacheMissError
            If it was cleared.
        """
        if not self.valid:
            raise CacheMissError("this result was cleared; call the function again to have it")
        value: Any = self._value
        result: R = value
        return result

    def clear(self) -> None:
        """Let go of the result."""
        self.valid = False
        self._value = None

    def __repr__(self) -> str:
        value = repr(self._value) if self.valid else "no value"
        return f"{type(self).__name__}({value})"


def _hashed(reference: MemorizedResult[Any]) -> object:
    """Return what counts where a reference is an argument: which result it refers to."""
    return reference.key


register_hasher(MemorizedResult, _hashed)
