"""Collecting into one set from many tasks: ``require="sharedmem"``.

What to see: tasks on processes would each fill a copy of the set. With ``require="sharedmem"`` they
run on threads, whatever backend is configured around them, and fill the set itself.
"""

from __future__ import annotations

from fanfold import Parallel, delayed, parallel_config

seen: set[int] = set()


def collect(number: int) -> None:
    """Remember the square of a number."""
    seen.add(number**2)


def main() -> None:
    """Collect twice, and see where it went."""
    Parallel(n_jobs=2)(delayed(collect)(number) for number in range(5))
    print(f"on processes, each filled its own: {sorted(seen)}")
    assert seen == set()

    Parallel(n_jobs=2, require="sharedmem")(delayed(collect)(number) for number in range(5))
    print(f"with shared memory: {sorted(seen)}")
    assert seen == {0, 1, 4, 9, 16}

    with parallel_config(backend="processes"):  # a hint of others does not overrule a need
        Parallel(n_jobs=2, require="sharedmem")(delayed(collect)(number) for number in (5, 6))
    print(f"with shared memory, inside a configuration of processes: {sorted(seen)}")
    assert seen == {0, 1, 4, 9, 16, 25, 36}


if __name__ == "__main__":
    main()
