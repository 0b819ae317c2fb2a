"""``fanfold cache``: look into a cache, and look after it."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ._output import print_json, print_table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from ..contracts._value import Value
    from ..memory import CacheEntry, Memory

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of the command line."""
    parser = commands.add_parser(
        "cache",
        help="look into a cache of Memory, and look after it",
        description="Look into a cache of fanfold.Memory, and look after it. No result is "
        "unpickled, so a cache may come from anybody.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    action = _add(actions, "ls", _ls, "list the results, those used last first")
    action.add_argument("--limit", type=int, metavar="N", help="list no more than N of them")
    _add(actions, "stats", _stats, "sum up what there is of each function and version")
    action = _add(actions, "prune", _prune, "remove what was not used for longest")
    action.add_argument("--max-bytes", metavar="SIZE", help="what may stay, such as 10G")
    action.add_argument("--max-entries", type=int, metavar="N", help="how many results may stay")
    action.add_argument(
        "--unused-for", type=_span, metavar="TIME", help="remove what was not used for so long: 30d"
    )
    _add(actions, "clear", _clear, "remove all results")
    action = _add(actions, "verify", _verify, "compare all checksums and remove what is damaged")
    action.add_argument("--keep", action="store_true", help="only tell what is damaged")
    action = _add(actions, "explain", _explain, "tell what is known of one result")
    action.add_argument("key", metavar="KEY", help="its key, as ls prints it")


def _add(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    act: Callable[[Memory, argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("path", metavar="PATH", help="a directory, or a URL such as s3://bucket/x")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=run, act=act)
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from pathlib import Path

    from ..errors import FanfoldError
    from ..memory import Memory

    try:
        if "://" not in options.path and not Path(options.path).is_dir():
            return _fail(f"there is no directory {options.path!r}")
        code: int = options.act(Memory(options.path, verbose=0), options)
    except FanfoldError as error:
        return _fail(str(error))
    return code


def _ls(memory: Memory, options: argparse.Namespace) -> int:
    entries = sorted(memory.entries(), key=lambda entry: entry.used, reverse=True)
    shown = entries[: options.limit]
    if options.json:
        print_json([_as_dict(entry) for entry in shown])
    else:
        if shown:
            _print_entries(shown)
        if not entries:
            sys.stdout.write("there are no results\n")
        if len(shown) < len(entries):
            sys.stdout.write(f"and {len(entries) - len(shown)} others; --limit shows more\n")
    return 0


def _stats(memory: Memory, options: argparse.Namespace) -> int:
    from ..memory.care import readable_seconds, readable_size, readable_time, sum_up

    uses = sum_up(memory.entries())
    if options.json:
        print_json([_as_dict(use) for use in uses])
        return 0
    rows = [
        (
            use.function,
            use.version[:12],
            str(use.entries),
            readable_size(use.bytes),
            readable_seconds(use.seconds),
            readable_time(use.used),
        )
        for use in uses
    ]
    total = (
        "in all",
        "",
        str(sum(use.entries for use in uses)),
        readable_size(sum(use.bytes for use in uses)),
        readable_seconds(sum(use.seconds for use in uses)),
        "",
    )
    print_table(("FUNCTION", "VERSION", "RESULTS", "SIZE", "TOOK", "LAST USED"), [*rows, total])
    return 0


def _prune(memory: Memory, options: argparse.Namespace) -> int:
    from ..memory.care import parse_size

    limits = options.max_bytes, options.max_entries, options.unused_for
    if limits == (None, None, None):
        return _fail("say what may stay: --max-bytes, --max-entries or --unused-for")
    max_bytes = parse_size(options.max_bytes, "--max-bytes")
    before = memory.stats()
    memory.reduce_size(max_bytes, options.max_entries, options.unused_for)
    after = memory.stats()
    return _tell_removed(
        max(0, before.entries - after.entries), max(0, before.bytes - after.bytes), options
    )


def _clear(memory: Memory, options: argparse.Namespace) -> int:
    before = memory.stats()
    memory.clear()
    return _tell_removed(before.entries, before.bytes, options)


def _verify(memory: Memory, options: argparse.Namespace) -> int:
    from ..memory.care import find_damaged, find_leftovers

    store = memory.store_backend
    damaged = []
    for damage in find_damaged(memory):
        damaged.append(damage)
        if not options.keep and store is not None:
            store.delete(damage.key)
    if not options.keep and store is not None:
        for key, _ in list(find_leftovers(store)):
            store.delete(key)
    if options.json:
        print_json([_as_dict(damage) for damage in damaged])
    else:
        if damaged:
            print_table(("DAMAGED", "PROBLEM"), [(one.key, one.problem) for one in damaged])
        done = "found" if options.keep else "removed"
        sys.stdout.write(f"{len(damaged)} damaged results {done}\n")
    return 1 if damaged else 0


def _explain(memory: Memory, options: argparse.Namespace) -> int:
    from ..memory.care import find_relatives, is_entry_key

    if not is_entry_key(options.key):
        return _fail(f"{options.key!r} is no key of a result; expected one that ls prints")
    relatives = find_relatives(memory, options.key)
    found = [entry for entry in relatives if entry.key == options.key]
    others = [entry for entry in relatives if entry.key != options.key]
    if options.json:
        print_json({"entry": _first(found), "other_versions": [_as_dict(one) for one in others]})
    else:
        _print_explanation(options.key, found, others)
    return 0 if found else 1


def _print_explanation(key: str, found: list[CacheEntry], others: list[CacheEntry]) -> None:
    from ..memory.care import find_changes

    if found:
        print_table(("WHAT", "FOUND"), list(found[0].rows()))
    else:
        sys.stdout.write(f"There is no result {key}\n")
    if others:
        sys.stdout.write("\nOther versions of the function, called with the same arguments:\n")
        _print_entries(others)
    for other in others if found else ():
        changed = sorted(find_changes(other.parts, found[0].parts)) or [
            "what an entry does not tell"
        ]
        sys.stdout.write(f"\n{other.key}\nhas another: {', '.join(changed)}\n")


def _print_entries(entries: list[CacheEntry]) -> None:
    from ..memory.care import readable_seconds, readable_size, readable_time, shortened

    rows = [
        (
            shortened(entry.call),
            readable_size(entry.size),
            readable_seconds(entry.seconds),
            readable_time(entry.created),
            readable_time(entry.used),
            entry.key,
        )
        for entry in entries
    ]
    print_table(("CALL", "SIZE", "TOOK", "CREATED", "LAST USED", "KEY"), rows)


def _tell_removed(entries: int, n_bytes: int, options: argparse.Namespace) -> int:
    from ..memory.care import readable_size

    if options.json:
        print_json({"entries": entries, "bytes": n_bytes})
    else:
        sys.stdout.write(f"{entries} results removed, {readable_size(n_bytes)}\n")
    return 0


def _first(found: list[CacheEntry]) -> dict[str, Any] | None:
    return _as_dict(found[0]) if found else None


def _as_dict(value: Value) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _span(text: str) -> timedelta:
    from argparse import ArgumentTypeError

    found = _SPAN.fullmatch(text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no time: expected a number and s, m, h, d or w: 30d")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


def _fail(problem: str) -> int:
    sys.stderr.write(f"fanfold cache: {problem}\n")
    return 2
