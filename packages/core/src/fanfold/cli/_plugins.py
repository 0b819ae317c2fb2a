"""``fanfold plugins``: every backend, store and observer that can be chosen by name."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ._output import print_json, print_table

if TYPE_CHECKING:
    import argparse

    from ..plugins.listing import PluginReport

_COLUMNS = ("KIND", "NAME", "DISTRIBUTION", "VERSION", "STATUS", "REMARK")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of the command line."""
    parser = commands.add_parser(
        "plugins",
        help="list every backend, store and observer, and whether it works",
        description="List every backend, store and observer that can be chosen by name. Each one "
        "is imported; the exit code is 0 even if some are broken (see: fanfold doctor).",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from ..plugins.listing import list_plugins

    reports = list_plugins()
    if options.json:
        print_json([asdict(report) for report in reports])
    else:
        print_table(_COLUMNS, [_row(report) for report in reports])
    return 0


def _row(report: PluginReport) -> tuple[str, ...]:
    return (
        report.kind,
        report.name,
        report.distribution or "-",
        report.version or "-",
        report.status,
        report.problem or "",
    )
