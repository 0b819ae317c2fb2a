"""Evaluates pre_dispatch: arithmetic on numbers and n_jobs, and nothing else."""

from __future__ import annotations

import ast
import operator

from ..errors import InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Number = int | float

__all__ = ["evaluate_pre_dispatch"]

_OPERATORS: dict[type[ast.AST], Callable[..., Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_LARGEST = 2**62


def evaluate_pre_dispatch(pre_dispatch: int | str, n_jobs: int) -> int | None:
    """Return the number that pre_dispatch stands for, or None for ``"all"``.

    Parameters
    ----------
    pre_dispatch : int or str
        A number, ``"all"``, or arithmetic on numbers and ``n_jobs``, such as ``"1.5 * n_jobs"``.
    n_jobs : int
        What ``n_jobs`` stands for.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is anything else, or does not come to more than 0.

    Examples
    --------
    >>> evaluate_pre_dispatch("1.5 * n_jobs", 4)
    6
    """
    if pre_dispatch == "all":
        return None
    value: object = pre_dispatch
    if isinstance(pre_dispatch, str):
        value = _evaluate(pre_dispatch, n_jobs)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid(pre_dispatch, "it is not a number")
    if not 0 < value <= _LARGEST:  # also refuses nan, which compares false
        raise _invalid(pre_dispatch, f"it comes to {value}, which is not a number of batches")
    return max(1, int(value))


def _evaluate(expression: str, n_jobs: int) -> Number:
    try:
        tree = ast.parse(expression.replace("n_jobs", str(n_jobs)), mode="eval")
        return _value(tree.body)
    except (SyntaxError, KeyError, ArithmeticError, ValueError, RecursionError) as error:
        raise _invalid(expression, f"{type(error).__name__}: {error}") from error


def _value(node: ast.expr) -> Number:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow) and abs(right) > 64:
            raise ValueError(f"the exponent {right} is above 64")
        return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_value(node.operand))
    raise ValueError(f"{ast.unparse(node)!r} is not arithmetic on numbers and n_jobs")


def _invalid(pre_dispatch: object, reason: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"pre_dispatch={pre_dispatch!r} is not valid: {reason}. Expected 'all', a number above "
        "0, or arithmetic on n_jobs such as '2 * n_jobs'"
    )
