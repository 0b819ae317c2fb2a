"""``fanfold inspect``: what is in a file, without loading it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from ._output import print_json, print_table

if TYPE_CHECKING:
    import argparse

    from ..persistence.safety.inspection import FileReport

_MOST_SHOWN = 100


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of the command line."""
    parser = commands.add_parser(
        "inspect",
        help="show what is in a file of fanfold, joblib or pickle, without loading it",
        description="Show the format, version, sizes, compression and arrays of a file that "
        "fanfold, joblib or pickle wrote, and everything that loading it would import. Nothing of "
        "the file runs, and nothing that it names is imported. The exit code is 1 if it cannot be "
        "loaded.",
    )
    parser.add_argument("file", metavar="FILE", help="the file")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from ..persistence.safety.inspection import inspect_file

    try:
        report = inspect_file(options.file)
    except OSError as error:
        sys.stderr.write(f"fanfold inspect: {error}\n")
        return 1
    if options.json:
        print_json(asdict(report))
    else:
        _show(report)
    return 1 if report.problem else 0


def _show(report: FileReport) -> None:
    print_table(("WHAT", "FOUND"), list(_facts(report)))
    if report.arrays:
        sys.stdout.write("\n")
        rows = [(one.dtype, str(one.shape), f"{one.size:,}") for one in report.arrays[:_MOST_SHOWN]]
        print_table(("ARRAY OF", "SHAPE", "BYTES"), rows)
        if len(report.arrays) > _MOST_SHOWN:
            sys.stdout.write(f"and {len(report.arrays) - _MOST_SHOWN:,} others; --json has all\n")
    if report.imports:
        sys.stdout.write("\n")
        imports = [
            (one.name, f"trusted=[{one.trusted_by!r}]" if one.trusted_by else "always")
            for one in report.imports
        ]
        print_table(("IMPORTS", "ALLOWED BY"), imports)


def _facts(report: FileReport) -> list[tuple[str, str]]:
    version = "" if report.version is None else f", version {report.version}"
    facts = [
        ("file", report.path),
        ("format", f"{report.format}{version}"),
        ("size", _bytes(report.size)),
        ("compression", report.compression or "none"),
        ("pickle", _bytes(report.pickle_size) + _protocol(report.protocol)),
    ]
    if report.format == "fanfold":
        facts.append(("buffers", f"{report.n_buffers:,} of {_bytes(report.buffers_size)} in all"))
        facts.append(("checksums", "right" if report.checked else "not all compared"))
    if report.metadata:
        facts.append(("metadata", json.dumps(dict(report.metadata))))
    if report.following:
        facts.append(("behind the value", _bytes(report.following)))
    if report.problem:
        facts.append(("problem", report.problem))
    return facts


def _bytes(count: int) -> str:
    return f"{count:,} bytes"


def _protocol(protocol: int | None) -> str:
    return "" if protocol is None else f", protocol {protocol}"
