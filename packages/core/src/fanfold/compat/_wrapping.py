"""wrap_non_picklable_objects: for code that needed it with joblib."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")

__all__ = ["wrap_non_picklable_objects"]


def wrap_non_picklable_objects(obj: T, keep_wrapper: bool = True) -> T:
    """Return the object itself: there is nothing to wrap.

    With joblib, this marks what plain pickle cannot take, so that workers get it nevertheless.
    Here, functions and classes that workers could not find by name travel by value without a mark.

    Parameters
    ----------
    obj : object
        A function, a class or an instance.
    keep_wrapper : bool, default=True
        Accepted for joblib's sake.

    Examples
    --------
    >>> from fanfold import Parallel, delayed, wrap_non_picklable_objects
    >>> double = wrap_non_picklable_objects(lambda x: 2 * x)
    >>> Parallel(n_jobs=2)(delayed(double)(x) for x in range(3))
    [0, 2, 4]
    """
    return obj
