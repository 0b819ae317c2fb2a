"""Names of functions and tasks, for messages."""

from __future__ import annotations

from types import CodeType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    Function = Callable[..., object]
    Task = tuple[Function, tuple[object, ...], dict[str, object]]

__all__ = [
    "describe_arguments",
    "describe_call",
    "function_name",
    "live_function_key",
    "not_a_task",
]

_LONGEST_ARGUMENT = 40
_MOST_ARGUMENTS = 6


def function_name(function: object) -> str:
    """Return the dotted name of a function, or what comes nearest to it.

    Examples
    --------
    >>> from math import sqrt
    >>> function_name(sqrt)
    'math.sqrt'
    """
    inner = function
    while not hasattr(inner, "__qualname__") and hasattr(inner, "func"):
        inner = inner.func
    name = getattr(inner, "__qualname__", None) or type(inner).__qualname__
    module = getattr(inner, "__module__", None) or type(inner).__module__
    return name if module in ("builtins", "__main__") else f"{module}.{name}"


def live_function_key(task: Task) -> Hashable | None:
    """Return what tells a live task's function from most others; None if it is no task.

    It is the same for closures over other values, and keeps nothing alive that they refer to.
    """
    try:
        function, _, _ = task
    except (TypeError, ValueError):
        return None  # which is for whoever runs it to say
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else function_name(function)


def describe_call(function: object, args: tuple[object, ...], kwargs: dict[str, object]) -> str:
    """Return a call as text, its arguments shortened.

    Examples
    --------
    >>> describe_call(round, (3.14159,), {"ndigits": 2})
    'round(3.14159, ndigits=2)'
    """
    return f"{function_name(function)}({describe_arguments(args, kwargs)})"


def describe_arguments(args: tuple[object, ...], kwargs: dict[str, object]) -> str:
    """Return arguments as text, shortened.

    Examples
    --------
    >>> describe_arguments(("a",), {"b": 2})
    "'a', b=2"
    """
    shown = [_shorten(value) for value in args[:_MOST_ARGUMENTS]]
    room = max(0, _MOST_ARGUMENTS - len(shown))
    shown += [f"{name}={_shorten(kwargs[name])}" for name in list(kwargs)[:room]]
    if len(args) + len(kwargs) > _MOST_ARGUMENTS:
        shown.append("…")
    return ", ".join(shown)


def _shorten(value: object) -> str:
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"<{type(value).__name__} {shape}>"
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  a user's __repr__ may raise anything
        return f"<{type(value).__name__}>"
    return text if len(text) <= _LONGEST_ARGUMENT else f"{text[: _LONGEST_ARGUMENT - 1]}…"


def not_a_task(task: object, index: int) -> TypeError:
    """Return the error for something that is not a task."""
    return TypeError(
        f"task {index} is {task!r}, of type {type(task).__name__}: expected what "
        "delayed(function)(argument, …) returns"
    )
