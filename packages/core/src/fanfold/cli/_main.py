"""The entry point of the command line: parse, then run the command."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .._version import __version__
from . import _cache, _doctor, _inspect, _plugins

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = (_plugins, _doctor, _inspect, _cache)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code of the process.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        What follows ``fanfold`` on the command line; None takes it from ``sys.argv``.

    Returns
    -------
    int
        0: done. 1: done, and something is wrong with what was looked at.

    Raises
    ------
    SystemExit
        With 2 where the command line is not understood, and 0 after ``--help`` or ``--version``.
    """
    options = _parser().parse_args(arguments)
    code: int = options.run(options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fanfold",
        description="Look at what fanfold finds on this machine, at files and at caches.",
    )
    parser.add_argument("--version", action="version", version=f"fanfold {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_to(commands)
    return parser
