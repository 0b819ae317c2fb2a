"""The arguments of a call by the names of the parameters that they go to."""

from __future__ import annotations

from types import FunctionType, MethodType

from ..errors import InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

__all__ = ["CallSignature"]

_VARARGS = 0x4  # flags of a code object
_VARKEYWORDS = 0x8


class _Parameters:
    """What a function can be called with, found out once."""

    __slots__ = ("defaults", "has_keywords", "has_rest", "keyword_only", "n_only", "positional")

    def __init__(
        self,
        positional: tuple[str, ...],
        keyword_only: tuple[str, ...],
        n_positional_only: int,
        defaults: dict[str, object],
        has_rest: bool,
        has_keywords: bool,
    ) -> None:
        self.positional = positional
        self.keyword_only = keyword_only
        self.n_only = n_positional_only
        self.defaults = defaults
        self.has_rest = has_rest
        self.has_keywords = has_keywords

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which arguments are bound."""
        rest = ("*",) if self.has_rest else ()
        keywords = ("**",) if self.has_keywords else ()
        return (*self.positional, *self.keyword_only, *rest, *keywords)


class CallSignature:
    """Binds the arguments of calls to the names of a function's parameters.

    However arguments are given (by position, by name, or by default), equal calls give equal
    mappings. Of a bound method, the instance is an argument too.

    Parameters
    ----------
    function : callable
        The function. One whose parameters Python does not know, such as some written in C, is taken
        to have ``*args`` and ``**kwargs`` only.
    ignore : iterable of str, default=()
        Parameters that are left out of the mappings; ``"*"`` and ``"**"`` stand for the surplus
        positional and named arguments.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If `ignore` is a string, or names no parameter of `function`.

    Examples
    --------
    >>> from fanfold.hashing import CallSignature
    >>> def fit(data, depth=3, *, verbose=False):
    ...     pass
    >>> signature = CallSignature(fit, ignore=["verbose"])
    >>> signature.bind(("digits",), {"verbose": True})
    {'data': 'digits', 'depth': 3}
    """

    __slots__ = ("_function", "_ignored", "_instance", "_is_simple", "_parameters")

    def __init__(self, function: Callable[..., object], ignore: Iterable[str] = ()) -> None:
        self._function = function
        self._instance: tuple[object, ...] = ()
        if isinstance(function, MethodType):
            self._instance = (function.__self__,)
            function = function.__func__
        self._parameters = _parameters(function)
        self._ignored = self._check_ignored(ignore)
        self._is_simple = not self._ignored and (
            self._parameters.names == self._parameters.positional
        )

    @property
    def implied_kinds(self) -> frozenset[type]:
        """The types of what is bound unasked: the instance of a bound method, and defaults."""
        return frozenset(map(type, (*self._instance, *self._parameters.defaults.values())))

    def bind(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> dict[str, object]:
        """Return the arguments of one call by name, in the order of the parameters.

        Parameters
        ----------
        args : tuple
            The positional arguments.
        kwargs : mapping
            The named arguments.

        Returns
        -------
        dict
            By name; surplus positional arguments as a tuple under ``"*"``, surplus named ones as a
            dict under ``"**"``, where the function takes such.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            If the function cannot be called with these arguments.
        """
        if self._instance:
            args = self._instance + args
        positional = self._parameters.positional
        if self._is_simple and not kwargs and len(args) == len(positional):
            return dict(zip(positional, args, strict=True))
        bound = self._bind_all(args, kwargs)
        for name in self._ignored:
            del bound[name]
        return bound

    def _bind_all(
        self, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> dict[str, object]:
        parameters = self._parameters
        given: dict[str, object] = dict(zip(parameters.positional, args, strict=False))
        surplus: dict[str, object] = {}
        by_name = parameters.positional[parameters.n_only :] + parameters.keyword_only
        for name, value in kwargs.items():
            if name not in by_name:
                surplus[name] = value
            elif name in given:
                raise self._refusal(args, kwargs, f"{name!r} is given twice")
            else:
                given[name] = value
        rest = args[len(parameters.positional) :]
        if rest and not parameters.has_rest:
            raise self._refusal(args, kwargs, f"it takes {len(parameters.positional)} by position")
        if surplus and not parameters.has_keywords:
            raise self._refusal(args, kwargs, f"it has no parameter {next(iter(surplus))!r}")
        given = {**parameters.defaults, **given}
        if parameters.has_rest:
            given["*"] = rest
        if parameters.has_keywords:
            given["**"] = surplus
        try:
            return {name: given[name] for name in parameters.names}
        except KeyError as error:
            raise self._refusal(args, kwargs, f"{error.args[0]!r} is missing") from error

    def _check_ignored(self, ignore: Iterable[str]) -> tuple[str, ...]:
        if isinstance(ignore, str):
            raise InvalidArgumentError(
                f"ignore={ignore!r} must be a list of parameters' names, as in ignore=[{ignore!r}]"
            )
        ignored = tuple(dict.fromkeys(ignore))
        names = self._parameters.names
        for name in ignored:
            if name not in names:
                raise InvalidArgumentError(
                    f"ignore={list(ignored)!r}: {self._name} has no parameter {name!r}; expected "
                    f"some of {list(names)!r}"
                )
        return ignored

    @property
    def _name(self) -> str:
        return str(getattr(self._function, "__qualname__", repr(self._function)))

    def _refusal(
        self, args: tuple[object, ...], kwargs: Mapping[str, object], why: str
    ) -> InvalidArgumentError:
        shown = args[len(self._instance) :]
        call = ", ".join([*map(_brief, shown), *(f"{k}={_brief(v)}" for k, v in kwargs.items())])
        expected = ", ".join(self._parameters.names)
        return InvalidArgumentError(
            f"{self._name}({call}) cannot be called: {why}; its parameters are ({expected})"
        )


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _parameters(function: Callable[..., object]) -> _Parameters:
    if isinstance(function, FunctionType) and not vars(function).keys() & {
        "__wrapped__",
        "__signature__",
    }:
        return _from_code(function)
    return _from_inspection(function)


def _from_code(function: FunctionType) -> _Parameters:
    code = function.__code__
    n_positional = code.co_argcount
    positional = code.co_varnames[:n_positional]
    values = function.__defaults__ or ()
    defaults: dict[str, object] = dict(
        zip(positional[n_positional - len(values) :], values, strict=True)
    )
    return _Parameters(
        positional,
        code.co_varnames[n_positional : n_positional + code.co_kwonlyargcount],
        code.co_posonlyargcount,
        {**defaults, **(function.__kwdefaults__ or {})},
        bool(code.co_flags & _VARARGS),
        bool(code.co_flags & _VARKEYWORDS),
    )


def _from_inspection(function: Callable[..., Any]) -> _Parameters:
    import inspect  # takes some 10 ms, and plain functions do not need it

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # Python knows nothing about it
        return _Parameters((), (), 0, {}, True, True)
    by_kind: dict[int, list[str]] = {int(kind): [] for kind in inspect._ParameterKind}
    for parameter in parameters:
        by_kind[parameter.kind].append(parameter.name)
    only = by_kind[inspect.Parameter.POSITIONAL_ONLY]
    return _Parameters(
        (*only, *by_kind[inspect.Parameter.POSITIONAL_OR_KEYWORD]),
        tuple(by_kind[inspect.Parameter.KEYWORD_ONLY]),
        len(only),
        {p.name: p.default for p in parameters if p.default is not p.empty},
        bool(by_kind[inspect.Parameter.VAR_POSITIONAL]),
        bool(by_kind[inspect.Parameter.VAR_KEYWORD]),
    )
