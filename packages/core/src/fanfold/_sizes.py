"""Sizes as people write them: "1M", "500K", "10G"."""

from __future__ import annotations

from .errors import InvalidArgumentError

__all__ = ["parse_size"]

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(size: int | str, argument: str) -> int:
    """Return a number of bytes.

    Parameters
    ----------
    size : int or str
        A number of bytes, or a text such as ``"1M"``: a number and one of K, M, G, T, in powers of
        1024; a B may follow.
    argument : str
        The name of the argument it was given for, for the message.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is anything else.

    Examples
    --------
    >>> parse_size("1.5K", "max_nbytes")
    1536
    """
    if isinstance(size, int):
        return size
    if isinstance(size, str):
        text = size.strip().upper().removesuffix("B")
        factor = _UNITS.get(text[-1:], 1)
        number = text[:-1] if factor > 1 else text
        try:
            return int(float(number) * factor)
        except (ValueError, OverflowError):
            pass  # the message below says what is expected
    raise InvalidArgumentError(
        f"{argument}={size!r} is not a size: expected a number of bytes, or a text such as '10G', "
        "'500M' or '50K'"
    )
