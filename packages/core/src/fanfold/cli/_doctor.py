"""``fanfold doctor``: whether this machine has what fanfold needs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ._output import print_json, print_table

if TYPE_CHECKING:
    import argparse

_COLUMNS = ("CHECK", "FOUND", "STATUS", "REMARK")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of the command line."""
    parser = commands.add_parser(
        "doctor",
        help="check this machine, the installed libraries and every plugin",
        description="Check this machine, the installed libraries and every plugin. The exit code "
        "is 1 if something is broken.",
    )
    parser.add_argument(
        "--cache",
        metavar="DIRECTORY",
        action="append",
        default=[],
        help="also check that this cache directory can be written; may be given several times",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from ._checks import examine

    findings = examine(options.cache)
    if options.json:
        print_json([asdict(finding) for finding in findings])
    else:
        rows = [(one.check, one.found, one.status, one.remark) for one in findings]
        print_table(_COLUMNS, rows)
    return 1 if any(finding.status == "broken" for finding in findings) else 0
