"""Shared arrays: what users call."""

from __future__ import annotations

from math import prod
from operator import index
from typing import Any

from ..errors import InvalidArgumentError, MissingExtraError
from ._memory import new_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from types import ModuleType
    from typing import Literal, SupportsIndex

    import numpy as np
    from numpy.typing import ArrayLike, DTypeLike

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["shared_array", "shared_like"]


def shared_array(
    shape: SupportsIndex | Sequence[SupportsIndex],
    dtype: DTypeLike = float,
    *,
    order: Literal["C", "F"] = "C",
    temp_folder: str | PathLike[str] | None = None,
) -> Array:
    """Return an array of zeros that the tasks of `Parallel` see as it is, and write into.

    It guarantees: what a task on any backend of this machine writes is seen by the caller and by
    other tasks, at once and without a copy; the same holds for views of it (slices, transposes,
    reshapes), and for a task that returns it. Its memory is given back when the last array on it is
    gone, in the caller and in tasks.

    It is a plain ``numpy.ndarray``. Copies and results of arithmetic have memory of their own, as
    ever; so has what arrives on another machine, or arrives as a subclass of ``ndarray``. A task
    may make such arrays too, but what it returns of these is a copy, since their memory ends with
    the task. Tasks that write to the same element have to agree who does so when.

    Parameters
    ----------
    shape : int or sequence of int
        Its shape.
    dtype : data-type, default=float
        The type of its elements, any but Python objects.
    order : {'C', 'F'}, default='C'
        Whether the last index or the first varies fastest in memory.
    temp_folder : path, optional
        Keep it in a temporary file in this folder, for arrays that are larger than memory. By
        default, Linux keeps it in memory that vanishes with its users, even if these are killed.
        Other systems keep it in a file in the folder for temporary files; that stays behind if the
        process that made it is killed.

    Returns
    -------
    numpy.ndarray
        The array.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If an argument will not do. It is a ``ValueError``.
    fanfold.errors.MissingExtraError
        If numpy is not installed. It is an ``ImportError``.
    MemoryError
        If there is not as much memory, or room in the folder.

    Examples
    --------
    >>> import numpy
    >>> from fanfold import Parallel, delayed, shared_array
    >>> squares = shared_array(5, int)
    >>> _ = Parallel(n_jobs=2)(delayed(numpy.copyto)(squares[i : i + 1], i**2) for i in range(5))
    >>> squares.tolist()
    [0, 1, 4, 9, 16]
    """
    numpy = _import_numpy()
    dimensions, kind = _dimensions(shape), _element_type(numpy, dtype)
    if order not in ("C", "F"):
        raise InvalidArgumentError(f"order={order!r} is not valid: expected 'C' or 'F'")
    memory = new_memory(max(1, prod(dimensions) * kind.itemsize), temp_folder)
    array: Array = numpy.ndarray(dimensions, kind, memory, 0, None, order)
    return array


def shared_like(array: ArrayLike) -> Array:
    """Return a shared array of zeros with the shape and element type of another array.

    As with numpy's functions of such names, the contents are not copied. To have them too::

        shared = shared_like(array)
        shared[...] = array

    Parameters
    ----------
    array : array-like
        The other array. It is in Fortran order only if that is.

    Returns
    -------
    numpy.ndarray
        The array; see :func:`shared_array`.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If its elements are Python objects.

    Examples
    --------
    >>> from fanfold import shared_like
    >>> shared_like([[1, 2, 3], [4, 5, 6]])
    array([[0, 0, 0],
           [0, 0, 0]])
    """
    like: Array = _import_numpy().asarray(array)
    return shared_array(like.shape, like.dtype, order="F" if like.flags.fnc else "C")


def _import_numpy() -> ModuleType:
    try:
        import numpy
    except ImportError as error:
        raise MissingExtraError(
            "shared arrays are numpy's, and numpy is not installed: pip install numpy"
        ) from error
    return numpy


def _dimensions(shape: object) -> tuple[int, ...]:
    try:
        dimensions: tuple[int, ...] = tuple(map(index, shape))  # type: ignore[call-overload]
    except TypeError:
        try:
            dimensions = (index(shape),)  # type: ignore[arg-type]
        except TypeError as error:
            raise _bad_shape(shape) from error
    if any(length < 0 for length in dimensions):
        raise _bad_shape(shape)
    return dimensions


def _bad_shape(shape: object) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"shape={shape!r} is not valid: expected an integer of 0 or more, or a sequence of such"
    )


def _element_type(numpy: ModuleType, dtype: object) -> np.dtype[Any]:
    try:
        kind: np.dtype[Any] = numpy.dtype(dtype)
    except TypeError as error:
        raise InvalidArgumentError(f"dtype={dtype!r} is not valid: {error}") from error
    if kind.hasobject:
        raise InvalidArgumentError(
            f"dtype={dtype!r} holds Python objects, which other processes cannot see: use numbers, "
            "or texts of a fixed length such as 'U20'"
        )
    if not kind.itemsize:
        raise InvalidArgumentError(
            f"dtype={dtype!r} does not say how long its elements are: use for example 'U20'"
        )
    return kind
